"""How far a candidate that answers in silence agrees with the version that answers aloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ALIKE: Final = 0.7
"""Dice of two outlines, from which on they count as the same."""


def agreement(
    status: str,
    findings: Mapping[str, Any] | None,
    other_status: str,
    other: Mapping[str, Any] | None,
    dice: float | None,
) -> tuple[float, bool]:
    """How far two answers agree, 0..1, and whether they say the same.

    Of classes: 1 less the difference of the probability of what was named aloud. Of outlines: their Dice. One that
    refuses and one that answers do not agree at all; two that refuse agree.

    Args:
        status: of the answer aloud, and what it found; ``other`` is the candidate's.
        dice: of the two masks; 1 where both are empty.
    """
    if findings is None or other is None:
        both = status == other_status
        return float(both), both
    if findings["task"] == "classification":
        label = findings["label"]
        away = abs(findings["probabilities"][label] - other["probabilities"].get(label, 0.0))
        return 1.0 - min(1.0, away), other["label"] == label
    share = 0.0 if dice is None else dice
    return share, share >= ALIKE
