"""A training run: where it stands, and what may be changed of its recipe."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from pydantic import Field

from atisbo.domain.cards import Strict


class State(StrEnum):
    """Where a run stands."""

    WAITING = "waiting"
    """Asked for; no worker has it."""
    RUNNING = "running"
    """A worker has it, or had it and will go on after a restart."""
    DONE = "done"
    """Its network was submitted as a version."""
    FAILED = "failed"
    """It ended without a network; a failure says why."""
    CANCELLED = "cancelled"
    """Somebody did not want it any more."""

    @property
    def over(self) -> bool:
        return self not in (State.WAITING, State.RUNNING)


MOST_EPOCHS: Final = 1000


class Overrides(Strict):
    """What may be changed of a recipe for one run."""

    epochs: int | None = Field(default=None, ge=1, le=MOST_EPOCHS)
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    batch_size: int | None = Field(default=None, ge=2, le=512)
    seed: int | None = Field(default=None, ge=0, lt=2**31)

    def applied(self, recipe: Mapping[str, Any]) -> dict[str, Any]:
        """The recipe with these values instead of its own."""
        changed = copy.deepcopy(dict(recipe))
        said = self.model_dump(exclude_none=True)
        if "seed" in said:
            changed["seed"] = said.pop("seed")
        changed["train"] = {**changed.get("train", {}), **said}
        return changed
