"""Has a job done in a closed room, and watches: time, what is written, what is answered."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import atisbo
from atisbo.adopt.refusal import Refused, plain
from atisbo.errors import Misconfigured

log = logging.getLogger(__name__)

_BOOT: Final = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from atisbo.adopt.room import main
main(json.loads(sys.argv[2]))
"""
_LONGEST_ANSWER: Final = 1 << 20
_LOOK_S: Final = 0.2


@dataclass(frozen=True)
class Bounds:
    """What a room may use up."""

    memory_bytes: int = 8 << 30
    """Address space; the libraries alone reserve about two GiB of it."""
    cpu_s: int = 600
    wall_s: float = 900.0
    file_bytes: int = 1 << 30
    """The largest file, read or written."""
    scratch_bytes: int = 4 << 30
    """All that lies in its folder at a time."""


def work(job: str, scratch: Path, bounds: Bounds, *, reads: Sequence[Path] = (), **arguments: Any) -> dict[str, Any]:
    """Do a job in a room of its own.

    Args:
        job: ``module:function``; the function gets ``scratch`` and ``arguments``, which JSON can say, and returns the
            same kind of thing.
        scratch: the only folder that the room may write to.
        reads: what it may read beyond that and the libraries.

    Returns:
        What the function said. It comes from a process that may have been taken over: believe no path in it.

    Raises:
        Refused: the job refused the file, or the file took the room down, or used up its bounds.
        Misconfigured: rooms cannot be closed on this machine, or a library is missing.
    """
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb", buffering=0) as answer:
        process = _start(job, scratch, bounds, theirs, [str(path) for path in reads], arguments)
        try:
            words = _listen(process, answer.fileno(), scratch, bounds)
        finally:
            process.kill()
            process.wait()
    return _understood(words, process.returncode)


def _start(
    job: str, scratch: Path, bounds: Bounds, pipe: int, reads: list[str], arguments: dict[str, Any]
) -> subprocess.Popen[bytes]:
    told = {"job": job, "arguments": arguments, "scratch": str(scratch), "reads": reads, "pipe": pipe}
    told |= {"memory_bytes": bounds.memory_bytes, "cpu_s": bounds.cpu_s, "file_bytes": bounds.file_bytes}
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-c", _BOOT, json.dumps(_modules()), json.dumps(told)],
            env=_environment(scratch),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[pipe],
            start_new_session=True,
        )
    finally:
        os.close(pipe)


def _modules() -> list[str]:
    """Where the child looks for modules: this Python's own folders and ours, nothing of the caller's."""
    roots = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    own = str(Path(atisbo.__file__).parents[1])
    return [own, *(entry for entry in sys.path if entry != own and any(entry.startswith(f"{root}/") for root in roots))]


def _environment(scratch: Path) -> dict[str, str]:
    passed = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    folder = str(scratch)
    return passed | {
        "HOME": folder,
        "TMPDIR": folder,
        "KERAS_HOME": folder,
        "KERAS_BACKEND": "torch",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": str(min(4, os.cpu_count() or 1)),
    }


def _listen(process: subprocess.Popen[bytes], answer: int, scratch: Path, bounds: Bounds) -> bytes:
    """All that comes through the pipe before it is closed."""
    words, until = b"", time.monotonic() + bounds.wall_s
    while True:
        if select.select([answer], [], [], _LOOK_S)[0]:
            part = os.read(answer, 1 << 16)
            words += part
            if not part:
                process.wait(10)
                return words
        if len(words) > _LONGEST_ANSWER:
            raise Refused("opening it went wrong: the answer had no end")
        if time.monotonic() > until:
            raise Refused(f"it took longer than {bounds.wall_s:.0f} seconds to open and convert")
        if size_of(scratch) > bounds.scratch_bytes:
            raise Refused("converting it wrote more than an import may write")


def size_of(folder: Path) -> int:
    """Bytes that lie below a folder to which somebody is writing; every entry counts for one block at least."""
    total, waiting = 0, [str(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                total += max(entry.stat(follow_symlinks=False).st_blocks * 512, 4096)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return total


def _understood(words: bytes, code: int) -> dict[str, Any]:
    if not words:
        raise Refused(_ended(code))
    try:
        said = json.loads(words)
        kind, value = next(iter(said.items()))
    except (ValueError, AttributeError, StopIteration, RecursionError) as error:
        raise Refused("opening it went wrong: the answer made no sense") from error
    if kind == "values" and isinstance(value, dict):
        return value
    if kind == "no_walls":
        raise Misconfigured(
            "import_no_walls", "Networks from elsewhere cannot be opened safely here: {why}.", why=plain(value)
        )
    if kind == "missing":
        raise Misconfigured("import_missing", "{name} is not installed: pip install 'atisbo[adopt]'", name=plain(value))
    if kind == "refused":
        raise Refused(plain(value, 600))
    raise Refused(f"it could not be converted: {plain(value, 400)}")


def _ended(code: int) -> str:
    if code == -signal.SIGXCPU or code == -signal.SIGKILL:
        return "it used more processor time or memory than an import may use"
    return f"it took the process down that opened it ({code})"
