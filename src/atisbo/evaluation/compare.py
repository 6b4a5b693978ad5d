"""Which of two versions is better, by a paired bootstrap over the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from atisbo.domain.evaluations import FEWEST_GROUPS, PRIMARY, Verdict
from atisbo.errors import Invalid
from atisbo.evaluation.intervals import CONFIDENCE, Figure, draw, edges, mean
from atisbo.evaluation.report import Report
from atisbo.evaluation.rows import Row, groups, statistics

_SMALLER_IS_BETTER: Final = ("hd95", "mae", "ece", "brier", "aurc", "unsure")
_NEITHER: Final = ("bias",)


@dataclass(frozen=True)
class Difference:
    """How much one figure of two versions differs on the same images."""

    name: str
    first: float
    second: float
    value: float
    """Second minus first."""
    low: float | None
    """None, as ``high``, where all images belong together."""
    high: float | None
    n: int
    """Images that say something about it in both."""
    groups: int
    """Independent groups (patients, owners) that these images form; without a grouping every image is one."""
    confidence: float = CONFIDENCE

    @property
    def verdict(self) -> Verdict:
        """Of the second against the first: told apart where there are groups enough and the interval excludes 0."""
        if self.too_few or self.low is None or self.high is None:
            return "cannot be told apart"
        if self.low <= 0 <= self.high or self.name.startswith(_NEITHER):
            return "cannot be told apart"
        return "worse" if (self.value > 0) == self.name.startswith(_SMALLER_IS_BETTER) else "better"

    @property
    def too_few(self) -> bool:
        """Whether nothing can be shown, since the images form too few groups."""
        return self.groups < FEWEST_GROUPS

    def sentence(self, first: str = "the first", second: str = "the second") -> str:
        """What the difference says, for a person."""
        figures = f"{self.first:.4f} → {self.second:.4f}, difference {self.value:+.4f}"
        grouped = f" in {self.groups} groups" if self.groups != self.n else ""
        known = f"{figures}; {self.span}, {self.n} images{grouped}"
        if self.verdict != "cannot be told apart":
            return f"{self.name}: {second} is {self.verdict} than {first} ({known})."
        told = f"{self.name}: {first} and {second} cannot be told apart ({known})."
        return f"{told} Too few independent groups: at least {FEWEST_GROUPS} are needed." if self.too_few else told

    @property
    def span(self) -> str:
        """The interval, for a person."""
        if self.low is None or self.high is None:
            return "no interval"
        return f"{100 * self.confidence:.0f} % interval {self.low:+.4f} to {self.high:+.4f}"


def paired(
    first: Sequence[float], second: Sequence[float], by: Sequence[str] | None = None, *, name: str = "figure"
) -> Difference | None:
    """The difference of two means over the same images, in the same order; where one is nan the image is left out.

    Args:
        by: values of one group are drawn together.
    """
    ours, theirs = np.asarray(first, float), np.asarray(second, float)
    known = ~np.isnan(ours + theirs)
    alike = None if by is None else np.asarray(by, str)[known].tolist()
    return _difference(name, mean(ours[known]), mean(theirs[known]), int(known.sum()), alike) if known.any() else None


def compare_rows(
    first: Sequence[Row], second: Sequence[Row], group: str | None = None, positive: int | None = None
) -> dict[str, Difference]:
    """The difference of every figure that both have; rows are paired by file name.

    Args:
        group: column whose equal values are drawn together.
        positive: a classification's label that a threshold decides on.

    Raises:
        Invalid: the two are not about the same files.
    """
    others = {row.file: row for row in second}
    if {row.file for row in first} != others.keys() or not first:
        raise Invalid("compare_files", "The two evaluations are not about the same files; they cannot be compared.")
    there = [others[row.file] for row in first]
    one, two = statistics(first, positive), statistics(there, positive)
    by = groups(first, group)
    found: dict[str, Difference | None] = {}
    for name in (name for name in one if name in two):
        values = [[row.values.get(name, float("nan")) for row in rows] for rows in (first, there)]
        found[name] = (
            paired(values[0], values[1], by, name=name)
            if any(name in row.values for row in first)
            else _difference(name, one[name], two[name], one[name].n, by, rows=len(first))
        )
    return {name: difference for name, difference in found.items() if difference}


def compare(first: Report, second: Report, group: str | None = None) -> dict[str, Difference]:
    """As :func:`compare_rows`, of two evaluations of the same data.

    Args:
        group: column whose equal values are drawn together; that of the first evaluation if not given.

    Raises:
        Invalid: data, task or labels differ.
    """
    if first.data_sha256 != second.data_sha256:
        raise Invalid("compare_data", "The two evaluations are of different data; they cannot be compared.")
    if (first.task, first.labels, first.positive) != (second.task, second.labels, second.positive):
        raise Invalid("compare_task", "The two versions answer different questions; they cannot be compared.")
    return compare_rows(first.rows, second.rows, group or first.group, first.decided)


def primary(differences: dict[str, Difference], task: str) -> list[Difference]:
    """Those that a comparison is about."""
    return [differences[name] for name in PRIMARY[task] if name in differences]


def as_json(first: Report, second: Report, differences: dict[str, Difference], command: str) -> dict[str, Any]:
    """Everything as plain values."""
    return {
        "first": first.version,
        "second": second.version,
        "data": first.data,
        "data_sha256": first.data_sha256,
        "command": command,
        "sentences": [one.sentence(first.version, second.version) for one in primary(differences, first.task)],
        "differences": {name: vars(one) | {"verdict": one.verdict} for name, one in differences.items()},
    }


def _difference(
    name: str, first: Figure, second: Figure, n: int, by: Sequence[str] | None, *, rows: int | None = None
) -> Difference | None:
    drawn = draw(rows or n, by)
    ours, theirs = first.of(drawn.weights), second.of(drawn.weights)
    away = theirs - ours
    if np.isnan(away[0]) or np.isnan(away[1:]).all():
        return None
    groups = drawn.groups(first, second)
    low, high = edges(away, groups) or (None, None)
    return Difference(name, float(ours[0]), float(theirs[0]), float(away[0]), low, high, n, groups)
