"""Datasets: what may be in one, what is written down of it, and the hash that holds it to its content."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from hmac import digest
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from atisbo.domain.applications import Application
from atisbo.domain.cards import Card, Strict
from atisbo.domain.reviews import Verdict
from atisbo.errors import Invalid


class Split(StrEnum):
    """The side of a dataset that an image is on, for good."""

    TRAINING = "training"
    VALIDATION = "validation"
    TEST = "test"
    """Sealed: only an evaluation opens it."""


LEARNING: Final = (Split.TRAINING, Split.VALIDATION)
"""What may be looked at while a network is made."""
PAIR: Final = "of one person"
"""Two pictures of one person are never parted, whatever else images are grouped by."""
OWNER: Final = "owner"
"""Grouping by who uploaded an image; everything else that groups is a field of the application's form."""


class Status(StrEnum):
    BUILDING = "building"
    READY = "ready"
    """From here on nothing is added or changed; only what a person takes back is taken out."""
    FAILED = "failed"


class Filters(Strict):
    """Which reviewed images are wanted; every empty one lets all pass."""

    verdicts: tuple[Literal[Verdict.RIGHT, Verdict.WRONG], ...] = ()
    labels: tuple[str, ...] = Field(default=(), max_length=100)
    """What the review says that the image shows."""
    since: date | None = None
    """First day of the upload, UTC."""
    until: date | None = None
    """Last day of the upload, UTC."""
    uncertainty_from: float | None = Field(default=None, ge=0, le=1)
    """Of the network's answer: 0 certain, 1 could be either."""
    uncertainty_to: float | None = Field(default=None, ge=0, le=1)
    reviewer: Literal["curator", "owner"] | None = None
    """Who said it last: somebody who looks after the data, or the person who uploaded the image."""
    versions: tuple[str, ...] = Field(default=(), max_length=100)
    """Of the network that answered."""
    outlined: bool = False
    """Only where a person drew an outline."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.since and self.until and self.since > self.until:
            raise ValueError("since is later than until")
        if (self.uncertainty_from or 0) > (1 if self.uncertainty_to is None else self.uncertainty_to):
            raise ValueError("uncertainty_from is above uncertainty_to")
        return self


class Shares(Strict):
    """How much of every class each side is given, as far as whole groups allow."""

    training: float = Field(default=0.7, gt=0, lt=1)
    validation: float = Field(default=0.15, gt=0, lt=1)
    test: float = Field(default=0.15, gt=0, lt=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.training + self.validation + self.test - 1) > 1e-6:
            raise ValueError("training, validation and test have to add up to 1")
        return self

    def of(self, side: Split) -> float:
        return float(getattr(self, side.value))


class Plan(Strict):
    """What can be learnt from an application's images, and how they are to be divided."""

    task: Literal["segmentation", "classification"]
    classes: tuple[str, ...] = ()
    """Of a classification."""
    outlines: tuple[str, ...] = ()
    """Labels that have masks: those of a segmentation, or the structures beside a class."""
    columns: tuple[str, ...] = ()
    """Fields of the form that are kept beside an image: those in which nobody writes freely."""
    group_by: tuple[str, ...] = ()
    """``owner`` and fields of the form; images that have one of these in common stay together."""
    shares: Shares = Shares()

    @classmethod
    def of(
        cls, application: Application, card: Card, group_by: Iterable[str] = (OWNER,), shares: Shares | None = None
    ) -> Self:
        """Raises Invalid: see :func:`check_grouping`."""
        segmentation = card.task == "segmentation"
        structures = card.structures.output.labels if card.structures else ()
        return cls(
            task=card.task,
            classes=() if segmentation else card.output.labels,
            outlines=card.output.labels if segmentation else structures,
            columns=tuple(field.name for field in application.review.fields if field.type in ("choice", "number")),
            group_by=check_grouping(application, group_by),
            shares=shares or Shares(),
        )


def check_grouping(application: Application, group_by: Iterable[str]) -> tuple[str, ...]:
    """The names, each once.

    Raises:
        Invalid: one is neither ``owner`` nor a field of the application's form.
    """
    known = {OWNER, *(field.name for field in application.review.fields)}
    chosen = tuple(dict.fromkeys(group_by))
    for name in chosen:
        if name not in known:
            raise Invalid(
                "grouping_unknown", "Group by one of these: {known}.", name=name, known=", ".join(sorted(known))
            )
    return chosen


@dataclass(frozen=True)
class Content:
    """What an item holds, as it is hashed."""

    picture: str
    """SHA-256 of the picture's bytes: the marked part, upright, without metadata."""
    width: int
    height: int
    """Pixels of the picture."""
    label: str | None
    masks: Mapping[str, str]
    """Outline → SHA-256 of its mask."""
    split: Split
    nonce: str
    """Keeps what has been taken out from being guessed by its hash."""

    @property
    def sha256(self) -> str:
        return sha256(canonical(asdict(self))).hexdigest()


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and without spaces, as UTF-8: equal values, equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def content_sha256(items: Iterable[str]) -> str:
    """The dataset's hash: over the hashes of its items, in whatever order; those taken out keep theirs."""
    return sha256(canonical(sorted(items))).hexdigest()


def key(salt: bytes, kind: str, value: str) -> bytes:
    """What is kept of an image, an owner or a patient to know its side by: nothing without the application's salt."""
    return digest(salt, f"{kind}\0{value}".encode(), sha256)
