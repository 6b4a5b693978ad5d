"""A supervised process ends with its supervisor, even if that one is killed without a chance to say so."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>."""


def end_with_parent() -> None:
    """Ask the kernel for a SIGTERM when the parent is gone (Linux; elsewhere nothing is asked)."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os.kill(os.getpid(), signal.SIGTERM)
