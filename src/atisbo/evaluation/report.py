"""An evaluation: every image of a folder asked, compared and summed up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atisbo.domain.cards import Interval, Measurement
from atisbo.evaluation.intervals import bootstrap
from atisbo.evaluation.metrics import MEANINGS, Row, count
from atisbo.imaging.folders import Mask, Sample, read_mask

Predict = Callable[[Sample], Mask]
"""What the network answers for an image: (h, w), bool, at the image's own size."""


@dataclass(frozen=True)
class Report:
    """The rows of an evaluation and where they come from."""

    version: str
    data: str
    data_sha256: str
    command: str
    rows: tuple[Row, ...]
    group: str | None = None
    """Column whose equal values are drawn together in the bootstrap."""
    engine: str = ""
    """What ran the network, and in which precision."""

    def figures(self, rows: Sequence[Row] | None = None) -> dict[str, Interval]:
        """Every figure of these rows, all by default, with its 95 % interval; those without a value are left out."""
        rows = self.rows if rows is None else rows
        groups = [row.columns.get(self.group, row.file) for row in rows] if self.group else None
        values = [row.figures() for row in rows]
        intervals = {name: bootstrap([value[name] for value in values], groups) for name in MEANINGS}
        return {name: interval for name, interval in intervals.items() if interval}

    def by(self, column: str) -> dict[str, dict[str, Interval]]:
        """The figures for each value of a column of index.csv."""
        parts: dict[str, list[Row]] = {}
        for row in self.rows:
            if column in row.columns:
                parts.setdefault(row.columns[column], []).append(row)
        return {value: self.figures(rows) for value, rows in sorted(parts.items())}

    def measurement(self, name: str) -> Measurement:
        """The report's figures as a card holds them."""
        return Measurement(
            name=name, data=self.data, data_sha256=self.data_sha256, command=self.command, figures=self.figures()
        )

    def as_json(self, column: str | None = None) -> dict[str, Any]:
        """Everything as plain values: the sums, by column where one is named, and a row per image."""
        return {
            "version": self.version,
            "engine": self.engine,
            "data": self.data,
            "data_sha256": self.data_sha256,
            "command": self.command,
            "images": len(self.rows),
            "meanings": MEANINGS,
            "figures": dump(self.figures()),
            "by": {column: {value: dump(part) for value, part in self.by(column).items()}} if column else {},
            "rows": [
                {"file": row.file, **row.counts._asdict(), **rounded(row.figures()), "columns": row.columns}
                for row in self.rows
            ],
        }

    def write(self, path: Path, column: str | None = None) -> None:
        """Write :meth:`as_json`."""
        path.write_text(json.dumps(self.as_json(column), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def measure(samples: Iterable[Sample], predict: Predict) -> tuple[Row, ...]:
    """Ask ``predict`` for every sample and compare with its mask at the mask's own size.

    Raises:
        Invalid: a mask's size is not its image's.
        BadImage: an image cannot be read.
    """
    rows = []
    for sample in samples:
        predicted = predict(sample)
        truth = read_mask(sample, (predicted.shape[0], predicted.shape[1]))
        rows.append(Row(sample.name, count(predicted, truth), {"folder": sample.folder, **sample.columns}))
    return tuple(rows)


def dump(figures: dict[str, Interval]) -> dict[str, Any]:
    """Intervals as plain values."""
    return {name: interval.model_dump() for name, interval in figures.items()}


def rounded(figures: dict[str, float]) -> dict[str, float | None]:
    """Five decimals; ``None`` for nan, which JSON does not know."""
    return {name: None if value != value else round(value, 5) for name, value in figures.items()}
