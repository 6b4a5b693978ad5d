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

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from atisbo.training import checkpoint, networks
from atisbo.training.curves import Curves, write_curves
from atisbo.training.data import Batches, Cached, Split, plain
from atisbo.training.loss import agreement, segmentation_loss
from atisbo.training.recipe import Recipe, TrainRecipe
from atisbo.training.start import start_from

FIGURES = ("loss", "accuracy", "iou", "dice")


@dataclass
class Progressed:
    """Where a run stands, apart from its tensors."""

    epoch: int = 0
    step: int = 0
    """Steps done in this epoch."""
    best: float = -1.0
    """Best mean validation Dice so far."""
    waited: int = 0
    """Epochs since then."""
    sums: list[float] = field(default_factory=lambda: [0.0] * (len(FIGURES) + 1))
    """Figures of this epoch's training images, added up, and how many images."""
    curves: Curves = field(default_factory=dict)


class Run:
    """One training run in a folder.

    Args:
        start: an exported network to go on from.
        notes: what should travel with the weights beside recipe and epoch (command, data in words, …).
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
        after_step: Callable[[], bool] = lambda: False,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.split, self.data_sha256, self.folder = recipe, split, data_sha256, folder
        self.notes, self.console, self.after_step = notes or {}, console or Console(), after_step
        self.network = networks.build(recipe.network, weights)
        if start:
            start_from(self.network, start, (pixels for pixels, _ in plain(split.train[::20], recipe.input, 16)))
        self.network = networks.channels_last(self.network)
        networks.freeze(self.network, recipe.network.frozen)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimiser = make_optimiser(self.network, recipe.train)
        self.batches = Batches(split.train, recipe.input, recipe.augment, recipe.train.batch_size, recipe.seed)
        self.at = Progressed()

    def go(self, *, resume: bool = False) -> bool:
        """Train to the end.

        Returns:
            Whether the end was reached; False after Ctrl-C, with a checkpoint to resume from.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if resume:
            self._load(checkpoint.load_checkpoint(self.folder, self.recipe, self.data_sha256))
        with interruptible() as stopping, self._bars() as bars:
            while not self.finished:
                if not self._train_epoch(bars, stopping):
                    self._save()
                    return False
                self._close_epoch()
        return True

    @property
    def finished(self) -> bool:
        """The last epoch is done, or validation has not improved for ``patience`` epochs."""
        train = self.recipe.train
        return self.at.epoch >= train.epochs or 0 < train.patience <= self.at.waited

    def _train_epoch(self, bars: Progress, stopping: Callable[[], bool]) -> bool:
        networks.training_mode(self.network)
        train = self.recipe.train
        size = train.small_size if self.at.epoch < train.small_epochs else self.recipe.input.size
        title = f"epoch {self.at.epoch + 1}/{train.epochs}"
        bar = bars.add_task(title, total=len(self.batches), completed=self.at.step)
        for pixels, masks in self.batches.epoch(self.at.epoch, size, self.at.step):
            self._step(torch.from_numpy(pixels), torch.from_numpy(masks))
            bars.advance(bar)
            if self.after_step() or stopping():
                return False
        bars.remove_task(bar)
        return True

    def _step(self, pixels: Tensor, truth: Tensor) -> None:
        train = self.recipe.train
        done = self.at.epoch * len(self.batches) + self.at.step
        rate = schedule(done, train.epochs * len(self.batches), train)
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * rate
        logits = forward(self.network, pixels, bfloat16=train.bfloat16)
        loss = segmentation_loss(logits, truth, train.border_weight)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if train.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), train.clip)
        self.optimiser.step()
        move_average(self.average, self.network, min(train.average, (1 + done) / (10 + done)))
        added = [loss.item() * len(truth), *agreement(logits, truth).sum(0).tolist(), len(truth)]
        self.at.sums = [a + b for a, b in zip(self.at.sums, added, strict=True)]
        self.at.step += 1

    def _close_epoch(self) -> None:
        *sums, count = self.at.sums
        trained = dict(zip(FIGURES, (value / count for value in sums), strict=True))
        validated = self.validate(self.split.validation)
        for side, figures in (("train", trained), ("validation", validated)):
            for name, value in figures.items():
                self.at.curves.setdefault(side, {}).setdefault(name, []).append(round(value, 5))
        better = validated["dice"] > self.at.best
        self.at.best = max(self.at.best, validated["dice"])
        self.at.epoch, self.at.step = self.at.epoch + 1, 0
        self.at.waited = 0 if better else self.at.waited + 1
        self.at.sums = [0.0] * len(self.at.sums)
        if better:
            checkpoint.save_weights(self.folder, self.average.state_dict(), self._notes())
        self._save()
        write_curves(self.folder, self.at.curves)
        self.console.print(
            f"epoch {self.at.epoch}: "
            + ", ".join(f"{name} {trained[name]:.4f} / {validated[name]:.4f}" for name in FIGURES)
            + " (train / validation)"
            + (" best" if better else "")
        )

    @torch.no_grad()
    def validate(self, images: list[Cached]) -> dict[str, float]:
        """Mean figures per image of the averaged weights."""
        train = self.recipe.train
        sums = torch.zeros(len(FIGURES), dtype=torch.float64)
        for pixels, masks in plain(images, self.recipe.input, train.batch_size):
            truth = torch.from_numpy(masks)
            logits = forward(self.average, torch.from_numpy(pixels), bfloat16=train.bfloat16)
            loss = segmentation_loss(logits, truth, train.border_weight).double() * len(truth)
            sums += torch.cat([loss[None], agreement(logits, truth).sum(0)])
        return dict(zip(FIGURES, (sums / len(images)).tolist(), strict=True))

    def _notes(self) -> dict[str, Any]:
        recipe = self.recipe.model_dump(mode="json")
        return {"recipe": recipe, "epoch": self.at.epoch, "data_sha256": self.data_sha256, **self.notes}

    def _save(self) -> None:
        state = {
            "recipe": self.recipe.model_dump_json(),
            "data_sha256": self.data_sha256,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
            "at": vars(self.at),
        }
        checkpoint.save_checkpoint(self.folder, state)

    def _load(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        self.at = Progressed(**state["at"])

    def _bars(self) -> Progress:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        return Progress(*columns, console=self.console)


def forward(network: nn.Module, pixels: Tensor, *, bfloat16: bool) -> Tensor:
    """Logits, float32, of a batch (n, 3, h, w)."""
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        logits: Tensor = network(pixels.contiguous(memory_format=torch.channels_last))
    return logits.float()


def make_optimiser(network: nn.Module, recipe: TrainRecipe) -> torch.optim.Optimizer:
    """Encoder and decoder at their own rates; biases and norms are not decayed."""
    slow = recipe.encoder_learning_rate or recipe.learning_rate
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, value in network.named_parameters():
        if value.requires_grad:
            rate = slow if name.startswith("encoder.") else recipe.learning_rate
            groups.setdefault((rate, recipe.weight_decay if value.ndim > 1 else 0.0), []).append(value)
    params = [
        {"params": values, "lr": rate, "peak": rate, "weight_decay": decay} for (rate, decay), values in groups.items()
    ]
    kind = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
    return kind(params, foreach=True)


def schedule(step: int, steps: int, recipe: TrainRecipe) -> float:
    """Share of the peak rate: linear warm-up, then half a cosine down to the floor."""
    warm = recipe.warmup * steps
    if step < warm:
        return (step + 1) / (warm + 1)
    done = (step - warm) / max(1.0, steps - warm)
    return recipe.floor + (1 - recipe.floor) * 0.5 * (1 + math.cos(math.pi * done))


@torch.no_grad()
def move_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move weights and norm statistics of ``average`` towards ``network`` by 1 − decay."""
    pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    floats = [(a, b) for a, b in pairs if a.is_floating_point()]
    torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], 1 - decay)


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
