from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

SECRET = "canary-3f9a"
ROOT = Path(__file__).parents[2]

APPLICATION = """\
# An application without a network yet.

[application]
name = "{name}"
task = "{task}"
title.en = "{name}"
summary.en = "Tests."
intended_use.en = "Tests."

[input]
region = "free"

[input.tensor]
size = [{side}, {side}]
layout = "{layout}"  # as Keras has it

# What comes out.
[output]
labels = [
    {labels},
]
activation = "{activation}"

# The form below an answer.
[review]
fields = [{{ name = "seen", type = "text", label.en = "[output]" }}]
"""

Folder = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Makes an application's folder below ``tmp_path / "applications"``."""

    def make(
        name: str = "leaves",
        *,
        task: str = "classification",
        side: int = 32,
        layout: str = "NHWC",
        labels: tuple[str, ...] = ("oak", "elm", "ash"),
        activation: str = "none",
    ) -> Path:
        made = tmp_path / "applications" / name
        made.mkdir(parents=True)
        said = ",\n    ".join(f'"{label}"' for label in labels)
        text = APPLICATION.format(name=name, task=task, side=side, layout=layout, labels=said, activation=activation)
        (made / "application.toml").write_text(text)
        return made

    return make


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@dataclass
class Watch:
    """What a hostile file would like to touch."""

    canary: Path
    """It has a secret in it and must keep it."""
    evil: Path
    """It must not come into being."""
    port: int
    """Where somebody waits for a call."""

    @property
    def command(self) -> str:
        """For a shell: leave a trace in every way."""
        return f"touch {self.evil}; cp {self.canary} {self.evil}; echo hello > /dev/tcp/127.0.0.1/{self.port}"


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Fails the test if anything was touched or called."""
    monkeypatch.setenv("ATISBO_DATABASE_URL", SECRET)
    place, rooms = tmp_path / "elsewhere", tmp_path / "rooms"
    place.mkdir()
    rooms.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(rooms))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        watch = Watch(place / "canary", place / "evil", listener.getsockname()[1])
        watch.canary.write_text(SECRET)
        os.utime(watch.canary, (1, 1))
        yield watch
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert [path.name for path in place.iterdir()] == ["canary"]
    assert watch.canary.read_text() == SECRET
    assert watch.canary.stat().st_mtime == 1
    assert list(rooms.iterdir()) == []


@pytest.fixture(scope="session")
def keras_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that Keras wrote, and its answers; Keras itself stays out of this process."""
    if find_spec("keras") is None:
        pytest.skip("keras is not installed: pip install 'atisbo[adopt]'")
    made = tmp_path_factory.mktemp("keras")
    environment = os.environ | {"KERAS_BACKEND": "torch", "KERAS_HOME": str(made), "OMP_NUM_THREADS": "2"}
    program = [sys.executable, "-W", "ignore", "-m", "tests.adopt.keras_models", str(made)]
    subprocess.run(program, cwd=ROOT, env=environment, check=True, capture_output=True)
    return made
