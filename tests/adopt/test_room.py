"""The walls hold against code that already runs inside of them."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atisbo.adopt import adoption, warden
from atisbo.adopt.refusal import Refused, plain
from atisbo.adopt.room import ENVIRONMENT
from atisbo.adopt.warden import Bounds, work
from atisbo.errors import Invalid, Misconfigured
from atisbo.imaging import syscalls
from tests.adopt.conftest import ROOT, SECRET, Folder, Watch, contents
from tests.adopt.hostile import keras, sequential

Room = Callable[..., dict[str, Any]]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    """Does a job of :mod:`tests.adopt.pry` in a room."""
    ours = warden._modules()
    monkeypatch.setattr(warden, "_modules", lambda: [*ours, str(ROOT)])
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def run(job: str, bounds: Bounds | None = None, **arguments: Any) -> dict[str, Any]:
        return work(f"tests.adopt.pry:{job}", scratch, bounds or Bounds(wall_s=60), **arguments)

    return run


def test_nothing_outside_can_be_reached(room: Room, watch: Watch, tmp_path: Path) -> None:
    reached = room("everything", canary=str(watch.canary), evil=str(watch.evil), port=watch.port)
    assert reached["succeeded"] == []
    assert set(reached["environment"]) <= ENVIRONMENT
    assert SECRET not in str(reached)
    assert set(reached["capabilities"]) == {"0"}
    assert reached["no_new_privileges"] == "1"
    assert reached["descriptors"] == 5  # three standard ones, the pipe, and the listing itself
    assert reached["core"] == 0
    assert (tmp_path / "scratch" / "own").read_text() == "allowed"


@pytest.mark.parametrize(
    ("job", "bounds", "reason"),
    [
        ("hoard", Bounds(memory_bytes=4 << 30), "more memory"),
        ("burn", Bounds(cpu_s=1, wall_s=60), "processor time"),
        ("sleep", Bounds(wall_s=1), "longer than 1 seconds"),
        ("large_file", Bounds(file_bytes=1 << 20), "File too large"),
        ("many_files", Bounds(scratch_bytes=5 << 20), "more than an import may write"),
        ("crash", Bounds(), r"took the process down.*-11"),
    ],
)
def test_a_room_has_bounds(room: Room, job: str, bounds: Bounds, reason: str) -> None:
    began = time.monotonic()
    with pytest.raises(Refused, match=reason):
        room(job, bounds)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "words",
    ["x", "[]", "{}", "null", '{"values": 3}', '{"refused": {"a": "\\u001b[2J"}}', "[" * 60000],
)
def test_what_a_room_says_is_not_believed(room: Room, words: str) -> None:
    with pytest.raises(Refused) as caught:
        room("babble", words=words)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(("job", "reason"), [("pretend", "not a file"), ("nest", "cannot be read")])
def test_a_room_that_was_taken_over_cannot_pass_off_something_else(
    room: Room, tmp_path: Path, folder: Folder, watch: Watch, monkeypatch: pytest.MonkeyPatch, job: str, reason: str
) -> None:
    monkeypatch.setattr(
        adoption, "work", lambda _, scratch, bounds, **__: work(f"tests.adopt.pry:{job}", scratch, bounds)
    )
    keras(tmp_path / "network.keras", sequential())
    place = folder()
    before = contents(place)
    with pytest.raises(Invalid, match=reason):
        adoption.adopt(tmp_path / "network.keras", place, recipe=None, command="")
    assert contents(place) == before


def test_without_walls_nothing_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a kernel without Landlock, on a machine whose calls are not known, and where a wall has a hole."""
    holes = {
        "this needs Landlock": "walls._CREATE_RULESET = 463",
        "this needs Linux on": "syscalls._MACHINES.clear()",
        "reading outside was possible": "walls._landlock = lambda *_: None",
        "a network socket was possible": "walls._seccomp = lambda: None",
    }
    real = warden._BOOT
    for number, (reason, hole) in enumerate(holes.items()):
        scratch = tmp_path / str(number)
        scratch.mkdir()
        broken = real.replace("main(json", f"from atisbo.imaging import syscalls, walls\n{hole}\nmain(json")
        monkeypatch.setattr(warden, "_BOOT", broken)
        with pytest.raises(Misconfigured, match=reason):
            work("atisbo.adopt.room:check", scratch, Bounds())


def test_a_stranger_in_the_environment_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = warden._environment
    monkeypatch.setattr(warden, "_environment", lambda scratch: real(scratch) | {"TOKEN": SECRET})
    with pytest.raises(Misconfigured, match="environment is not empty: TOKEN"):
        work("atisbo.adopt.room:check", tmp_path, Bounds())


def test_a_missing_library_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"not_there is not installed: pip install 'atisbo\[adopt\]'"):
        work("not_there:job", tmp_path, Bounds())


def test_a_room_ends_with_whoever_opened_it(tmp_path: Path) -> None:
    script = (
        "import sys, threading, time, psutil\nfrom pathlib import Path\nfrom atisbo.adopt import warden\n"
        f"ours = warden._modules()\nwarden._modules = lambda: [*ours, {str(ROOT)!r}]\n"
        f"job = ('tests.adopt.pry:sleep', Path({str(tmp_path)!r}), warden.Bounds())\n"
        "threading.Thread(target=warden.work, args=job, daemon=True).start()\n"
        "while not psutil.Process().children(): time.sleep(0.01)\n"
        "time.sleep(1)\nprint(psutil.Process().children()[0].pid, flush=True)\ntime.sleep(60)\n"
    )
    import psutil

    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert psutil.wait_procs([child], timeout=10)[1] == []


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the header of this machine is another")
def test_numbers_of_calls_are_those_of_the_header() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("the kernel's headers are not installed")
    known = {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", header.read_text())}
    assert syscalls.denied(0).items() <= known.items()
    assert (known["clone"], known["kill"], known["tgkill"], known["prlimit64"], known["clone3"]) == (
        *(syscalls._CLONE[0], *syscalls._KILL[0], syscalls._PRLIMIT[0]),
        syscalls._CLONE3,
    )


def test_words_from_inside_are_plain() -> None:
    assert plain("a\x1b[31m\nb\u202ec") == "a� [31m b�c".replace("� [", "�[")
    assert plain("x" * 300) == "x" * 199 + "…"
