"""The page that promises an application in ten minutes keeps its word: its files are written, its commands are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

PAGE = Path(__file__).parent.parent / "docs/your-own-application.md"
COLOURS = {"flower": (60, 60, 200), "leaf": (60, 180, 60)}
"""Blue, green, red."""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for number in range(1, 17):
            picture = np.full((80, 80, 3), 90, np.uint8)
            centre = tuple(int(value) for value in rng.integers(30, 50, 2))
            cv2.circle(picture, centre, int(rng.integers(18, 28)), colour, -1)
            noisy = picture + rng.normal(0, 12, picture.shape)
            cv2.imwrite(str(folder / f"{number}.jpg"), noisy.clip(0, 255).astype(np.uint8))
    return tmp_path


@pytest.mark.timeout(400)
def test_the_page_works_as_it_is_written(pictures: Path) -> None:
    text = PAGE.read_text()
    commands = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    files = re.findall(r"^```toml (\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(commands) == 3
    assert [name for name, _ in files] == ["leaves.toml", "applications/leaves/application.toml"]
    (pictures / "applications").mkdir()
    (pictures / "leaves.toml").write_text(files[0][1])
    bin_folder = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": f"{bin_folder}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    said = ""
    for number, command in enumerate(commands):
        if number == len(commands) - 1:
            (pictures / files[1][0]).write_text(files[1][1])
        done = subprocess.run(
            ["bash", "-euc", command], cwd=pictures, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        said = done.stdout
    assert (pictures / "pictures-profile.html").exists()
    assert re.search(r"^leaves +classification +leaves-[0-9a-f]{12}$", said, re.MULTILINE)
    assert "pictures/leaf/1.jpg: leaf " in said
