"""What training makes small, and what it watches."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

BORDER = 31
"""Side in pixels of the window in which a pixel looks for the other class."""


def segmentation_loss(logits: Tensor, truth: Tensor, border_weight: float = 0.0) -> Tensor:
    """Cross-entropy plus soft Dice loss of every mask, both weighted towards outlines; then the mean.

    A pixel weighs 1 + border_weight · |share of object around it − its own label| (Wei et al. 2020, F3Net).
    The Dice of a mask is (2·Σwpt + 1) / (Σwp + Σwt + 1): an empty image is answered best by an empty mask.

    Args:
        logits: (n, labels, h, w).
        truth: (n, labels, h, w), 0 to 1.
    """
    logits = logits.float()
    weight = 1 + border_weight * (surroundings(truth) - truth).abs() if border_weight else torch.ones_like(truth)
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    entropy = (weight * entropy).sum((2, 3)) / weight.sum((2, 3))
    probability = logits.sigmoid()
    shared = (weight * probability * truth).sum((2, 3))
    both = (weight * (probability + truth)).sum((2, 3))
    return (entropy + 1 - (2 * shared + 1) / (both + 1)).mean()


def surroundings(truth: Tensor) -> Tensor:
    """Share of object in the window around every pixel, outside the image not counted; in two passes for speed."""
    rows = F.avg_pool2d(truth, (BORDER, 1), 1, (BORDER // 2, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, BORDER), 1, (0, BORDER // 2), count_include_pad=False)


def classification_loss(
    logits: Tensor, truth: Tensor, weights: Tensor | None = None, label_smoothing: float = 0.0
) -> Tensor:
    """Cross-entropy with shares of classes, mean over images.

    Args:
        logits: (n, classes).
        truth: (n, classes), shares that add up to 1.
        weights: (classes,), of an image of each class; their mean over the training images should be 1.
    """
    return F.cross_entropy(logits.float(), truth, weights, label_smoothing=label_smoothing)


def balanced_weights(counts: Tensor) -> Tensor:
    """Weights of classes such that all count alike and the mean over all images is 1.

    Args:
        counts: (classes,), images of each.
    """
    present = counts > 0
    return torch.where(present, counts.sum() / (present.sum() * counts.clamp(min=1)), 0.0).float()


@torch.no_grad()
def agreement(logits: Tensor, truth: Tensor) -> Tensor:
    """Pixel accuracy, IoU and Dice of every image at probability one half, mean over labels; both-empty masks have 1.

    Args:
        logits: (n, labels, h, w).
        truth: (n, labels, h, w), 0 to 1.

    Returns:
        (n, 3) float64.
    """
    predicted, true = (logits > 0).flatten(2), (truth > 0.5).flatten(2)
    shared = (predicted & true).sum(2).double()
    both = (predicted.sum(2) + true.sum(2)).double()
    empty = both == 0
    right = (predicted == true).double().mean(2)
    overlap = torch.where(empty, 1.0, shared / (both - shared).clamp(min=1))
    dice = torch.where(empty, 1.0, 2 * shared / both.clamp(min=1))
    return torch.stack([right, overlap, dice], 2).mean(1)


@torch.no_grad()
def area_under_curve(scores: Tensor, truth: Tensor) -> float:
    """Area under the ROC curve of scores (n,) against yes or no (n,): the chance that a yes scores higher, ties half.

    It is 0.5 where one of the two is missing.
    """
    yes, no = scores[truth], scores[~truth].sort().values
    if not len(yes) or not len(no):
        return 0.5
    below = torch.searchsorted(no, yes, right=False).double()
    equal = torch.searchsorted(no, yes, right=True).double() - below
    return float((below + equal / 2).mean() / len(no))
