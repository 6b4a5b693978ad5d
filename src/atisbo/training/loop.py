"""The training loop: set-up, epochs, validation, checkpoints. A stopped run goes on exactly where it was."""

from __future__ import annotations

import copy
import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import nn

from atisbo.training import checkpoint, networks
from atisbo.training.curves import Curves, write_curves
from atisbo.training.data import Batch, Batches, Cached, plain
from atisbo.training.devices import Place, forward
from atisbo.training.discriminant import solve
from atisbo.training.display import Display
from atisbo.training.objective import Objective, Rows, Truth
from atisbo.training.optimise import make_optimiser, move_average, schedule
from atisbo.training.recipe import Recipe
from atisbo.training.split import Split
from atisbo.training.start import start_from

ROWS = "validation-{epoch:03d}.npz"
"""What validation said of every image after an epoch, where that is kept."""


@dataclass
class Progressed:
    """Where a run stands, apart from its tensors."""

    epoch: int = 0
    step: int = 0
    """Steps done in this epoch."""
    best: float = -math.inf
    """Best value of the watched validation figure so far; of a loss its negative."""
    waited: int = 0
    """Epochs since then."""
    sums: dict[str, float] = field(default_factory=dict)
    """Figures of this epoch's training images, added up, and how many images (``images``)."""
    curves: Curves = field(default_factory=dict)


class Run:
    """One training run in a folder.

    Args:
        start: an exported network to go on from.
        notes: what should travel with the weights beside recipe and epoch (command, data in words, …).
        keep_rows: write what validation says of every image after every epoch.
        after_step: called after every step; returns True to stop there (the tests' Ctrl-C).
    """

    def __init__(
        self,
        recipe: Recipe,
        split: Split,
        data_sha256: str,
        folder: Path,
        *,
        weights: Path | None = None,
        start: Path | None = None,
        notes: dict[str, Any] | None = None,
        console: Console | None = None,
        place: Place | None = None,
        keep_rows: bool = False,
        after_step: Callable[[], bool] = lambda: False,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.split, self.data_sha256, self.folder = recipe, split, data_sha256, folder
        self.notes, self.keep_rows, self.after_step = notes or {}, keep_rows, after_step
        self.place = place or Place(torch.device("cpu"))
        self.display = Display(console or Console(), quiet=not self.place.first)
        self.network = networks.build(recipe, weights)
        if start:
            start_from(self.network, start, (batch.pixels for batch in plain(split.train[::20], recipe.input, 16)))
        self.network = networks.channels_last(self.network).to(self.place.device)
        networks.freeze(self.network, recipe.network.frozen)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.spread = self.place.spread(self.network)
        self.optimiser = make_optimiser(self.network, recipe.train)
        self.objective = Objective(recipe, split.train, self.place.device)
        self.batches = Batches(
            split.train,
            recipe.input,
            recipe.augment,
            recipe.train.batch_size,
            recipe.seed,
            recipe.data,
            self.objective.classes,
            (self.place.rank, self.place.ranks),
            self.place.threads,
        )
        self.at = Progressed()

    def go(self, *, resume: bool = False) -> bool:
        """Train to the end.

        Returns:
            Whether the end was reached; False after Ctrl-C, with a checkpoint to resume from.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if resume:
            self._load(checkpoint.load_checkpoint(self.folder, self.recipe, self.data_sha256))
        with interruptible() as stopping, self.display.shown():
            while not self.finished:
                if not self._train_epoch(stopping):
                    self._save()
                    return False
                self._close_epoch()
        return True

    @property
    def finished(self) -> bool:
        """The last epoch is done, or validation has not improved for ``patience`` epochs."""
        train = self.recipe.train
        return self.at.epoch >= train.epochs or 0 < train.patience <= self.at.waited

    def _train_epoch(self, stopping: Callable[[], bool]) -> bool:
        if self.recipe.discriminant:
            return self._solve()
        networks.training_mode(self.spread)
        train = self.recipe.train
        size = train.small_size if self.at.epoch < train.small_epochs else self.recipe.input.size
        self.display.epoch(f"epoch {self.at.epoch + 1}/{train.epochs}", len(self.batches), self.at.step)
        for batch in self.batches.epoch(self.at.epoch, size, self.at.step):
            self._step(batch)
            if self.place.any(self.after_step() or stopping()):
                return False
        return True

    def _solve(self) -> bool:
        """Find the class head in one go; that is an epoch."""
        self.display.epoch("class head", 1, 0)
        figures, images = solve(self.network, self.split.train, self.recipe), len(self.split.train)
        self.average.load_state_dict(self.network.state_dict())
        self.at.sums = {"images": float(images), **{name: value * images for name, value in figures.items()}}
        return True

    def _step(self, batch: Batch) -> None:
        train, place = self.recipe.train, self.place
        done = self.at.epoch * len(self.batches) + self.at.step
        rate = schedule(done, train.epochs * len(self.batches), train)
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * rate
        truth = Truth.of(batch, place.device)
        found = forward(self.spread, torch.from_numpy(batch.pixels), place.device, bfloat16=train.bfloat16)
        loss = self.objective.loss(found, truth)
        self.optimiser.zero_grad()
        share = len(batch.pixels) * place.ranks / min(train.batch_size, len(self.split.train))
        (loss * share).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if train.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), train.clip)
        self.optimiser.step()
        move_average(self.average, self.network, min(train.average, (1 + done) / (10 + done)))
        rows = self.objective.rows(found, truth)
        self._add(
            loss.item(), {name: rows[name].sum().item() for name in self.objective.figures[1:]}, len(batch.pixels)
        )
        self.at.step += 1

    def _add(self, loss: float, figures: dict[str, float], images: int) -> None:
        """To this epoch's sums, over all processes."""
        local = {"loss": loss * images, **figures, "images": float(images)}
        total = self.place.total(torch.tensor(list(local.values()), dtype=torch.float64)).tolist()
        for name, value in zip(local, total, strict=True):
            self.at.sums[name] = self.at.sums.get(name, 0.0) + value
        self.display.step(round(total[-1]), self.at.sums["loss"] / self.at.sums["images"])

    def _close_epoch(self) -> None:
        images = self.at.sums.pop("images")
        trained = {name: value / images for name, value in self.at.sums.items()}
        validated = self.place.told(self._validated() if self.place.first else {})
        for side, figures in (("train", trained), ("validation", validated)):
            for name, value in figures.items():
                self.at.curves.setdefault(side, {}).setdefault(name, []).append(round(value, 5))
        worth = self._worth(validated)
        better = worth > self.at.best or not validated
        self.at.best = max(self.at.best, worth)
        self.at.epoch, self.at.step, self.at.sums = self.at.epoch + 1, 0, {}
        self.at.waited = 0 if better else self.at.waited + 1
        if better and self.place.first:
            checkpoint.save_weights(self.folder, self.average.state_dict(), self._notes())
        self._save()
        if self.place.first:
            write_curves(self.folder, self.at.curves)
        self.display.close(self.at.epoch, trained, validated, better=better)

    def _worth(self, figures: dict[str, float]) -> float:
        value = figures.get(self.recipe.watch, -math.inf)
        return -value if self.recipe.watch == "loss" else value

    def _validated(self) -> dict[str, float]:
        return self.validate(self.split.validation) if self.split.validation else {}

    def validate(self, images: list[Cached]) -> dict[str, float]:
        """Figures over images of the averaged weights."""
        rows, loss = self.examine(images)
        if self.keep_rows:
            arrays = {name: value.numpy() for name, value in rows.items()}
            np.savez_compressed(self.folder / ROWS.format(epoch=self.at.epoch + 1), allow_pickle=False, **arrays)
        return self.objective.summary(rows, loss)

    @torch.no_grad()
    def examine(self, images: list[Cached]) -> tuple[Rows, float]:
        """What the averaged weights say of every image, in order, and the mean loss."""
        train, device = self.recipe.train, self.place.device
        parts: list[Rows] = []
        loss = 0.0
        for batch in plain(images, self.recipe.input, train.batch_size, self.objective.classes):
            truth = Truth.of(batch, device)
            found = forward(self.average, torch.from_numpy(batch.pixels), device, bfloat16=train.bfloat16)
            loss += self.objective.loss(found, truth).item() * len(batch.pixels)
            parts.append(self.objective.rows(found, truth))
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}, loss / len(images)

    def _notes(self) -> dict[str, Any]:
        recipe = self.recipe.model_dump(mode="json")
        return {"recipe": recipe, "epoch": self.at.epoch, "data_sha256": self.data_sha256, **self.notes}

    def _save(self) -> None:
        if not self.place.first:
            return
        state = {
            "recipe": self.recipe.model_dump_json(),
            "data_sha256": self.data_sha256,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
            "at": vars(self.at),
        }
        if self.place.device.type == "cuda":
            state["random_cuda"] = torch.cuda.get_rng_state(self.place.device)
        checkpoint.save_checkpoint(self.folder, state)

    def _load(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        if "random_cuda" in state and self.place.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"], self.place.device)
        self.at = Progressed(**state["at"])


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C (and a polite kill) into a question asked between steps, so that no step is left half done."""
    asked: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
