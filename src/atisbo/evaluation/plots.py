"""The charts of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from markupsafe import Markup

from atisbo.evaluation import charts
from atisbo.evaluation.classes import Choices
from atisbo.evaluation.curves import Points, reliability, risk_coverage, roc
from atisbo.evaluation.intervals import Draws, draw
from atisbo.evaluation.measure import FOLDER, SIZE
from atisbo.evaluation.report import Figures, Report
from atisbo.evaluation.rows import groups
from atisbo.evaluation.words import spoken

_SHORT: Final = 18
_DRAWN: Final = 240
"""Points of a curve at most."""


def plots(report: Report, column: str | None = None) -> list[Markup]:
    """Every chart that the report has figures for.

    Args:
        column: of index.csv: the main figure for each of its values, too.
    """
    main = "dice" if report.task == "segmentation" else "accuracy"
    parts = report.by(column) if column else {}
    beside = [_whiskers(main, parts, f"{spoken(main)} by {column}", "95 % intervals.")] if parts else []
    if chosen := report.choices():
        drawn = draw(len(report.rows), groups(report.rows, report.group))
        return [
            *_of_choices(report, chosen, drawn),
            *beside,
            *_structures(report),
            *_retrieval(report),
            *_gate(report),
        ]
    return [*_of_outlines(report), *beside, *_gate(report)]


def _of_outlines(report: Report) -> list[Markup]:
    dice = np.array([one.values["dice"] for one in report.rows])
    edges = [n / 20 for n in range(21)]
    shows = ~np.isnan([one.values["recall"] for one in report.rows])
    sides = {name: side for name, side in (("with an object", shows), ("without", ~shows)) if side.any()}
    counts = {name: np.histogram(dice[side], edges)[0].tolist() for name, side in sides.items()}
    size, doubts = report.by(SIZE), np.array([one.uncertainty for one in report.rows])
    reached = {
        name: [(x, float((dice[side] >= x).mean())) for x in edges] for name, side in sides.items() if side.any()
    }
    return [
        charts.histogram(edges, counts, title="Dice, image by image", x="Dice"),
        charts.lines(
            reached,
            title="How many reach a Dice",
            x="Dice",
            y="share with at least that",
            x_range=(0, 1),
            y_range=(0, 1),
        ),
        _risk(
            _thin(risk_coverage(doubts, 1 - dice)), "One minus mean Dice, if only the most certain answers were given."
        ),
        *_thresholds(report),
        _whiskers("dice", size, "Dice by size of the object", "Percent of the image that it takes; 95 % intervals."),
        _whiskers("found", size, "Objects found, by size", "Share in which at least half of the object is outlined."),
    ]


def _thresholds(report: Report) -> list[Markup]:
    if not report.thresholds:
        return []
    curve = [((place + 1) / 256, dice) for place, dice in enumerate(report.thresholds)]
    at = f"{report.threshold:g}"
    return [
        charts.lines(
            {"every threshold": curve, f"the card's, {at}": [(report.threshold, 0.0), (report.threshold, 1.0)]},
            title="Dice by threshold",
            note="Where the curve is flat, the threshold matters little.",
            x="threshold",
            y="mean Dice",
            x_range=(0, 1),
            y_range=(0, 1),
        )
    ]


def _risk(points: Points, note: str) -> Markup:
    percents = [(share, 100 * risk) for share, risk in _thin(points)]
    return charts.lines(
        {"": percents},
        title="Risk over coverage",
        note=note,
        x="share of images answered",
        y="risk, %",
        x_range=(0, 1),
        y_range=(0, max(2.0, 1.1 * max(risk for _, risk in percents))),
    )


def _of_choices(report: Report, chosen: Choices, drawn: Draws) -> list[Markup]:
    once = drawn.weights[:1]
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
        _reliability(chosen, drawn),
        _risk(
            risk_coverage(chosen.uncertainty, ~chosen.right),
            "Share of wrong answers, if only the most certain ones were given.",
        ),
    ]


def _reliability(chosen: Choices, drawn: Draws) -> Markup:
    if chosen.positive is not None:
        scores, happened = chosen.probabilities[:, chosen.positive], chosen.truth == chosen.positive
    else:
        scores = chosen.probabilities.max(axis=1)
        happened = chosen.probabilities.argmax(axis=1) == chosen.truth
    bins = reliability(scores, happened, drawn)
    return charts.lines(
        {"images": [(one.probability, one.share) for one in bins]},
        bands={"images": [(one.probability, *one.edges) for one in bins if one.edges]},
        title="Reliability",
        note="On the dotted line, probabilities are frequencies. Bands are 95 % intervals.",
        x="probability of the positive class" if chosen.positive is not None else "probability of the answer",
        y="share that was so",
        diagonal=True,
        points=True,
        x_range=(0, 1),
        y_range=(0, 1),
    )


def _structures(report: Report) -> list[Markup]:
    names = [name for name in report.figures() if name.startswith("dice_")]
    return [_bars(names, report.figures(), "Outlines beside the answer", "Mean Dice; 95 % intervals.")] if names else []


def _retrieval(report: Report) -> list[Markup]:
    kinds = ("precision_at", "map", "recall_at")
    names = [name for name in report.figures() if name.startswith(kinds)]
    note = "By cosine of the embeddings; 95 % intervals."
    return [_bars(names, report.figures(), "Similar pictures", note)] if names else []


def _bars(names: Sequence[str], figures: Figures, title: str, note: str) -> Markup:
    return charts.bars(
        {spoken(name): figures[name].value for name in names},
        intervals={spoken(name): edges for name in names if (edges := figures[name].edges)},
        title=title,
        note=note,
        digits=3,
        most=1,
    )


def _gate(report: Report) -> list[Markup]:
    foreign, own = report.by_foreign_folder().items(), report.by(FOLDER).items()
    found = {f"{folder}, own: kept": part["kept"] for folder, part in own if "kept" in part}
    found |= {f"{folder}, foreign: refused": part["refused"] for folder, part in foreign}
    if not found:
        return []
    return [
        charts.bars(
            {name: one.value for name, one in found.items()},
            intervals={name: one.edges for name, one in found.items() if one.edges},
            title="The gate, by folder",
            note="Own pictures should be kept, foreign ones refused; 95 % intervals.",
            digits=3,
            most=1,
        )
    ]


def _whiskers(name: str, parts: Mapping[str, Figures], title: str, note: str) -> Markup:
    found = {_kept_whole(f"{value} ({part[name].n})"): part[name] for value, part in parts.items() if name in part}
    return charts.bars(
        {value: one.value for value, one in found.items()},
        intervals={value: one.edges for value, one in found.items() if one.edges},
        title=title,
        note=note,
        digits=3,
        most=1,
    )


def _kept_whole(label: str) -> str:
    """A short label stays on one line."""
    return label.replace(" ", "\u00a0") if len(label) <= _SHORT else label


def _thin(points: Points) -> Points:
    return charts.thinned(points, _DRAWN)
