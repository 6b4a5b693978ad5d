"""What somebody looks for among all images of an application."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Final

from atisbo.domain.predictions import Status


class Certainty(StrEnum):
    """Bands of an answer's uncertainty, 0 certain to 1 could be either."""

    HIGH = "high"
    MIDDLE = "middle"
    LOW = "low"


BANDS: Final = {Certainty.HIGH: (0.0, 0.2), Certainty.MIDDLE: (0.2, 0.6), Certainty.LOW: (0.6, 1.01)}
"""From, inclusive, and to, exclusive."""


class Reviewed(StrEnum):
    """What people said of the answer."""

    NOT = "not"
    ANY = "any"
    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Wanted:
    """None and empty stand for whatever it may be."""

    application: str
    status: Status | None = None
    answer: str | None = None
    """A label, or the empty text for nothing outlined."""
    certainty: Certainty | None = None
    reviewed: Reviewed | None = None
    consent: bool | None = None
    """Whether it may be learnt from."""
    since: date | None = None
    until: date | None = None
    """Both days inclusive, UTC."""
    owner: str | None = None
    """Part of the owner's e-mail address."""
    version: str | None = None

    @property
    def filtered(self) -> bool:
        """Whether anything beside the application was asked for."""
        return any(getattr(self, field.name) is not None for field in fields(self) if field.name != "application")
