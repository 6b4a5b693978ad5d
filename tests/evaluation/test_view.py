from __future__ import annotations

import re
from dataclasses import replace

import pytest

from atisbo.evaluation.pictures import picks
from atisbo.evaluation.report import Report, meanings
from atisbo.evaluation.rows import Row
from atisbo.evaluation.view import html
from atisbo.evaluation.words import said, spoken
from tests.evaluation.made import card, reported_classes

SHOT = "data:image/webp;base64,AAAA"


def outlines() -> Report:
    """Ten outlined frames of two centres; every fifth shows nothing."""
    nothing = float("nan")
    rows = tuple(
        Row(
            f"f/<b>{n}</b>.png",
            {"dice": n / 10, "found": float(n > 5) if n % 5 else nothing, "recall": 0.5 if n % 5 else nothing},
            uncertainty=1 - n / 10,
            columns={"centre": f"C{n % 2}", "object size": "1 to 5 %" if n % 5 else "none", "folder": "f"},
        )
        for n in range(10)
    )
    return Report(
        "it-0123", "10 f", "0" * 64, "atisbo evaluate it", rows, meanings=meanings(card()), thresholds=(0.5,) * 255
    )


def page(report: Report, column: str | None = None) -> str:
    chosen = picks(report)
    return html(report, chosen, {row.file: SHOT for one in chosen for row in one.rows}, column)


def headings(text: str) -> list[str]:
    return re.findall(r"<figcaption><strong>(.*?)</strong>", text)


def test_outlines_have_their_charts_pictures_and_tables() -> None:
    text = page(outlines(), "centre")
    assert headings(text) == [
        "Dice, image by image",
        "How many reach a Dice",
        "Risk over coverage",
        "Dice by threshold",
        "Dice by size of the object",
        "Objects found, by size",
        "Dice by centre",
    ]
    assert "Judged on 10\u00a0images of f by" in text
    assert text.count(SHOT) >= 10
    assert "Most confident mistakes" in text
    assert "By centre" in text
    assert "Dice 0.00, shows no object" in text


def test_names_of_files_stay_words_and_nothing_is_loaded_from_elsewhere() -> None:
    text = page(outlines())
    assert "<b>" not in text
    assert "f/&lt;b&gt;0&lt;/b&gt;.png" in text
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert "<script" not in text


@pytest.mark.parametrize("labels", [2, 5])
def test_classes_have_theirs(labels: int) -> None:
    text = page(reported_classes(labels), "source")
    many = "ROC, each class against the rest" if labels > 2 else "ROC"
    assert headings(text) == ["What was answered for what", many, "Reliability", "Risk over coverage",
                              "Accuracy by source"]  # fmt: skip
    assert "By class" in text
    assert "called c" in text


def test_structures_similar_pictures_and_the_gate_come_with_their_figures() -> None:
    more = {"dice_cup": 0.9, "mae_vertical_cup_to_disc_ratio": 0.05, "precision_at_5": 0.8, "kept": 0.0}
    report = reported_classes(2, 20)
    foreign = (Row("cats/1.jpg", {"refused": 0.0}, columns={"folder": "cats"}),)
    rows = tuple(replace(row, values=more) for row in report.rows)
    text = page(replace(report, rows=rows, foreign=foreign))
    assert headings(text)[-3:] == ["Outlines beside the answer", "Similar pictures", "The gate, by folder"]
    assert {"Worst outlines", "Refused, and proper", "Let in, and foreign"} <= set(re.findall("<h3>(.*?)</h3>", text))
    assert "cats, foreign: refused" in text
    assert "Broken white line" in text


def test_figures_are_spoken() -> None:
    assert (spoken("auc"), spoken("dice_cup"), spoken("balanced_accuracy")) == ("AUC", "Dice, cup", "Balanced accuracy")
    assert (spoken("dice"), spoken("mae"), spoken("mae_cup_ratio")) == ("Dice", "MAE", "Error of cup ratio")
    assert (said("hd95_cup", 12.345), said("dice", 0.87654)) == ("12.3", "0.877")
