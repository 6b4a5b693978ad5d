"""Kinds of pictures in words, and whether one is of the kind that an application is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from atisbo.domain.cards import Gate
from atisbo.domain.texts import LocalisedText

KINDS: Final = {
    "colonoscopy": LocalisedText(en="a colonoscopy frame", es="un fotograma de colonoscopia"),
    "fundus": LocalisedText(en="a fundus photograph", es="una fotografía de fondo de ojo"),
    "disc": LocalisedText(en="a crop of the optic disc", es="un recorte del disco óptico"),
    "artwork": LocalisedText(en="a work of art", es="una obra de arte"),
    "photograph": LocalisedText(en="an everyday photograph", es="una fotografía corriente"),
    "document": LocalisedText(en="a document", es="un documento"),
}
"""The kinds that a gate's card may name, as in "it looks like …". Others, such as ``other``, have no words."""
UNKNOWN: Final = LocalisedText(en="a picture that this application is for", es="una imagen para esta aplicación")
CLEARLY: Final = 0.6
"""A foreign picture is said to look like another kind if that kind has at least this probability."""


@dataclass(frozen=True)
class Asked:
    """What pictures an application asks for, in its own words.

    Args:
        kind: as in "this does not look like …".
        whole: the gate's kind that its pictures are of before the part that matters is marked.
        advice: what to do with such a picture.
    """

    kind: LocalisedText | None = None
    whole: str | None = None
    advice: LocalisedText | None = None


def own_probability(kinds: Sequence[float], gate: Gate) -> float:
    """That the picture is of one of the application's own kinds.

    Args:
        kinds: one probability for each of ``gate.kinds``.
    """
    return float(sum(value for kind, value in zip(gate.kinds, kinds, strict=True) if kind in gate.own))


def is_foreign(kinds: Sequence[float], gate: Gate) -> bool:
    """Whether the picture is refused."""
    return own_probability(kinds, gate) < gate.threshold


def expected(gate: Gate, said: LocalisedText | None) -> LocalisedText:
    """What the application is for, in words: its own, else those of its first kind.

    Args:
        said: ``input.kind`` of the application.
    """
    return said or next((KINDS[kind] for kind in gate.own if kind in KINDS), UNKNOWN)


def seems(kinds: Sequence[float], gate: Gate) -> LocalisedText | None:
    """What a foreign picture looks like, in words; None where nothing is clear, or there are no words for it."""
    kind = foreign_kind(kinds, gate)
    return None if kind is None else KINDS.get(kind)


def foreign_kind(kinds: Sequence[float], gate: Gate) -> str | None:
    """The gate's kind that a foreign picture clearly is of; None where nothing is clear."""
    others = [(value, kind) for kind, value in zip(gate.kinds, kinds, strict=True) if kind not in gate.own]
    probability, kind = max(others)
    return kind if probability >= CLEARLY else None
