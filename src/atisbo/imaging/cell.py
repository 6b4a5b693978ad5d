"""The quarantine's child process: a loop that does one job after another, with as little around it as possible.

Started by :mod:`atisbo.imaging.quarantine` with a clean environment. It answers in JSON and bytes, never in pickles.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pickle
import resource
import signal
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any, Final

from atisbo.errors import AtisboError, BadImage, Invalid
from atisbo.imaging import walls

_NOBODY: Final = 65534


def main(descriptor: int, jobs_module: str, memory_bytes: int, longest_s: float) -> None:
    """Serve jobs from the socket until its other end is closed.

    Args:
        descriptor: an open socket.
        jobs_module: dotted name of a module with ``JOBS`` and ``ready``, perhaps with a ``confine`` of its own.
        memory_bytes: address space of this process.
        longest_s: the process ends itself when a job takes longer; the parent, if it lives, is quicker.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    module = importlib.import_module(jobs_module)
    module.ready()
    getattr(module, "confine", _confine)(memory_bytes)
    with Connection(descriptor) as connection:
        connection.send_bytes(pack({"ready": True}))
        while True:
            try:
                name, arguments = pickle.loads(connection.recv_bytes())  # noqa: S301 - our own parent wrote it
            except (EOFError, ConnectionResetError):
                return
            signal.setitimer(signal.ITIMER_REAL, longest_s)
            reply = _answer(module.JOBS[name], arguments)
            signal.setitimer(signal.ITIMER_REAL, 0)
            connection.send_bytes(reply)


def _confine(memory_bytes: int) -> None:
    """Give up what opening a picture does not need, whatever a hostile file makes a library do."""
    walls.limit(
        {
            resource.RLIMIT_AS: memory_bytes,
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_FSIZE: 1 << 20,
            resource.RLIMIT_NOFILE: 64,
            resource.RLIMIT_NPROC: 0,
        }
    )
    walls.no_new_privileges()
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):  # root of a namespace that has nobody else
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _answer(job: Any, arguments: tuple[Any, ...]) -> bytes:
    try:
        values, blocks = job(*arguments)
    except (BadImage, Invalid) as error:
        return _refusal(error)
    except MemoryError:
        return _refusal(
            BadImage(
                "image_memory", "This picture needs too much memory to be opened. Make it smaller and send it again."
            )
        )
    except Exception as error:
        return pack({"crash": repr(error)})
    return pack({"values": values}, blocks)


def _refusal(error: AtisboError) -> bytes:
    said = {"type": type(error).__name__, "code": error.code, "message": error.message, "values": error.values}
    return pack({"error": said})


def pack(head: Mapping[str, Any], blocks: Mapping[str, bytes | memoryview] | None = None) -> bytes:
    """One message: the length of its JSON head, the head with names and sizes of the blocks, the blocks."""
    blocks = blocks or {}
    text = json.dumps({**head, "blocks": {name: len(block) for name, block in blocks.items()}}).encode()
    return b"".join((len(text).to_bytes(4), text, *blocks.values()))


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, memoryview]]:
    """Raises ValueError for a message that :func:`pack` did not write."""
    view = memoryview(message)
    start = 4 + int.from_bytes(view[:4])
    head = json.loads(bytes(view[4:start]))
    blocks: dict[str, memoryview] = {}
    for name, size in head["blocks"].items():
        blocks[name] = view[start : start + size]
        start += size
    if start != len(message):
        raise ValueError("the blocks are not as long as the message says")
    return head, blocks
