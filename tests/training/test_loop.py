from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import torch
from rich.console import Console

from atisbo.errors import Misconfigured
from atisbo.training import checkpoint
from atisbo.training.loop import Run
from atisbo.training.networks import build
from atisbo.training.optimise import make_optimiser, schedule
from atisbo.training.recipe import Recipe
from atisbo.training.split import Split, load
from tests.training.ellipses import tiny

QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def split(frames: Path) -> Split:
    recipe = tiny()
    return load([frames], recipe)


def run(recipe: Recipe, split: Split, folder: Path, after_step: Callable[[], bool] = lambda: False) -> Run:
    return Run(recipe, split, "hash", folder, console=QUIET, after_step=after_step)


def stop_after(steps: int) -> Callable[[], bool]:
    numbers: Iterator[int] = count(1)
    return lambda: next(numbers) == steps


def test_it_learns(split: Split, tmp_path: Path) -> None:
    done = run(tiny(train={"epochs": 10}), split, tmp_path)
    assert done.go()
    curves = json.loads((tmp_path / "curves.json").read_text())
    assert set(curves) == {"train", "validation"}
    assert all(len(values) == 10 for side in curves.values() for values in side.values())
    assert set(curves["train"]) == {"loss", "accuracy", "iou", "dice"}
    assert curves["train"]["loss"][-1] < 0.75 * curves["train"]["loss"][0]
    assert curves["validation"]["dice"][-1] > 0.8
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_bfloat16_off_learns_the_same_thing_more_finely(split: Split, tmp_path: Path) -> None:
    done = run(tiny(train={"bfloat16": False, "epochs": 1}), split, tmp_path)
    assert done.go()
    assert 0 < done.at.best <= 1


@pytest.mark.parametrize("steps", [2, 4], ids=["within an epoch", "at its end"])
def test_stopped_and_resumed_is_as_if_never_stopped(split: Split, tmp_path: Path, steps: int) -> None:
    recipe = tiny(train={"epochs": 2, "small_epochs": 1, "small_size": [24, 24], "weight_decay": 0.01, "clip": 1.0})
    whole = run(recipe, split, tmp_path / "whole")
    assert whole.go()
    assert not run(recipe, split, tmp_path / "parts", stop_after(steps)).go()
    torch.manual_seed(12345)
    rest = run(recipe, split, tmp_path / "parts")
    assert rest.go(resume=True)
    for one, two in ((whole.network, rest.network), (whole.average, rest.average)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, two.state_dict()[name]), name
    assert whole.at == rest.at
    assert checkpoint.load_weights(tmp_path / "whole")[1] == checkpoint.load_weights(tmp_path / "parts")[1]


def test_ctrl_c_leaves_a_checkpoint_between_two_steps(split: Split, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)

    def press() -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        return False

    stopped = run(tiny(), split, tmp_path, press)
    assert not stopped.go()
    assert (stopped.at.epoch, stopped.at.step) == (0, 1)
    assert signal.getsignal(signal.SIGINT) == before
    assert run(tiny(), split, tmp_path).go(resume=True)


def test_resuming_something_else_is_refused(split: Split, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="nothing to resume"):
        run(tiny(), split, tmp_path).go(resume=True)
    run(tiny(), split, tmp_path, stop_after(1)).go()
    with pytest.raises(Misconfigured, match="another recipe or other data"):
        run(tiny(seed=4), split, tmp_path).go(resume=True)
    with pytest.raises(Misconfigured, match="another recipe or other data"):
        Run(tiny(), split, "other", tmp_path, console=QUIET).go(resume=True)


def test_it_stops_early_and_keeps_the_best(split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = iter([0.5, 0.7, 0.6, 0.65, 0.9])
    done = run(tiny(train={"epochs": 5, "patience": 2}), split, tmp_path)
    monkeypatch.setattr(done, "validate", lambda _: {"loss": 1, "accuracy": 1, "iou": 1, "dice": next(figures)})
    assert done.go()
    assert done.at.epoch == 4
    assert checkpoint.load_weights(tmp_path)[1]["epoch"] == 2


def test_without_a_finished_epoch_there_is_nothing_to_export(split: Split, tmp_path: Path) -> None:
    run(tiny(), split, tmp_path, stop_after(1)).go()
    with pytest.raises(Misconfigured, match="no epoch of this run is complete"):
        checkpoint.load_weights(tmp_path)


def test_the_rate_warms_up_and_falls_like_a_cosine() -> None:
    train = tiny(train={"warmup": 0.1, "floor": 0.1}).train
    rates = [schedule(step, 100, train) for step in range(100)]
    assert rates[0] < rates[5] < rates[9] < 1
    assert rates[10] == pytest.approx(1)
    assert rates[55] == pytest.approx(0.55, abs=0.01)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_encoder_and_decoder_have_their_own_rates() -> None:
    recipe = tiny(
        network={"kind": "mobilenetv2_unet", "channels": [8, 8, 8, 8]},
        train={"learning_rate": 0.01, "encoder_learning_rate": 0.001, "weight_decay": 0.1},
    )
    network = build(recipe)
    groups = make_optimiser(network, recipe.train).param_groups
    assert {(group["peak"], group["weight_decay"]) for group in groups} == {
        (0.01, 0.1),
        (0.01, 0.0),
        (0.001, 0.1),
        (0.001, 0.0),
    }
    assert sum(len(group["params"]) for group in groups) == len(list(network.parameters()))
