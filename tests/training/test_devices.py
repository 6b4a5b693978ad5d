"""One process or two: the same training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from atisbo.errors import Misconfigured
from atisbo.training import story
from atisbo.training.devices import Place, place
from atisbo.training.split import Split
from tests.training.alone import main
from tests.training.shapes import shapes, tiny_classes

HERE = Path(__file__).parents[2]


def by_two(data: Path, out: Path) -> None:
    """The run of ``alone.py`` in two processes."""
    words = ["--standalone", "--nproc-per-node=2", "-m", "tests.training.alone", str(data), str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE)}
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE,
        env=environment,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.timeout(600)
def test_two_processes_learn_what_one_learns(tmp_path: Path) -> None:
    data = shapes(tmp_path / "shapes", 16)
    main(data, tmp_path / "one")
    by_two(data, tmp_path / "two")
    one, two = (json.loads((tmp_path / name / "found.json").read_text()) for name in ("one", "two"))
    for side in ("train", "validation"):
        assert one["curves"][side]["loss"] == pytest.approx(two["curves"][side]["loss"], abs=1e-4)
    assert one["weights"] == pytest.approx(two["weights"], rel=1e-5)


def test_one_process_needs_nobody() -> None:
    with place("cpu") as here:
        assert (here.first, here.ranks, here.threads) == (True, 1, 1)
        assert here.any(True)
        assert not here.any(False)
        assert here.told("x") == "x"
        assert Place(torch.device("cpu")).total(torch.ones(2)).tolist() == [1, 1]


@pytest.mark.parametrize(("choice", "sentence"), [("tpu", "auto, cpu or cuda"), ("cuda", "no GPU that torch")])
def test_what_is_not_there_is_named(choice: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Misconfigured, match=sentence), place(choice):
        pass


def test_more_processes_than_images_in_a_batch_are_refused(tmp_path: Path) -> None:
    crowd = Place(torch.device("cpu"), 1, 5)
    with pytest.raises(Misconfigured, match="too few images for 5 processes"):
        story.train(tiny_classes(), Split([], [], []), tmp_path, weights=None, command="", place=crowd)
