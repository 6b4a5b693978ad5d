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
        return _segmentation(_) | ({} if "polyp" in card.output.labels else _anything(_))
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
        "mdice_pranet": (
            _("Dice over all thresholds"),
            _("PraNet protocol: mean over 256 thresholds, to compare with papers"),
        ),
        "hd95": (_("Distance of the outlines"), _("pixels; 95 % lie closer (HD95)")),
        "hd95_percent": (_("Distance of the outlines, % of the diagonal"), _("95 % lie closer (HD95)")),
        "mae": (_("Mean absolute error"), _("between probability and truth, over all pixels")),
        "refused": (_("Foreign pictures refused"), _("share of pictures of another kind that are refused")),
        "kept": (_("Own pictures kept"), _("share of proper pictures that are not refused")),
    }


def _anything(_: Translate) -> dict[str, Words]:
    """Of outlines of something else than polyps."""
    return {
        "dice_object": (_("Dice, with something to outline"), _("the same, only images that show it")),
        "found": (_("Found"), _("images in which at least half of what is there is outlined")),
        "empty_right": (_("Right empty answers"), _("images with nothing to outline that stay empty")),
        "precision": (_("Precision"), _("how much of what is outlined is right")),
        "recall": (_("Recall"), _("how much of what is there is outlined")),
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
        "ece_positive": (_("Calibration error, positive class"), _("the same, of the probability that is shown")),
        "brier": (_("Brier score"), _("mean squared error of the probabilities; 0 is perfect")),
        "aurc": (
            _("Area under the risk-coverage curve"),
            _("errors that remain as the least sure answers are left out; 0 is perfect"),
        ),
        "f1_macro": (_("F1, each class counted alike"), ""),
        "average_precision": (_("Average precision"), _("area under the precision-recall curve")),
        "precision_at_5": (
            _("Alike among the five nearest"),
            _("share of the five most similar images that are of the same class"),
        ),
        "precision_at_5_elsewhere": (_("Alike among the five nearest of other sources"), ""),
        "map": (_("Mean average precision of the search"), ""),
        "map_elsewhere": (_("Mean average precision of the search among other sources"), ""),
        "recall_at_1_jpeg": (
            _("Found again, compressed copy"),
            _("share of altered copies whose original is the nearest"),
        ),
        "recall_at_1_half": (_("Found again, half size"), ""),
        "recall_at_1_crop": (_("Found again, cut copy"), ""),
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
