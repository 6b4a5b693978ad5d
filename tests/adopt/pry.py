"""What code that had taken over a closed room would try. Runs in there."""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def attempts(canary: Path, evil: Path, port: int) -> dict[str, Callable[[], object]]:
    parent = os.getppid()
    return {
        "read the canary": canary.read_bytes,
        "read passwords": Path("/etc/passwd").read_bytes,
        "read its parent's environment": Path(f"/proc/{parent}/environ").read_bytes,
        "read its parent's files": lambda: list(Path(f"/proc/{parent}/fd").iterdir()),
        "list the root": lambda: list(Path("/").iterdir()),
        "list home": lambda: list(Path("~").expanduser().parent.iterdir()),
        "write outside": lambda: evil.write_bytes(b"x"),
        "overwrite the canary": lambda: canary.write_bytes(b"x"),
        "cut the canary short": lambda: os.truncate(canary, 0),
        "change the canary's time": lambda: os.utime(canary),
        "change the canary's mode": lambda: canary.chmod(0o777),
        "remove the canary": canary.unlink,
        "move the canary": lambda: canary.rename(evil),
        "link out of the folder": lambda: Path("link").symlink_to(canary),
        "link hard": lambda: Path("link").hardlink_to(canary),
        "make a pipe": lambda: os.mkfifo("pipe"),
        "write to Python": lambda: (Path(os.__file__).parent / "evil.py").write_text("x"),
        "share memory": lambda: Path("/dev/shm/evil").write_bytes(b"x"),
        "call": lambda: socket.create_connection(("127.0.0.1", port), 2),
        "send": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "speak locally": lambda: socket.socket(socket.AF_UNIX),
        "speak to itself": socket.socketpair,
        "start a shell": lambda: subprocess.run(["/bin/sh", "-c", f"touch {evil}"], check=True),
        "become a shell": lambda: os.execv("/bin/sh", ["sh", "-c", f"touch {evil}"]),
        "fork": lambda: os.fork() or os._exit(0),
        "stop its parent": lambda: os.kill(parent, signal.SIGSTOP),
        "stop everybody": lambda: os.kill(-1, signal.SIGSTOP),
        "limit its parent": lambda: resource.prlimit(parent, resource.RLIMIT_CORE, (0, 0)),
        "raise its own limits": lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)),
        "become root": lambda: os.setresuid(0, 0, 0),
        "mount": lambda: called("mount", b"none", b"/tmp", b"tmpfs", 0, None),
        "unshare": lambda: called("unshare", 0x10000000),
        "trace its parent": lambda: called("ptrace", 16, parent, 0, 0),
        "hide in memory": lambda: os.memfd_create("x"),
        "use io_uring": lambda: called("syscall", 425, 1, ctypes.create_string_buffer(256)),
        "use a newer call": lambda: called("syscall", 452, -100, str(canary).encode(), 0o777, 0),
    }


def called(name: str, *arguments: Any) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    result = int(getattr(libc, name)(*arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def everything(scratch: Path, canary: str, evil: str, port: int) -> dict[str, Any]:
    """Names of the attempts that succeeded, and how this process stands."""
    succeeded = []
    for name, attempt in attempts(Path(canary), Path(evil), port).items():
        try:
            attempt()
        except (OSError, ValueError, subprocess.SubprocessError):
            continue
        succeeded.append(name)
    (scratch / "own").write_text("allowed")
    thread = threading.Thread(target=time.sleep, args=(0,))
    thread.start()
    thread.join()
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    return {
        "succeeded": succeeded,
        "environment": dict(os.environ),
        "capabilities": status["CapEff"].strip() + status["CapPrm"].strip(),
        "no_new_privileges": status["NoNewPrivs"].strip(),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "path": sys.path,
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
    }


def hoard(scratch: Path) -> dict[str, Any]:
    kept = [mmap.mmap(-1, 1 << 30) for _ in range(64)]
    return {"kept": len(kept)}


def burn(scratch: Path) -> dict[str, Any]:
    while True:
        pass


def sleep(scratch: Path) -> dict[str, Any]:
    time.sleep(60)
    return {}


def large_file(scratch: Path) -> dict[str, Any]:
    with (scratch / "large").open("wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
    return {}


def many_files(scratch: Path) -> dict[str, Any]:
    for number in range(1000):
        (scratch / str(number)).write_bytes(bytes(1 << 20))
        time.sleep(0.005)
    time.sleep(5)
    return {}


def crash(scratch: Path) -> dict[str, Any]:
    ctypes.string_at(0)
    return {}


def babble(scratch: Path, words: str) -> dict[str, Any]:
    """Write to the pipe what the parent does not expect."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        descriptor = int(name)
        if descriptor > 2:
            try:
                os.write(descriptor, words.encode())
            except OSError:
                continue
    os._exit(0)


def pretend(scratch: Path) -> dict[str, Any]:
    """Be a room that was taken over: say that all is well, and leave a folder where the network should lie."""
    (scratch / "model.onnx").mkdir()
    return {"difference": 0.0}


def nest(scratch: Path) -> dict[str, Any]:
    """Folders within folders, deeper than Python calls itself."""
    for _ in range(1200):
        os.mkdir("x")  # noqa: PTH102
        os.chdir("x")
    time.sleep(0.3)
    return {"difference": 0.0}
