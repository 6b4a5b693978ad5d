"""Which answers are worth a curator's time first, and which are drawn by lot, so that what is measured is unbiased."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

RANDOM_SHARE: Final = 0.2
"""Of all answers, those that are drawn by lot: their own number decides, whatever the network or anybody says."""
RANDOM_EVERY: Final = 5
"""One of so many that a curator is given comes from those drawn by lot, as long as there are any."""
CLAIM: Final = timedelta(minutes=10)
"""Whoever was given an image has it for so long; nobody else gets it meanwhile."""
READERS: Final = 2
"""Asked for an answer independently of one another."""
PREFETCH_MAX: Final = 10

UNTOLD: Final = 0.5
"""Uncertainty of an answer that was stored before it was told."""
DISAGREEMENT: Final = {"wrong": 1.0, "unknown": 0.7, None: 0.5, "right": 0.2}
"""How far whoever asked disagrees with the answer, by their verdict; None where they said nothing."""
FLOOR: Final = 0.05
"""An answer that is certain is still worth something where somebody says that it is wrong."""


class Drawn(StrEnum):
    """Why somebody was given an image."""

    WORTH = "worth"
    """By how much is to be learnt from it."""
    RANDOM = "random"
    """By lot; only these say how good the network is, each with the chance that is stored with it."""
    PANEL = "panel"
    """Two readers were asked for it."""
    ADJUDICATION = "adjudication"
    """The two disagree."""


def lot(identity: UUID) -> float:
    """A number in 0..1 that is the prediction's for good, from its random identity: below the share it is drawn."""
    return int(identity.hex[:8], 16) / 2**32


def worth(uncertainty: float | None, said: str | None) -> float:
    """Uncertain × disagreeing with whoever asked, in 0..1; the order of the inbox.

    Args:
        uncertainty: of the answer, 0 certain to 1 could be either; None where it was not told.
        said: verdict of whoever asked.
    """
    doubt = UNTOLD if uncertainty is None else uncertainty
    return (FLOOR + (1 - FLOOR) * doubt) * DISAGREEMENT[said]
