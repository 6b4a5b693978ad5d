"""What somebody is told of when it is over."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    BATCH = "batch"
    """Many images at once: all are answered."""
    DATASET = "dataset"
    RUN = "run"


FEWEST: Final = 10
"""Images of a batch that is worth a word."""
QUIET_S: Final = 10
"""Without a new image for so long, a batch is complete."""
