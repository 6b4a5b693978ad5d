"""A long piece of work in a process of its own, watched from the worker's loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_BOOT: Final = """\
import ctypes, json, os, signal, sys
sys.path[:] = json.loads(sys.argv.pop(1))
linux = sys.platform.startswith("linux")
if sys.argv.pop(1) == "idle":
    os.nice(19)
    if linux:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
if linux:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
from atisbo.cli import app
app()
"""
"""Ends with the worker (``PR_SET_PDEATHSIG``); when idle, runs only while nothing else wants the processor."""
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "CUDA_VISIBLE_DEVICES", "VIRTUAL_ENV")
"""Of our environment; the address of the database is not for it."""
_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
_MANY_THREADS: Final = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Those that wait for the others sleep: spinning takes what they wait for, where something else runs."""
LOOK_S: Final = 0.5
PATIENCE_S: Final = 8.0
"""For a child that was asked to stop, before it is killed; a supervisor waits a little longer for the worker."""

Look = Callable[[], Awaitable[bool]]


async def run(
    words: Sequence[str], log: Path, look: Look, environment: Mapping[str, str] | None = None, *, idle: bool = True
) -> int:
    """Run ``atisbo`` with these words.

    Args:
        idle: give way to everything, in one thread; for a machine that has pictures to answer about, too.
        log: what the child says is added to this file.
        look: asked every half second; True asks the child to stop.

    Returns:
        The exit status; negative for a signal.
    """
    ours = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    with log.open("ab") as said:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", _BOOT, json.dumps(sys.path), "idle" if idle else "", *words),
            env={
                **ours,
                **(_ONE_THREAD if idle else {}),
                "PYTHONUNBUFFERED": "1",
                "COLUMNS": "120",
                **(environment or {}),
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        return await _watched(child, look)
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()


async def _watched(child: Any, look: Look) -> int:
    ended = asyncio.ensure_future(child.wait())
    while not (await asyncio.wait({ended}, timeout=LOOK_S))[0]:
        if await look():
            child.terminate()
            await asyncio.wait({ended}, timeout=PATIENCE_S)
            break
    if not ended.done():
        child.kill()
    return int(await ended)


def tail(log: Path, lines: int = 40) -> str:
    """The last lines of a log, without what a terminal would hide, and without the folder that it lies in."""
    if not log.is_file():
        return ""
    text = log.read_bytes()[-16_384:].decode(errors="replace")
    shown = [line.rsplit("\r", 1)[-1].rstrip() for line in text.splitlines()]
    return "\n".join([line for line in shown if line][-lines:]).replace("\x00", "").replace(f"{log.parent}/", "")
