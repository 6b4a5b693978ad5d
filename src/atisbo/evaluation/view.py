"""An evaluation as one page that opens anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from markupsafe import Markup

from atisbo.domain.cards import Interval
from atisbo.evaluation import charts
from atisbo.evaluation.classes import Choices
from atisbo.evaluation.curves import reliability, risk_coverage, roc
from atisbo.evaluation.intervals import draw
from atisbo.evaluation.measure import SIZE
from atisbo.evaluation.page import number, render
from atisbo.evaluation.pictures import Picks, worst_structure
from atisbo.evaluation.report import Figures, Report
from atisbo.evaluation.rows import Row, groups

_TILES: Final = {
    "segmentation": ("dice", "dice_object", "mdice_pranet", "iou", "found", "empty_right", "hd95_percent"),
    "classification": ("accuracy", "balanced_accuracy", "auc", "sensitivity", "specificity", "ece", "accuracy_sure"),
}
_ALWAYS: Final = ("precision_at_5", "map", "refused_own", "refused_foreign")
_COARSE: Final = ("hd95", "hd95_percent")
"""Figures that are no shares: one digit is enough."""
_NAMES: Final = {
    "auc": "AUC",
    "ece": "ECE",
    "ece_positive": "ECE, positive class",
    "aurc": "AURC",
    "iou": "IoU",
    "mae": "MAE",
    "map": "mAP",
    "map_elsewhere": "mAP, other groups",
    "hd95": "HD95, pixels",
    "hd95_percent": "HD95, % of diagonal",
    "mdice_pranet": "mDice, PraNet protocol",
    "dice_object": "Dice, with an object",
    "empty_right": "Empty answers, without an object",
    "found": "Objects found",
    "f1_macro": "F1, macro",
    "precision_at_5": "Precision@5",
    "precision_at_5_elsewhere": "Precision@5, other groups",
    "sensitivity_at_95": "Sensitivity at 95 % specificity",
    "accuracy_sure": "Accuracy where sure",
    "unsure": "Not sure",
    "refused_own": "Proper images refused",
    "refused_foreign": "Foreign images refused",
}
"""Figures whose name is not the one they have in the file."""
_DRAWN: Final = 240
"""Points of a curve at most."""


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
        tiles=[tile(name, figures[name]) for name in (*_TILES[report.task], *_ALWAYS) if name in figures],
        rows=[row(name, one, report.meanings.get(name, "")) for name, one in figures.items()],
        charts=_charts(report),
        parts=_parts(report, column),
        classes=[_class(label, part) for label, part in report.per_class().items()],
        galleries=[
            {"title": one.title, "why": one.why, "items": [_shot(row, report, shots) for row in one.rows]}
            for one in picks
        ],
        outlined=report.task == "segmentation" or any(worst_structure(row) <= 1 for row in report.rows),
    )


def tile(name: str, one: Interval) -> dict[str, str]:
    """A figure as it stands at the top."""
    note = f"{said(name, one.low)} – {said(name, one.high)} · {number(one.n)} image{'' if one.n == 1 else 's'}"
    return {"name": spoken(name), "value": said(name, one.value), "note": note}


def row(name: str, one: Interval, meaning: str) -> tuple[str, str, str, str, str]:
    """A figure as it stands in the table."""
    edges = f"{said(name, one.low)} – {said(name, one.high)}"
    return spoken(name), said(name, one.value), edges, number(one.n), meaning


def spoken(name: str) -> str:
    """The name of a figure for people."""
    words = name.replace("_", " ")
    return _NAMES.get(name) or words[:1].upper() + words[1:]


def said(name: str, value: float) -> str:
    """The value of a figure, with as many digits as it deserves."""
    return number(value, 1 if name.startswith(_COARSE) else 3)


def _charts(report: Report) -> list[Markup]:
    if chosen := report.choices():
        weights = draw(len(report.rows), groups(report.rows, report.group))
        return [*_of_choices(report, chosen, weights), *_retrieval(report), *_gate(report)]
    return [*_of_outlines(report), *_gate(report)]


def _of_outlines(report: Report) -> list[Markup]:
    dice = np.array([one.values["dice"] for one in report.rows])
    edges = [n / 20 for n in range(21)]
    shows = ~np.isnan([one.values["recall"] for one in report.rows])
    sides = {"with an object": shows, "without": ~shows}
    counts = {name: np.histogram(dice[side], edges)[0].tolist() for name, side in sides.items() if side.any()}
    size = report.by(SIZE)
    return [
        charts.histogram(edges, counts, title="Dice, image by image", x="Dice"),
        _whiskers("dice", size, "Dice by size of the object", "Percent of the image that it takes; 95 % intervals."),
        _whiskers("found", size, "Objects found, by size", "Share in which at least half of the object is outlined."),
        charts.lines(
            {"": _thin(risk_coverage(np.array([one.uncertainty for one in report.rows]), 1 - dice))},
            title="Risk over coverage",
            note="One minus mean Dice, if only the most certain answers were given.",
            x="share of images answered",
            y="1 − Dice",
            x_range=(0, 1),
        ),
    ]


def _of_choices(report: Report, chosen: Choices, weights: Any) -> list[Markup]:
    once = weights[:1]
    decided = [report.decided] if report.decided is not None else range(chosen.labels)
    curves = {
        report.labels[label]: _thin(roc(chosen.probabilities[:, label], chosen.truth == label))
        for label in decided
        if 0 < (chosen.truth == label).sum() < len(chosen.truth)
    }
    return [
        charts.matrix(report.labels, chosen.confusion(once)[0].tolist(), title="What was answered for what"),
        charts.lines(
            curves,
            title="ROC" if len(curves) == 1 else "ROC, each class against the rest",
            x="1 − specificity",
            y="sensitivity",
            diagonal=True,
            x_range=(0, 1),
            y_range=(0, 1),
        ),
        _reliability(chosen, weights),
        charts.lines(
            {"": _thin(risk_coverage(chosen.uncertainty, ~chosen.right))},
            title="Risk over coverage",
            note="Share of wrong answers, if only the most certain ones were given.",
            x="share of images answered",
            y="share of wrong answers",
            x_range=(0, 1),
        ),
    ]


def _reliability(chosen: Choices, weights: Any) -> Markup:
    if chosen.positive is not None:
        scores, happened = chosen.probabilities[:, chosen.positive], chosen.truth == chosen.positive
    else:
        scores = chosen.probabilities.max(axis=1)
        happened = chosen.probabilities.argmax(axis=1) == chosen.truth
    bins = reliability(scores, happened, weights)
    return charts.lines(
        {"images": [(one.probability, one.share) for one in bins]},
        bands={"images": [(one.probability, one.low, one.high) for one in bins]},
        title="Reliability",
        note="On the dotted line, probabilities are frequencies. Bands are 95 % intervals.",
        x="probability of the positive class" if chosen.positive is not None else "probability of the answer",
        y="share that was so",
        diagonal=True,
        points=True,
        x_range=(0, 1),
        y_range=(0, 1),
    )


def _retrieval(report: Report) -> list[Markup]:
    found = {
        name: one for name, one in report.figures().items() if name.startswith(("precision_at", "map", "recall_at"))
    }
    if not found:
        return []
    return [
        charts.bars(
            {spoken(name): one.value for name, one in found.items()},
            intervals={spoken(name): (one.low, one.high) for name, one in found.items()},
            title="Similar pictures",
            note="By cosine of the embeddings; 95 % intervals.",
            digits=3,
            most=1,
        )
    ]


def _gate(report: Report) -> list[Markup]:
    found = {f"{folder} (foreign)": part["refused_foreign"] for folder, part in report.by_foreign_folder().items()}
    found |= {
        f"{folder} (own)": part["refused_own"] for folder, part in report.by("folder").items() if "refused_own" in part
    }
    if not found:
        return []
    return [
        charts.bars(
            {name: one.value for name, one in found.items()},
            intervals={name: (one.low, one.high) for name, one in found.items()},
            tones={name: "warn" for name in found if name.endswith("(own)")},
            title="Share refused, by folder",
            note="Foreign pictures should be refused, own ones should not; 95 % intervals.",
            digits=3,
            most=1,
        )
    ]


def _whiskers(name: str, parts: Mapping[str, Figures], title: str, note: str) -> Markup:
    found = {f"{value} ({part[name].n})": part[name] for value, part in parts.items() if name in part}
    return charts.bars(
        {value: one.value for value, one in found.items()},
        intervals={value: (one.low, one.high) for value, one in found.items()},
        title=title,
        note=note,
        digits=3,
        most=1,
    )


def _parts(report: Report, column: str | None) -> list[dict[str, Any]]:
    """A table of the most telling figures for each value of the columns."""
    columns = ([SIZE] if report.task == "segmentation" else []) + ([column] if column else [])
    return [_part(name, report) for name in columns if report.by(name)]


def _part(column: str, report: Report) -> dict[str, Any]:
    parts = report.by(column)
    present = {name for part in parts.values() for name in part}
    names = [name for name in (*_TILES[report.task], *_ALWAYS) if name in present]
    cells = [
        (
            value,
            *(_cell(name, part.get(name)) for name in names),
            number(max((one.n for one in part.values()), default=0)),
        )
        for value, part in parts.items()
    ]
    return {"column": column, "head": [column, *map(spoken, names), "images"], "rows": cells}


def _cell(name: str, one: Interval | None) -> str:
    return f"{said(name, one.value)} ({said(name, one.low)} – {said(name, one.high)})" if one else "–"


def _class(label: str, part: Figures) -> tuple[str, ...]:
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
        lines.append(f"Uncertainty {row.uncertainty:.2f}")
    return {"source": shots.get(row.file, ""), "title": row.file, "lines": lines}


def _thin(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return charts.thinned(points, _DRAWN)
