"""An outline that a person corrected: what its pixels mean."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from atisbo.domain.cards import Card
from atisbo.errors import Conflict

MAX_LAYERS: Final = 8
"""A pixel of a corrected mask is eight bits: bit k is layer k, so layers may lie over one another in any way."""


class MaskState(StrEnum):
    """What has become of a mask that was sent with a review."""

    CHECKING = "checking"
    """Stored untouched; a worker has not opened it yet."""
    KEPT = "kept"
    """Checked, written anew, and part of the review."""
    REFUSED = "refused"
    """It will not do, with a reason."""


def layers(card: Card) -> tuple[str, ...]:
    """What can be outlined, in the order of a mask's bits.

    Raises:
        Conflict: the application outlines nothing, or more than a pixel has bits.
    """
    output = card.output if card.task == "segmentation" else card.structures and card.structures.output
    if not output or len(output.labels) > MAX_LAYERS:
        raise Conflict("outlines_none", "This application has no outlines to correct.")
    return output.labels
