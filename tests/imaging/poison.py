"""Jobs for a child that goes wrong, for tests only."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from atisbo.imaging.jobs import JOBS as HONEST
from atisbo.imaging.jobs import Reply, ready

__all__ = ["JOBS", "ready"]


def crash() -> Reply:
    ctypes.string_at(0)
    raise AssertionError("unreachable")


def hang() -> Reply:
    time.sleep(3600)
    raise AssertionError("unreachable")


def hoard() -> Reply:
    return Reply({"bytes": len(bytearray(8 << 30))}, {})


def fail() -> Reply:
    raise RuntimeError("a mistake in our own code")


def babble(message: bytes) -> Reply:
    """Answer with bytes that are no message of ours."""
    ours = next(fd for fd in range(3, 64) if _is_socket(fd))
    with socket.socket(fileno=ours) as link:
        link.sendall(len(message).to_bytes(4) + message)
    os._exit(0)


def _is_socket(descriptor: int) -> bool:
    try:
        return Path(f"/proc/self/fd/{descriptor}").readlink().name.startswith("socket:")
    except OSError:
        return False


def pry() -> Reply:
    """What a child that was taken over could reach."""
    reached: dict[str, Any] = {"environment": sorted(os.environ), "uid": os.getuid()}
    for name, path in (("shadow", "/etc/shadow"), ("root", "/root")):
        try:
            reached[name] = Path(path).read_text() if Path(path).is_file() else len(list(Path(path).iterdir()))
        except OSError:
            reached[name] = None
    reached["core"] = resource.getrlimit(resource.RLIMIT_CORE)[1]
    reached["no_new_privileges"] = "NoNewPrivs:\t1" in Path("/proc/self/status").read_text()
    reached["pid"] = os.getpid()
    reached["modules"] = sorted(name for name in __import__("sys").modules if name.split(".")[0] == "openvino")
    return Reply(reached, {})


JOBS: Mapping[str, Callable[..., Reply]] = {
    **HONEST,
    "crash": crash,
    "hang": hang,
    "hoard": hoard,
    "fail": fail,
    "babble": babble,
    "pry": pry,
}
