"""What was found to be alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

By = Literal["embedding", "palette"]
"""``embedding``: it looks alike to the network. ``palette``: it has the same colours."""
MOST: Final = 100


@dataclass(frozen=True)
class Said:
    """What a review says of a picture, without who said it."""

    verdict: str
    label: str | None


@dataclass(frozen=True)
class Neighbour:
    """One picture and how alike it is."""

    id: UUID
    """Of the collection's item or of the prediction."""
    kind: Literal["collection", "image"]
    position: int
    """1 is the most alike."""
    similarity: float
    """Cosine, -1 to 1."""
    label: str | None
    title: str
    """Empty for other people's images."""
    source: str
    licence: str
    location: str
    """Where the collection keeps it."""
    pictured: bool
    """Whether there is a picture to show: of an imported item there may be only the numbers."""
    part: bool
    """Whether a part of the picture counts."""
    mine: bool
    asked_at: datetime | None
    """Of one's own images."""
    review: Said | None


@dataclass(frozen=True)
class Seen:
    """One's own earlier upload of the same picture."""

    prediction_id: UUID
    asked_at: datetime
    same_file: bool
    """The very same bytes; else only as good as the same."""


@dataclass(frozen=True)
class Neighbours:
    """``complete`` is False while the pictures are being looked at by a new version: ``ready`` of ``total`` were."""

    by: By
    version: str | None
    label: str | None
    """What the picture itself is taken for."""
    same_class: bool
    complete: bool
    ready: int
    total: int
    items: list[Neighbour]
    seen: list[Seen]
