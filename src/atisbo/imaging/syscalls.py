"""The seccomp filter of a child that opens what somebody sent: no network, no other process, no say over the system.

Numbers are those of <asm/unistd_64.h> (x86-64) and <asm-generic/unistd.h> (64-bit ARM); ``-`` where there is none.
"""

from __future__ import annotations

import errno
import os
import platform
import struct
from typing import Final

_DENIED: Final = """
socket 41 198, socketpair 53 199, connect 42 203, bind 49 200, listen 50 201, accept 43 202, accept4 288 242,
sendto 44 206, sendmsg 46 211, sendmmsg 307 269,
execve 59 221, execveat 322 281, fork 57 -, vfork 58 -, ptrace 101 117, process_vm_readv 310 270,
process_vm_writev 311 271, process_madvise 440 440, pidfd_open 434 434, pidfd_getfd 438 438,
pidfd_send_signal 424 424, kcmp 312 272, tkill 200 130, rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240,
setpriority 141 140, sched_setscheduler 144 119, sched_setparam 142 118, sched_setattr 314 274, ioprio_set 251 30,
migrate_pages 256 238, move_pages 279 239, setpgid 109 154, setsid 112 157,
shmget 29 194, shmat 30 196, shmctl 31 195, msgget 68 186, msgsnd 69 189, msgrcv 70 188, msgctl 71 187,
semget 64 190, semop 65 193, semtimedop 220 192, semctl 66 191, mq_open 240 180, mq_unlink 241 181,
memfd_create 319 279, memfd_secret 447 447,
chmod 90 -, fchmod 91 52, fchmodat 268 53, chown 92 -, fchown 93 55, lchown 94 -, fchownat 260 54, utime 132 -,
utimes 235 -, utimensat 280 88, futimesat 261 -, setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7,
removexattr 197 14, lremovexattr 198 15, fremovexattr 199 16, truncate 76 45, chroot 161 51,
inotify_init 253 -, inotify_init1 294 26, fanotify_init 300 262, name_to_handle_at 303 264, open_by_handle_at 304 265,
mount 165 40, umount2 166 39, pivot_root 155 41, move_mount 429 429, open_tree 428 428, fsopen 430 430,
fsconfig 431 431, fsmount 432 432, fspick 433 433, mount_setattr 442 442, unshare 272 97, setns 308 268, bpf 321 280,
perf_event_open 298 241, userfaultfd 323 282, keyctl 250 219, add_key 248 217, request_key 249 218,
io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427, init_module 175 105,
finit_module 313 273, delete_module 176 106, kexec_load 246 104, kexec_file_load 320 294, reboot 169 142,
swapon 167 224, swapoff 168 225, acct 163 89, settimeofday 164 170, clock_settime 227 112, clock_adjtime 305 266,
adjtimex 159 171, sethostname 170 161, setdomainname 171 162, syslog 103 116, quotactl 179 60, quotactl_fd 443 443,
iopl 172 -, ioperm 173 -, vhangup 153 58, personality 135 92, setuid 105 146, setgid 106 144, setreuid 113 145,
setregid 114 143, setresuid 117 147, setresgid 119 149, setgroups 116 159, setfsuid 122 151, setfsgid 123 152,
capset 126 91
"""
"""In this order: the network; other processes; memory shared with them; what Landlock does not guard of files;
the system itself."""
_CLONE, _KILL, _PRLIMIT = (56, 220), ((62, 234), (129, 131)), (302, 261)
_CLONE3: Final = 435
_LAST: Final = 450
"""Newer calls do not exist for the child; the C library does without them."""
_CLONE_THREAD: Final = 0x00010000
_MACHINES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Column of the table, and the number that <linux/audit.h> gives to the architecture."""

_LOAD, _IS, _ABOVE, _HAS, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_ALLOW, _REFUSE, _END = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16


def supported() -> bool:
    """Whether this machine's numbers are known here."""
    return platform.machine() in _MACHINES


def program() -> bytes:
    """The filter for this process, as an array of ``struct sock_filter``.

    Threads may be started, processes may not; signals and limits reach this process only.
    """
    column, architecture = _MACHINES[platform.machine()]
    steps = [_step(_LOAD, _ARCHITECTURE), _step(_IS, architecture, 1, 0), _step(_RETURN, _END), _step(_LOAD, _NUMBER)]
    steps += [_step(_ABOVE, _LAST, 0, 1), _refuse(errno.ENOSYS), *_when(_CLONE3, _refuse(errno.ENOSYS))]
    for number in denied(column).values():
        steps += _when(number, _refuse(errno.EPERM))
    own = os.getpid()
    steps += _only_if(_CLONE[column], _step(_HAS, _CLONE_THREAD, 0, 1))
    for kill in _KILL[column]:
        steps += _only_if(kill, _step(_IS, own, 0, 1))
    steps += _when_argument_is_own(_PRLIMIT[column], own)
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def denied(column: int) -> dict[str, int]:
    """Name and number of what is refused outright; column 0 for x86-64, 1 for 64-bit ARM."""
    rows = [row.split() for row in _DENIED.split(",")]
    return {row[0]: int(row[1 + column]) for row in rows if row[1 + column] != "-"}


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)


def _refuse(reason: int) -> bytes:
    return _step(_RETURN, _REFUSE | reason)


def _when(number: int, action: bytes) -> list[bytes]:
    return [_step(_IS, number, 0, 1), action]


def _only_if(number: int, test: bytes) -> list[bytes]:
    """The call is allowed where ``test`` of its first argument holds, else refused."""
    body = [_step(_LOAD, _FIRST_ARGUMENT), test, _step(_RETURN, _ALLOW), _refuse(errno.EPERM)]
    return [_step(_IS, number, 0, len(body)), *body]


def _when_argument_is_own(number: int, own: int) -> list[bytes]:
    """As :func:`_only_if` for calls in which 0 means the caller."""
    body = [_step(_LOAD, _FIRST_ARGUMENT), _step(_IS, 0, 1, 0), _step(_IS, own, 0, 1)]
    body += [_step(_RETURN, _ALLOW), _refuse(errno.EPERM)]
    return [_step(_IS, number, 0, len(body)), *body]
