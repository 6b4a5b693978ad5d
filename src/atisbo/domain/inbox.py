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
FAR: Final = 0.5
"""Cosine distance from the nearest picture of the collection at which a picture is as unlike it as can be."""
NEAR_WORTH: Final = 0.4
"""What a picture just like one of the collection is still worth."""
SHORTLIST: Final = 200
"""So many of the most uncertain and disputed are held against the collection."""


class Drawn(StrEnum):
    """Why somebody was given an image."""

    WORTH = "worth"
    """By how much is to be learnt from it."""
    RANDOM = "random"
    """By lot: its number is below the share. Only such answers say how good the network is, whoever reads them."""
    PANEL = "panel"
    """Two readers were asked for it."""
    ADJUDICATION = "adjudication"
    """The two disagree."""


def lot(identity: UUID) -> float:
    """A number in 0..1 that is the prediction's for good, from its random identity: below the share it is drawn."""
    return int(identity.hex[:8], 16) / 2**32


def worth(uncertainty: float | None, said: str | None) -> float:
    """Uncertain × disagreeing with whoever asked, in 0..1; with :func:`unlike` the order of the inbox.

    Args:
        uncertainty: of the answer, 0 certain to 1 could be either; None where it was not told.
        said: verdict of whoever asked.
    """
    doubt = UNTOLD if uncertainty is None else uncertainty
    return (FLOOR + (1 - FLOOR) * doubt) * DISAGREEMENT[said]


def unlike(distance: float | None) -> float:
    """How much more a picture is worth for being unlike the application's collection, which the network knows.

    Args:
        distance: cosine distance 0..2 from the nearest picture of the collection, in the network's own embedding; None
            where there is no collection or no embedding.
    """
    return 1.0 if distance is None else NEAR_WORTH + (1 - NEAR_WORTH) * min(distance / FAR, 1.0)
