"""An evaluation: what was asked of which network, and what came out, with intervals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from atisbo.domain.cards import Card, Interval, Measurement, Task
from atisbo.errors import Invalid
from atisbo.evaluation import classes, measure, metrics, retrieval, structures
from atisbo.evaluation.classes import Choices
from atisbo.evaluation.intervals import draw, interval
from atisbo.evaluation.metrics import SIZES
from atisbo.evaluation.rows import Row, groups, statistics

Figures = dict[str, Interval]


@dataclass(frozen=True)
class Report:
    """The rows of an evaluation and where they come from."""

    version: str
    data: str
    """The data set in words."""
    data_sha256: str
    command: str
    rows: tuple[Row, ...]
    group: str | None = None
    """Column whose equal values are drawn together in the bootstrap."""
    engine: str = ""
    """What ran the network, and in which precision."""
    task: Task = "segmentation"
    labels: tuple[str, ...] = ()
    positive: str | None = None
    """Classification into two: the label that the threshold decides on."""
    threshold: float = 0.5
    meanings: dict[str, str] = field(default_factory=dict)
    """What each figure means."""
    foreign: tuple[Row, ...] = ()
    """Images that the application is not for."""
    thresholds: tuple[float, ...] = ()
    """Segmentation: mean Dice at the thresholds 1/256, 2/256, … 255/256."""
    _known: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was computed already."""

    def figures(self, rows: Sequence[Row] | None = None) -> Figures:
        """Every figure of these rows, all by default, with its 95 % interval; those without a value are left out."""
        if rows is not None:
            return self._summed(rows)
        if "figures" not in self._known:
            self._known["figures"] = self._summed(self.rows) | self._summed(self.foreign)
        return dict(self._known["figures"])

    def by(self, column: str) -> dict[str, Figures]:
        """The figures for each value of a column of index.csv."""
        return self._parts(column, self.rows)

    def by_foreign_folder(self) -> dict[str, Figures]:
        """The share refused of each folder of foreign images."""
        return self._parts(measure.FOLDER, self.foreign)

    def per_class(self) -> dict[str, Figures]:
        """Precision, recall and F1 of each label of a classification."""
        if not (chosen := self.choices()):
            return {}
        if "classes" not in self._known:
            drawn = draw(len(self.rows), groups(self.rows, self.group))
            found = [{name: interval(f, drawn) for name, f in part.items()} for part in chosen.per_class()]
            self._known["classes"] = {
                label: {name: one for name, one in part.items() if one}
                for label, part in zip(self.labels, found, strict=True)
            }
        return dict(self._known["classes"])

    def choices(self) -> Choices | None:
        """What was chosen for all images, of a classification."""
        chosen = [row.choice for row in self.rows if row.choice]
        return Choices.of(chosen, self.decided) if chosen else None

    @property
    def decided(self) -> int | None:
        """The number of the positive label."""
        return None if self.positive is None else self.labels.index(self.positive)

    def measurement(self, name: str) -> Measurement:
        """The report's figures as a card holds them."""
        strangers = f"; {len(self.foreign)} of other kinds" if self.foreign else ""
        return Measurement(
            name=name,
            data=self.data + strangers,
            data_sha256=self.data_sha256,
            command=self.command,
            figures=self.figures(),
        )

    def as_json(self, column: str | None = None) -> dict[str, Any]:
        """Everything as plain values: the sums, by column where one is named, and a row per image."""
        chosen, figures = self.choices(), self.figures()
        columns = ([measure.SIZE] if self.task == "segmentation" else []) + ([column] if column else [])
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "images": len(self.rows),
            "meanings": {name: text for name, text in self.meanings.items() if name in figures},
            "figures": dump(figures),
            "by": {column: {value: dump(part) for value, part in self.by(column).items()} for column in columns},
            "classes": {label: dump(part) for label, part in self.per_class().items()},
            "confusion": chosen.confusion(draw(len(self.rows), draws=1).weights[:1])[0].astype(int).tolist()
            if chosen
            else [],
            "thresholds": [round(dice, 5) for dice in self.thresholds],
            "foreign_by_folder": {folder: dump(part) for folder, part in self.by_foreign_folder().items()},
            "rows": [row.as_json() for row in self.rows],
            "foreign": [row.as_json() for row in self.foreign],
        }

    def write(self, path: Path, column: str | None = None) -> None:
        """Write :meth:`as_json`."""
        path.write_text(json.dumps(self.as_json(column), indent=1, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """What :meth:`write` wrote.

        Raises:
            Invalid: the file is no evaluation.
        """
        try:
            said = json.loads(path.read_bytes())
            rows, foreign = (tuple(Row.from_json(row) for row in said[name]) for name in ("rows", "foreign"))
            plain = {name: said[name] for name in (*_PLAIN, "meanings")}
            plain |= {name: tuple(said[name]) for name in ("labels", "thresholds")}
            return cls(rows=rows, foreign=foreign, **plain)
        except (ValueError, LookupError, TypeError) as error:
            raise Invalid("report_unreadable", "{file} is not an evaluation's JSON.", file=path) from error

    def _summed(self, rows: Sequence[Row]) -> Figures:
        if not rows:
            return {}
        drawn = draw(len(rows), groups(rows, self.group))
        found = {name: interval(figure, drawn) for name, figure in statistics(rows, self.decided).items()}
        return {name: found[name] for name in (*self.meanings, *found) if found.get(name)}  # type: ignore[misc]

    def _parts(self, column: str, rows: Sequence[Row]) -> dict[str, Figures]:
        key = f"by {id(rows)} {column}"
        if key not in self._known:
            parts: dict[str, list[Row]] = {}
            for row in rows:
                if column in row.columns:
                    parts.setdefault(row.columns[column], []).append(row)
            order = SIZES.index if column == measure.SIZE else str
            self._known[key] = {value: self._summed(parts[value]) for value in sorted(parts, key=order)}
        return dict(self._known[key])


_PLAIN: Final = (
    *("version", "engine", "task", "data", "data_sha256", "command", "group"),
    *("labels", "positive", "threshold"),
)


def meanings(card: Card) -> dict[str, str]:
    """What every figure of such a network means, by name, in the order they are shown."""
    task = metrics.MEANINGS if card.task == "segmentation" else classes.MEANINGS
    return task | structures.meanings(card.structures) | retrieval.MEANINGS | measure.MEANINGS


def dump(figures: Figures) -> dict[str, Any]:
    """Intervals as plain values."""
    return {name: interval.model_dump() for name, interval in figures.items()}
