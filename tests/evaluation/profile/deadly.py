"""Jobs of a child that dies, hangs or lies over marked files, for tests only."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Mapping, Sequence

from atisbo.domain.images import Limits
from atisbo.evaluation.profile import look as honest
from atisbo.evaluation.profile.look import ready
from atisbo.imaging.jobs import Reply

__all__ = ["DEATH", "JOBS", "LIE", "SLEEP", "ready"]

DEATH, SLEEP, LIE = b"dies-6f1c", b"sleeps-6f1c", b"lies-6f1c"


def look(files: Sequence[tuple[str, bytes]], limits: Limits) -> Reply:
    for _, data in files:
        if DEATH in data:
            ctypes.string_at(0)
        if SLEEP in data:
            time.sleep(3600)
    reply = honest.look(files, limits)
    if any(LIE in data for _, data in files):
        return Reply({"items": [{**item, "mode": "<b>"} for item in reply.values["items"]]}, reply.blocks)
    return reply


JOBS: Mapping[str, Callable[..., Reply]] = {**honest.JOBS, "look": look}
