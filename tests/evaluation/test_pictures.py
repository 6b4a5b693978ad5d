from __future__ import annotations

import numpy as np

from atisbo.evaluation.pictures import drawn, picks
from atisbo.evaluation.report import Report
from atisbo.evaluation.rows import Row
from tests.evaluation.made import reported_classes


def report(*rows: Row, foreign: tuple[Row, ...] = ()) -> Report:
    return Report("v", "d", "0" * 64, "c", rows, foreign=foreign)


def outline(name: str, dice: float, doubt: float, kept: float = 1.0) -> Row:
    return Row(name, {"dice": dice, "kept": kept}, uncertainty=doubt)


def test_the_worst_the_doubtful_and_the_confident_mistakes() -> None:
    rows = (outline("a", 0.9, 0.1), outline("b", 0.2, 0.8), outline("c", 0.3, 0.05), outline("d", 0.6, 0.95))
    kinds = {one.title: [row.file for row in one.rows] for one in picks(report(*rows), most=3)}
    assert kinds == {
        "Worst": ["b", "c", "d"],
        "Most confident mistakes": ["c", "b"],
        "Most uncertain": ["d", "b", "a"],
    }


def test_wrongly_refused_and_wrongly_let_in() -> None:
    foreign = (Row("cats/1", {"refused": 0.0}), Row("cats/2", {"refused": 1.0}))
    found = picks(report(outline("a", 0.9, 0.1, 0.0), foreign=foreign))
    kinds = {one.title: [row.file for row in one.rows] for one in found}
    assert kinds["Refused, and proper"] == ["a"]
    assert kinds["Let in, and foreign"] == ["cats/1"]


def test_of_classes_only_wrong_ones_are_mistakes() -> None:
    found = picks(reported_classes(3))
    mistakes = next(one for one in found if one.title == "Most confident mistakes").rows
    assert all(row.choice and row.choice.answer != row.choice.truth for row in mistakes)
    assert [row.uncertainty for row in mistakes] == sorted(row.uncertainty for row in mistakes)
    assert "Worst outlines" not in {one.title for one in found}


def test_both_outlines_are_drawn_on_a_small_copy() -> None:
    pixels = np.full((400, 600, 3), 90, np.uint8)
    ours, theirs = np.zeros((2, 400, 600), bool)
    ours[100:200, 100:200], theirs[250:350, 300:500] = True, True
    shown = drawn(pixels, {"polyp": ours}, {"polyp": theirs}, side=300)
    assert shown.shape == (200, 300, 3)
    assert (shown == (0, 0xE5, 0xFF)).all(axis=2).any()
    assert (shown == 255).all(axis=2).any()
    assert (pixels == 90).all()
    assert (drawn(pixels, {}, {}) == 90).all()
