"""Two pictures of one person that belong together, as of both eyes: which is which, and how far they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import Field

from atisbo.domain.cards import Card, Strict
from atisbo.domain.forms import ReviewField
from atisbo.domain.texts import LocalisedText
from atisbo.errors import Invalid

_SIDES = 2


class PairSection(Strict):
    """What an application says of pairs."""

    field: str = Field(min_length=1)
    """The question of the form that tells the two apart: a choice of two, in the order in which they are shown."""
    compare: str = Field(min_length=1)
    """One of the card's ratios, measured in both."""
    notable: float = Field(gt=0)
    """A difference above this is pointed out."""
    offer: LocalisedText
    """What the link says, as in "both eyes of one patient"."""
    title: LocalisedText
    note: LocalisedText
    """What a difference above ``notable`` means, and what it does not."""

    def fault(self, card: Card, fields: Sequence[ReviewField]) -> str | None:
        """What card or form lack for it, as ``field: reason``."""
        asked = next((field for field in fields if field.name == self.field), None)
        if asked is None or len(asked.choices) != _SIDES:
            return f"pair.field: the form has no choice of two called {self.field}"
        if card.structures is None or self.compare not in (ratio.name for ratio in card.structures.ratios):
            return f"pair.compare: the card has no ratio called {self.compare}"
        return None


@dataclass(frozen=True)
class Half:
    """Which pair a picture belongs to, and as which of the two; the pair's name says nothing of anybody."""

    pair_id: UUID
    side: str
    """A value of the application's ``pair.field``."""


@dataclass(frozen=True)
class Difference:
    """Of one measure between the two pictures, all to two decimals, as they are shown."""

    measure: str
    values: dict[str, float]
    """By side."""
    difference: float
    """Without sign."""
    notable: bool
    """Above the application's limit."""


def check(section: PairSection | None, fields: Sequence[ReviewField], half: Half) -> None:
    """Raises Invalid: the application knows no pairs, or the side is none of its two."""
    if section is None:
        raise Invalid("pair_unwanted", "This application does not compare two pictures. Send it without a pair.")
    sides = sides_of(section, fields)
    if half.side not in sides:
        raise Invalid("pair_side", "Say which of the two it is: {sides}.", sides=", ".join(sides))


def sides_of(section: PairSection, fields: Sequence[ReviewField]) -> list[str]:
    """The values of the two, in the order in which they are shown."""
    return [choice.value for field in fields if field.name == section.field for choice in field.choices]


def compare(section: PairSection, ratios: Mapping[str, Mapping[str, float]]) -> Difference | None:
    """How far the two differ; None where the measure is missing in one of them.

    Args:
        ratios: by side, what was measured.
    """
    values = {side: round(said[section.compare], 2) for side, said in ratios.items() if section.compare in said}
    if len(values) != _SIDES:
        return None
    difference = round(max(values.values()) - min(values.values()), 2)
    return Difference(section.compare, values, difference, difference > section.notable)
