"""What ``torchrun`` starts in the test of several processes: one tiny run, whose sums the first process writes down."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from rich.console import Console

from atisbo.training.devices import place
from atisbo.training.loop import Run
from atisbo.training.split import load
from tests.training.shapes import tiny_classes


def main(data: Path, out: Path) -> None:
    torch.set_num_threads(1)
    recipe = tiny_classes(
        network={"dropout": 0.0},
        train={"epochs": 2, "bfloat16": False, "learning_rate": 0.001, "clip": 1.0},
        structures=None,
    )
    with place("cpu") as here:
        run = Run(recipe, load([data], recipe), "hash", out, console=Console(quiet=True), place=here)
        assert run.go()
        if here.first:
            weights = float(sum(value.double().abs().sum() for value in run.average.state_dict().values()))
            (out / "found.json").write_text(json.dumps({"curves": run.at.curves, "weights": weights}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
