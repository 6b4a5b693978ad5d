"""What an application says of how the part that matters is found in a whole picture."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from atisbo.domain.cards import Card, Strict
from atisbo.domain.texts import LocalisedText


class FindSection(Strict):
    """The application's own network finds it.

    A window is slid over the picture; the gate says which ones are most of ``kind``, the structures where in them
    ``outline`` lies; the square that is proposed is ``margin`` times as high as the outline and centred on it.
    """

    kind: str = Field(min_length=1)
    """One of the gate's kinds."""
    outline: str = Field(min_length=1)
    """One of the structures' labels."""
    holds: str | None = None
    """Another structure, that a real one has inside: without it a window counts for little."""
    margin: float = Field(default=1.5, ge=1, le=10)
    whole: str | None = None
    """The gate's kind of a picture whose part is not marked yet; with ``unmarked``."""
    unmarked: LocalisedText | None = None
    """What to do where such a picture was asked about as it is."""
    offer: LocalisedText
    """What the button says, as in "find the disc for me"."""
    missing: LocalisedText
    """What is said where it is not found, and what to do."""

    @model_validator(mode="after")
    def _advice_agrees(self) -> Self:
        if (self.whole is None) != (self.unmarked is None):
            raise ValueError("whole and unmarked belong together")
        return self

    def fault(self, card: Card) -> str | None:
        """What the card lacks for it, as ``field: reason``."""
        if card.gate is None or self.kind not in card.gate.kinds:
            return f"input.find.kind: the card's gate does not know {self.kind}"
        if card.structures is None or self.outline not in card.structures.output.labels:
            return f"input.find.outline: the card does not outline {self.outline}"
        if self.holds is not None and self.holds not in card.structures.output.labels:
            return f"input.find.holds: the card does not outline {self.holds}"
        if self.whole is not None and self.whole not in card.gate.kinds:
            return f"input.find.whole: the card's gate does not know {self.whole}"
        return None
