"""What is known of one image after it was judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from atisbo.evaluation.classes import Choice, Choices
from atisbo.evaluation.intervals import Figure, mean

NOTHING = float("nan")


@dataclass(frozen=True)
class Row:
    """One image: its name, its own figures, what was chosen for it, and what index.csv says of it."""

    file: str
    values: dict[str, float] = field(default_factory=dict)
    """Figures of this image alone, which are averaged over images; nan where it has none."""
    choice: Choice | None = None
    """A classification's answer."""
    uncertainty: float = NOTHING
    """Of the answer, 0..1; see :mod:`atisbo.domain.uncertainty`."""
    columns: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values; six digits, ``None`` for nan, which JSON does not know."""
        choice = self.choice
        said = {
            "probabilities": [round(share, 6) for share in choice.probabilities],
            "truth": choice.truth,
            "answer": choice.answer,
            "unsure": choice.unsure,
        } if choice else None  # fmt: skip
        return {
            "file": self.file,
            **{name: rounded(value) for name, value in self.values.items()},
            "uncertainty": rounded(self.uncertainty),
            **({"choice": said} if said else {}),
            "columns": self.columns,
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Row:
        """What :meth:`as_json` wrote."""
        uncertainty = number(said["uncertainty"])
        choice = said.get("choice")
        chosen = Choice(
            tuple(choice["probabilities"]), choice["truth"], choice["answer"], uncertainty, choice["unsure"]
        ) if choice else None  # fmt: skip
        known = ("file", "uncertainty", "choice", "columns")
        values = {name: number(value) for name, value in said.items() if name not in known}
        return cls(said["file"], values, chosen, uncertainty, said["columns"])


def statistics(rows: Sequence[Row], positive: int | None = None) -> dict[str, Figure]:
    """Every figure of these rows: means of what the images say themselves, then what only all of them can say.

    Args:
        positive: a classification's label that a threshold decides on.
    """
    names = dict.fromkeys(name for row in rows for name in row.values)
    choices = [row.choice for row in rows if row.choice]
    chosen = Choices.of(choices, positive).figures() if choices else {}
    return chosen | {name: mean([row.values.get(name, NOTHING) for row in rows]) for name in names}


def groups(rows: Sequence[Row], column: str | None) -> list[str] | None:
    """The rows' values of a column; a row without one is a group of its own."""
    return [row.columns.get(column, row.file) for row in rows] if column else None


def rounded(value: float) -> float | None:
    """Six digits after the point; ``None`` for nan."""
    return None if value != value else round(value, 6)


def number(value: float | None) -> float:
    """Nan for ``None``."""
    return NOTHING if value is None else float(value)
