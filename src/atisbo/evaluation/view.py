"""An evaluation as one page that opens anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from atisbo.domain.cards import Interval
from atisbo.evaluation.measure import SIZE
from atisbo.evaluation.page import number, render
from atisbo.evaluation.pictures import Picks, worst_structure
from atisbo.evaluation.plots import plots
from atisbo.evaluation.report import Figures, Report
from atisbo.evaluation.rows import Row
from atisbo.evaluation.words import counted, said, span, spoken

_TILES: Final = {
    "segmentation": ("dice", "dice_object", "mdice_pranet", "found", "empty_right", "hd95_percent"),
    "classification": ("accuracy", "balanced_accuracy", "auc", "sensitivity", "specificity", "ece", "accuracy_sure"),
}
_PARTS: Final = {
    "segmentation": ("dice", "mdice_pranet", "precision", "recall", "found", "empty_right", "hd95_percent"),
    "classification": ("accuracy", "balanced_accuracy", "auc", "sensitivity", "specificity", "accuracy_sure"),
}
"""The figures of each part of the data."""
_ALWAYS: Final = ("precision_at_5", "map", "kept", "refused")


def html(report: Report, picks: Sequence[Picks], shots: Mapping[str, str], column: str | None = None) -> str:
    """The page.

    Args:
        picks: which pictures to show.
        shots: file → ``data:`` address of its picture.
        column: of index.csv: figures for each of its values, too.
    """
    figures = report.figures()
    return render(
        "judge.html",
        report=report,
        tiles=[tile(name, figures[name]) for name in _shown(report) if name in figures],
        rows=[row(name, one, report.meanings.get(name, "")) for name, one in figures.items()],
        charts=plots(report, column),
        data=_data(report),
        parts=_parts(report, column),
        classes=[_class(label, part) for label, part in report.per_class().items()],
        galleries=[
            {"title": one.title, "why": one.why, "items": [_shot(row, report, shots) for row in one.rows]}
            for one in picks
        ],
        outlined=report.task == "segmentation" or any(worst_structure(row) <= 1 for row in report.rows),
    )


def _shown(report: Report) -> list[str]:
    """The figures at the top."""
    beside = [name for name in report.figures() if name.startswith(("dice_", "mae_"))]
    return [*_TILES[report.task], *(beside if report.task == "classification" else ()), *_ALWAYS]


def tile(name: str, one: Interval) -> dict[str, str]:
    """A figure as it stands at the top."""
    edges = span(name, one).replace(" ", "\u00a0")
    return {"name": spoken(name), "value": said(name, one.value), "note": f"{edges}, {counted(one.n)}"}


def row(name: str, one: Interval, meaning: str) -> tuple[str, str, str, str, str]:
    """A figure as it stands in the table."""
    return spoken(name), said(name, one.value), span(name, one), number(one.n), meaning


def _data(report: Report) -> str:
    """How many images of what."""
    one_folder = f"{len(report.rows)} "
    if report.data.startswith(one_folder) and "+" not in report.data:
        return f"{counted(len(report.rows))} of {report.data.removeprefix(one_folder)}"
    return f"{counted(len(report.rows))} ({report.data})"


def _parts(report: Report, column: str | None) -> list[dict[str, Any]]:
    """A table of the most telling figures for each value of the columns."""
    columns = ([SIZE] if report.task == "segmentation" else []) + ([column] if column else [])
    return [_part(name, report) for name in columns if report.by(name)]


def _part(column: str, report: Report) -> dict[str, Any]:
    parts = report.by(column)
    present = {name for part in parts.values() for name in part}
    names = [name for name in (*_PARTS[report.task], *_ALWAYS) if name in present]
    cells = [
        (value, number(max(one.n for one in part.values())), *(_cell(name, part.get(name)) for name in names))
        for value, part in parts.items()
        if part
    ]
    return {"column": column, "head": [column, "images", *map(spoken, names)], "rows": cells}


def _cell(name: str, one: Interval | None) -> Markup:
    if one is None:
        return Markup("–")
    return Markup('{}<br><span class="soft">{}</span>').format(said(name, one.value), span(name, one))


def _class(label: str, part: Figures) -> tuple[str | Markup, ...]:
    return label, *(_cell(name, part.get(name)) for name in ("precision", "recall", "f1"))


def _shot(row: Row, report: Report, shots: Mapping[str, str]) -> dict[str, Any]:
    lines = []
    if row.choice:
        truth, answer = report.labels[row.choice.truth], report.labels[row.choice.answer]
        lines.append(f"{truth}, called {answer} ({100 * row.choice.probabilities[row.choice.answer]:.0f} %)")
    if (dice := row.values.get("dice")) is not None:
        lines.append(f"Dice {dice:.2f}" + ("" if row.values["recall"] == row.values["recall"] else ", shows no object"))
    for name in (name for name in row.values if name.startswith(("dice_", "mae_")) and report.task != "segmentation"):
        lines.append(f"{spoken(name)} {row.values[name]:.2f}")
    if row.uncertainty == row.uncertainty:
        lines.append(f"Uncertainty {row.uncertainty:.3f}")
    return {"source": shots.get(row.file, ""), "title": row.file, "lines": lines}
