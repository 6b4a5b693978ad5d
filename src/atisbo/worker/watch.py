"""A call of a network that never comes back: no thread can be ended, so the worker ends itself."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Final

from atisbo.inference.registry import Registry

log = logging.getLogger(__name__)
LOOK_S: Final = 1.0
EXIT: Final = 70
"""``EX_SOFTWARE`` of <sysexits.h>."""


async def watch(registry: Registry, timeout_s: float) -> None:
    """Look every second; a call that is seen running for ``timeout_s`` ends the process at once.

    Looks are counted, not time: a worker that was stopped for a while has no call that hangs. Whoever takes the jobs
    over tries what was in hand apart from others.
    """
    seen: dict[tuple[int, int], int] = {}
    while True:
        await asyncio.sleep(LOOK_S)
        seen = {call: seen.get(call, 0) + 1 for call in registry.running()}
        if max(seen.values(), default=0) * LOOK_S > timeout_s:
            log.critical("a network has not answered for %.0f s; this worker ends", timeout_s)
            logging.shutdown()
            os._exit(EXIT)
