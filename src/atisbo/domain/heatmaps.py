"""What a heat map has to say besides its colours."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class State(StrEnum):
    """What has become of a heat map."""

    PENDING = "pending"
    """A worker is at it, or will be once it has answered whoever waits for an answer."""
    READY = "ready"
    """There is a picture."""
    FLAT = "flat"
    """Hiding any one part hardly weakened the answer: a picture would show noise, so there is none."""
    OUTDATED = "outdated"
    """The network that answered is no longer the one in use, which would explain an answer of its own."""


class Heatmap(BaseModel):
    """Stored beside its picture; the picture lies over the part that was analysed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State
    label: str
    """The class whose probability was watched: that of the answer."""
    largest_drop: float | None = Field(default=None, ge=0)
    """By how much the log-odds of the label fell at most, when one part of the picture was hidden."""
