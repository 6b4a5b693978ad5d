"""How the supervisor keeps its processes: at once if they were at work, with growing pauses if they never were."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from atisbo.cli.children import LONGEST_PAUSE_S, Child
from atisbo.cli.parent import told_through

PROGRAM = """
import json, os, pathlib, sys
words = sys.argv[1:]
if "--gate" in words:
    with open(int(words[words.index("--gate") + 1])) as gate:
        words += ["--told", gate.read()]
words += ["--knows", os.environ.get("ATISBO_DATABASE_URL", "nothing")]
notes = pathlib.Path(os.environ["NOTES"])
notes.write_text(notes.read_text() + json.dumps(words) + "\\n")
if os.environ["READY"] == "yes":
    os.write(int(words[words.index("--supervised") + 1]), b"r")
"""


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str, bool], Child]:
    """A child that notes how it was called, says that it is ready or not, and ends."""
    (tmp_path / "atisbo").mkdir()
    (tmp_path / "atisbo/__init__.py").touch()
    (tmp_path / "atisbo/__main__.py").write_text(PROGRAM)
    (tmp_path / "notes").write_text("")

    def made(name: str, ready: bool) -> Child:
        said = {"PYTHONPATH": str(tmp_path), "NOTES": str(tmp_path / "notes"), "READY": "yes" if ready else "no"}
        return Child(name, os.environ | said)

    return made


def end(child: Child) -> None:
    assert child.process is not None
    child.process.wait(20)


def calls(folder: Path) -> list[dict[str, str]]:
    """The options of each call."""
    lines = [json.loads(line) for line in (folder / "notes").read_text().splitlines()]
    return [dict(zip(words[1::2], words[2::2], strict=True)) for words in lines]


def test_one_that_was_at_work_is_started_again_at_once(make: Callable[[str, bool], Child]) -> None:
    child = make("web", True)
    child.start()
    for _ in range(3):
        end(child)
        child.check()
        assert child.process is not None
        assert child.pause == 0
    end(child)
    child.stop(time.monotonic() + 5)


def test_one_that_never_was_waits_longer_each_time(make: Callable[[str, bool], Child]) -> None:
    child = make("web", False)
    pauses = []
    for _ in range(4):
        child.start()
        end(child)
        child.check()
        assert child.process is None
        pauses.append(child.pause)
    assert pauses == [0.1, 0.2, 0.4, 0.8]
    child.pause = LONGEST_PAUSE_S
    child.start()
    end(child)
    child.check()
    assert child.pause == LONGEST_PAUSE_S


def test_a_worker_is_told_whose_work_it_goes_on_with(make: Callable[[str, bool], Child], tmp_path: Path) -> None:
    child = make("worker", True)
    child.start()
    end(child)
    child.check()
    end(child)
    child.environment = {**child.environment, "READY": "no"}
    for _ in range(2):
        child.start()
        end(child)
        child.check()
    said = calls(tmp_path)
    assert "--after" not in said[0]
    assert said[1]["--after"] == said[0]["--identity"]
    assert said[3]["--after"] == said[2]["--after"], "one that never worked has nothing to hand over"
    assert len({one["--identity"] for one in said}) == 4


def test_one_that_is_started_early_waits_for_the_database(make: Callable[[str, bool], Child], tmp_path: Path) -> None:
    child = make("web", True)
    child.start_early()
    assert child.process is not None
    with pytest.raises(subprocess.TimeoutExpired):
        child.process.wait(1)
    child.go_on("postgresql://here")
    end(child)
    child.check()
    end(child)
    assert [(said.get("--told"), said["--knows"]) for said in calls(tmp_path)] == [
        ("postgresql://here", "nothing"),
        (None, "postgresql://here"),
    ]
    child.stop(time.monotonic() + 5)


def test_one_that_ended_before_it_was_told_is_started_again(make: Callable[[str, bool], Child], tmp_path: Path) -> None:
    child = make("web", True)
    child.start_early()
    assert child.process is not None
    child.process.kill()
    child.process.wait(20)
    child.go_on("postgresql://here")
    child.check()
    time.sleep(child.pause)
    child.check()
    end(child)
    assert [said["--knows"] for said in calls(tmp_path)] == ["postgresql://here"]
    child.stop(time.monotonic() + 5)


def test_who_is_never_told_ends() -> None:
    ours, theirs = os.pipe()
    os.close(theirs)
    with pytest.raises(SystemExit):
        told_through(ours)
