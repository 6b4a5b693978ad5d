"""A supervised process ends with its supervisor, even if that one is killed without a chance to say so."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>."""


def ready_through(descriptor: int) -> Callable[[], None]:
    """What tells the supervisor, through the pipe it gave us, that we are at work; once, later calls say nothing."""
    pipe = open(descriptor, "wb", buffering=0)  # noqa: SIM115 -- closed when it has been used

    def say() -> None:
        if not pipe.closed:
            with contextlib.suppress(BrokenPipeError), pipe:
                pipe.write(b"r")

    return say


def told_through(descriptor: int) -> str:
    """What the supervisor writes into the pipe it gave us; ends the process if it ends without a word."""
    with open(descriptor) as gate:
        said = gate.read()
    return said or sys.exit()


def end_with_parent() -> None:
    """Ask the kernel for a SIGTERM when the parent is gone (Linux; elsewhere nothing is asked)."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os.kill(os.getpid(), signal.SIGTERM)
