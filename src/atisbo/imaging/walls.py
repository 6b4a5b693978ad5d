"""Walls around a process that opens what somebody sent, put up by itself, without privileges (Linux only).

Landlock decides which files it may read and write, seccomp keeps it from the network and from other processes.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from atisbo.imaging import syscalls

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
"""From <linux/prctl.h>."""
_SECCOMP, _CAPSET = {"x86_64": 317, "aarch64": 277}, {"x86_64": 126, "aarch64": 91}
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = (
    1 << bit for bit in (1, 2, 3, 4, 5, 7, 8)
)
_TRUNCATE: Final = 1 << 14
_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights over files each version of Landlock knows (<linux/landlock.h>)."""
_SYSTEM: Final = (
    *("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime"),
    *("/usr/share/zoneinfo", "/dev/urandom", "/dev/null", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat"),
    *("/proc/self", "/sys/devices/system", "/sys/devices/virtual/dmi"),
)
"""What libraries read wherever they run; nothing here is anybody's secret."""


class NoWalls(Exception):
    """The kernel cannot put up the walls; the sentence says which."""


def limit(limits: Mapping[int, int]) -> None:
    """Set hard and soft limits of this process (``resource.RLIMIT_…``)."""
    for what, most in limits.items():
        resource.setrlimit(what, (most, most))


def no_new_privileges() -> None:
    """Programs that this process starts gain nothing by being setuid."""
    if sys.platform.startswith("linux"):
        _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def end_with_parent() -> None:
    """This process is killed when the one that started it ends."""
    _libc().prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0)


def enclose(reads: Iterable[Path], writes: Path) -> None:
    """From here on: read what Python and the system's libraries consist of, ``reads`` and ``writes``; write ``writes``.

    No socket, no other program, no other process, no privilege, whoever the user is. There is no way back.

    Args:
        reads: files and folders.
        writes: a folder.

    Raises:
        NoWalls: this is no Linux that has Landlock and seccomp, and nothing was promised.
    """
    if not sys.platform.startswith("linux") or not syscalls.supported():
        raise NoWalls("this needs Linux on x86-64 or 64-bit ARM")
    no_new_privileges()
    _landlock([*map(Path, _SYSTEM), *_python(), *reads], writes)
    _drop_capabilities()
    _seccomp()


def _python() -> list[Path]:
    """Where this Python's own modules lie."""
    roots = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    folders = [Path(root) / name for root in sorted(roots) for name in ("lib", "lib64", "pyvenv.cfg")]
    return [*folders, *(Path(entry) for entry in sys.path if entry)]


def _landlock(reads: list[Path], writes: Path) -> None:
    version = _libc().syscall(_CREATE_RULESET, None, 0, 1)
    if version < 1:
        raise NoWalls("this needs Landlock, which Linux has from version 5.13 on (lsm=…,landlock)")
    known = (1 << _RIGHTS.get(version, 16)) - 1
    everything = struct.pack("=QQQ", known, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _call("landlock_create_ruleset", _CREATE_RULESET, everything, size, 0)
    try:
        for path in reads:
            _allow(ruleset, path, _READ_FILE | _READ_DIR)
        _allow(ruleset, Path("/dev/null"), _READ_FILE | _WRITE_FILE)
        written = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _TRUNCATE
        _allow(ruleset, writes, (_READ_FILE | _READ_DIR | written) & known)
        _call("landlock_restrict_self", _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        if not path.is_dir():
            rights &= _READ_FILE | _WRITE_FILE | _TRUNCATE
        _call("landlock_add_rule", _ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


def _drop_capabilities() -> None:
    """Root stays root in name only."""
    header, none = struct.pack("=Ii", 0x20080522, 0), bytes(24)
    _call("capset", _CAPSET[os.uname().machine], header, none)


def _seccomp() -> None:
    steps = syscalls.program()
    buffer = ctypes.create_string_buffer(steps, len(steps))
    whole = struct.pack("@HP", len(steps) // 8, ctypes.addressof(buffer))
    _call("seccomp", _SECCOMP[os.uname().machine], 1, 1, whole)  # SET_MODE_FILTER, for every thread


def _call(name: str, number: int, *arguments: Any) -> int:
    result = int(_libc().syscall(number, *arguments))
    if result < 0:
        raise NoWalls(f"{name} was refused: {os.strerror(ctypes.get_errno())}")
    return result


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)
