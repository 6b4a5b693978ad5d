"""The decoder's jobs, with pictures that take it down: whatever follows the end of a PNG says how. For tests only."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from atisbo.imaging.jobs import JOBS as HONEST
from atisbo.imaging.jobs import Reply, ready

__all__ = ["CRASH", "HANG", "HOARD", "JOBS", "ready"]
CRASH, HANG, HOARD = b"CRASH", b"HANG", b"HOARD"


def prepare(data: bytes, *arguments: Any) -> Reply:
    if data.endswith(CRASH):
        ctypes.string_at(0)
    if data.endswith(HANG):
        time.sleep(3600)
    if data.endswith(HOARD):
        bytearray(64 << 30)
    return HONEST["prepare"](data, *arguments)


JOBS: Final[Mapping[str, Callable[..., Reply]]] = {**HONEST, "prepare": prepare}
