"""How long a question waits, as far as it can be told."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

ENOUGH: Final = 3
"""Finished predictions from which a pace is told; of fewer nothing can be said."""
PATIENCE_S: Final = 15.0
"""A queue in which nothing has ended for this long, beyond what was to be expected, stands still."""


@dataclass(frozen=True)
class Pace:
    """What the last minutes say of the queue.

    ``busy_s`` is for how long at least one prediction was in hand, ``finished`` how many ended in that time: their
    quotient holds whatever the number of workers, and takes no pause for work. ``silent_s`` is how long nothing has
    ended although something was open.
    """

    finished: int
    busy_s: float
    silent_s: float


def expected_s(position: int, pace: Pace) -> int | None:
    """Whole seconds until the prediction at ``position`` (1 is next) will be finished; None where nobody can tell.

    None after a rest, when too few have ended lately, and when the queue stands still.
    """
    if pace.finished < ENOUGH:
        return None
    each_s = pace.busy_s / pace.finished
    if pace.silent_s > PATIENCE_S + 3 * each_s:
        return None
    return max(1, math.ceil(position * each_s))
