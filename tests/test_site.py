"""The documentation builds without a warning, and its examples run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from atisbo.domain.applications import SHIPPED
from tests.conftest import PASSWORD, Service

ROOT = Path(__file__).parent.parent
API = (ROOT / "docs/api.md").read_text()


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Tells discs suspected of glaucoma" in (tmp_path / "cards/glaucoma/index.html").read_text()
    pictures = re.findall(r'<img[^>]* src="([^"]+)"', (tmp_path / "guides/glaucoma/index.html").read_text())
    assert pictures
    for picture in pictures:
        assert (tmp_path / "guides/glaucoma" / picture).is_file()


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", API, re.MULTILINE | re.DOTALL)


@pytest.fixture
def desk(service: Service, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder with a frame in it, and the variables that the page names, for a new account."""
    name = f"reader-{uuid4().hex[:8]}"
    service.register(name).close()
    shutil.copy(next((SHIPPED / "polyp/samples").glob("*.jpg")), tmp_path / "frame.jpg")
    return tmp_path, {"ATISBO": service.url, "EMAIL": f"{name}@example.org", "PASSWORD": PASSWORD}


def run(command: list[str], desk: tuple[Path, dict[str, str]]) -> str:
    folder, variables = desk
    done = subprocess.run(command, cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_examples_with_curl(desk: tuple[Path, dict[str, str]]) -> None:
    commands = examples("sh")
    assert len(commands) == 3
    said = run(["bash", "-euo", "pipefail", "-c", "".join(commands)], desk)
    assert re.match(r"done \d+\.\d+", said)
    assert (desk[0] / "mask.png").read_bytes().startswith(b"\x89PNG")


def test_the_example_in_python(desk: tuple[Path, dict[str, str]]) -> None:
    (code,) = examples("python")
    said = run([sys.executable, "-c", code], desk)
    assert said.startswith("done ")
    assert "optic disc" in said
    assert (desk[0] / "mask.png").read_bytes().startswith(b"\x89PNG")
