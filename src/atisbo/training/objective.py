"""What a task asks of a network: its loss, the figures that are watched, and what it said of every image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from atisbo.training.data import Batch, Cached
from atisbo.training.loss import (
    agreement,
    area_under_curve,
    balanced_weights,
    classification_loss,
    segmentation_loss,
)
from atisbo.training.networks import LOGITS, STRUCTURES, Outputs
from atisbo.training.recipe import Recipe

Rows = dict[str, Tensor]
"""Name → one value (n,) or several (n, c) per image, float64 on the CPU."""


@dataclass(frozen=True)
class Truth:
    """What is true of a batch, on the network's device: masks (n, labels, h, w), shares of classes (n, classes)."""

    masks: Tensor
    classes: Tensor

    @classmethod
    def of(cls, batch: Batch, device: torch.device) -> Truth:
        return cls(torch.from_numpy(batch.masks).to(device), torch.from_numpy(batch.classes).to(device))


class Objective:
    """The loss and the figures of a recipe's task.

    Args:
        images: what will be trained on; their classes are counted for balanced weights.
    """

    def __init__(self, recipe: Recipe, images: Sequence[Cached], device: torch.device) -> None:
        self.recipe = recipe
        self.outlines = recipe.task == "segmentation"
        self.classes = 0 if self.outlines else len(recipe.output.labels)
        self.weights: Tensor | None = None
        if recipe.train.class_weights == "balanced" and self.classes:
            numbers = torch.tensor([image.label for image in images])
            self.weights = balanced_weights(torch.bincount(numbers, minlength=self.classes)).to(device)

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of what is watched in training, in the order in which it is shown."""
        if self.outlines:
            return ("loss", "accuracy", "iou", "dice")
        return ("loss", "accuracy", *(("dice",) if self.recipe.structures else ()))

    def loss(self, found: Outputs, truth: Truth) -> Tensor:
        """What is made small: the mean over the batch."""
        train, structures = self.recipe.train, self.recipe.structures
        if self.outlines:
            return segmentation_loss(found[LOGITS], truth.masks, train.border_weight)
        loss = classification_loss(found[LOGITS], truth.classes, self.weights, train.label_smoothing)
        if structures:
            outline = segmentation_loss(found[STRUCTURES], truth.masks, structures.border_weight)
            loss = loss + structures.weight * outline
        return loss

    @torch.no_grad()
    def rows(self, found: Outputs, truth: Truth) -> Rows:
        """The figures of every image except its loss, and with classes the logits and the right class."""
        if self.outlines:
            return dict(zip(self.figures[1:], agreement(found[LOGITS], truth.masks).cpu().T, strict=True))
        label = truth.classes.argmax(1)
        rows = {"accuracy": (found[LOGITS].argmax(1) == label).double()}
        if self.recipe.structures:
            rows["dice"] = agreement(found[STRUCTURES], truth.masks)[:, 2]
        rows |= {"logits": found[LOGITS].double(), "label": label.double()}
        return {name: value.cpu() for name, value in rows.items()}

    def summary(self, rows: Rows, loss: float) -> dict[str, float]:
        """Figures over all images: means, with classes also what only a whole set has."""
        found = {"loss": loss, **{name: float(rows[name].mean()) for name in self.figures[1:]}}
        if self.classes:
            label = rows["label"].long()
            per_class = [rows["accuracy"][label == number].mean() for number in set(label.tolist())]
            found["balanced_accuracy"] = float(torch.stack(per_class).mean())
            found["auc"] = _mean_auc(rows["logits"], label)
        return found


def _mean_auc(logits: Tensor, label: Tensor) -> float:
    """Of two classes the area under the curve; of more the mean of each against the rest."""
    if logits.shape[1] == 2:
        return area_under_curve(logits[:, 1] - logits[:, 0], label == 1)
    chances = logits.softmax(1)
    areas = [area_under_curve(chances[:, number], label == number) for number in range(logits.shape[1])]
    return sum(areas) / len(areas)
