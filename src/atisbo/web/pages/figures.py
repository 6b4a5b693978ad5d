"""What the figures of a card are called, and what they mean."""

from __future__ import annotations

from collections.abc import Callable

from atisbo.domain.cards import Card
from atisbo.web.render import Translate

Words = tuple[str, str]
"""The figure's name, and what it says in a few words."""


def words(card: Card, named: Callable[[str], str], _: Translate) -> dict[str, Words]:
    """By the names that ``atisbo evaluate`` gives them.

    Args:
        named: what a structure or a ratio is called.
    """
    if card.task == "segmentation":
        return _segmentation(_)
    said = _classification(_)
    if card.structures is not None:
        for label in card.structures.output.labels:
            said |= _structure(label, named(label), _)
        for ratio in card.structures.ratios:
            said |= _ratio(ratio.name, named(ratio.name), _)
    return said


def _segmentation(_: Translate) -> dict[str, Words]:
    return {
        "dice": (_("Dice per image"), _("agreement of outline and expert; 1 is perfect")),
        "dice_object": (_("Dice, with a polyp"), _("the same, only frames that show one")),
        "iou": (_("Overlap (IoU)"), _("shared area over joint area")),
        "found": (_("Found"), _("frames with a polyp in which at least half of it is outlined")),
        "empty_right": (_("Right empty answers"), _("frames without a polyp that stay empty")),
        "precision": (_("Precision"), _("how much of what is outlined is polyp")),
        "recall": (_("Recall"), _("how much of the polyp is outlined")),
        "specificity": (_("Specificity"), _("how much of the rest is left alone")),
        "accuracy": (_("Accuracy"), _("share of pixels that are right")),
        "refused": (_("Foreign pictures refused"), _("share of pictures of another kind that are refused")),
        "kept": (_("Own pictures kept"), _("share of proper pictures that are not refused")),
    }


def _classification(_: Translate) -> dict[str, Words]:
    return {
        "accuracy": (_("Right answers"), _("share of images with the right answer")),
        "balanced_accuracy": (_("Right answers, each class counted alike"), ""),
        "auc": (_("Area under the ROC curve"), _("how well it tells them apart; 1 is perfect, 0.5 is chance")),
        "sensitivity": (_("Sensitivity"), _("share of the positive images that are called positive")),
        "specificity": (_("Specificity"), _("share of the other images that are not called positive")),
        "sensitivity_at_95": (_("Sensitivity at 95 % specificity"), ""),
        "ece": (_("Calibration error"), _("how far probabilities are from how often they are right; 0 is perfect")),
        "unsure": (_("Not sure"), _("share of images answered with “not sure”")),
        "accuracy_sure": (_("Right answers, when sure"), _("share of right ones among the other answers")),
        "refused": (_("Foreign pictures refused"), _("share of pictures of another kind that are refused")),
        "kept": (_("Own pictures kept"), _("share of proper pictures that are not refused")),
    }


def _structure(name: str, called: str, _: Translate) -> dict[str, Words]:
    return {
        f"dice_{name}": (_("Dice, {label}", label=called), _("agreement of outline and expert; 1 is perfect")),
        f"hd95_{name}": (_("Distance of the outlines, {label}", label=called), _("pixels; 95 % lie closer (HD95)")),
    }


def _ratio(name: str, called: str, _: Translate) -> dict[str, Words]:
    return {
        f"mae_{name}": (_("Error of: {label}", label=called), _("mean distance from the expert's")),
        f"bias_{name}": (_("Leaning of: {label}", label=called), _("above 0 it is measured too large")),
    }
