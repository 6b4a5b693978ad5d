from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from atisbo.domain.cards import Card
from atisbo.errors import Invalid
from atisbo.evaluation.classes import Choice
from atisbo.evaluation.measure import SIZE, Said, measure
from atisbo.evaluation.report import Report, meanings
from atisbo.evaluation.rows import Row
from atisbo.imaging.folders import Sample, data_sha256, read_folder, read_mask
from tests.evaluation.made import card, chosen_rows, reported_classes
from tests.training.ellipses import ellipses

FRAME = (48, 64)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return read_folder(ellipses(tmp_path_factory.mktemp("data") / "frames"))


def half(sample: Sample) -> Said:
    """The right answer for hospital A, nothing for hospital B."""
    truth = read_mask(sample, FRAME)
    mask = truth if sample.columns["centre"] == "A" else np.zeros_like(truth)
    return Said(FRAME, 0.25, mask=mask, probabilities=mask.astype(np.float32))


def reported(samples: list[Sample], group: str | None = None) -> Report:
    judged, digest = measure(samples, half, card()), data_sha256(samples)
    more = {"meanings": meanings(card()), "thresholds": judged.thresholds}
    return Report("it-0123", "24 frames", digest, "atisbo evaluate it", judged.rows, group, **more)


def test_means_are_over_images_and_by_column(samples: list[Sample]) -> None:
    report = reported(samples)
    by = report.by("centre")
    assert by["A"]["dice"].value == 1.0
    assert by["B"]["dice_object"].value == 0.0
    assert by["B"]["dice"].value == pytest.approx(1 / 6)
    assert report.figures()["dice"].value == pytest.approx((18 + 1) / 24)
    assert report.figures()["empty_right"].value == 1.0
    assert report.figures()["empty_right"].n == 4
    assert report.figures()["found"].value == pytest.approx(15 / 20)
    assert next(iter(report.by(SIZE))) == "none"


def test_what_has_no_value_is_left_out(samples: list[Sample]) -> None:
    empty = reported(samples).by(SIZE)["none"]
    assert {"precision", "recall", "hd95", "mdice_pranet", "found"}.isdisjoint(empty)
    assert empty["empty_right"].value == 1.0
    assert "hd95" not in reported(samples).by("centre")["B"]


def test_dice_is_known_at_every_threshold(samples: list[Sample]) -> None:
    report = reported(samples)
    assert len(report.thresholds) == 255
    assert report.thresholds[127] == pytest.approx(report.figures()["dice"].value)


def test_groups_widen_the_interval(samples: list[Sample]) -> None:
    alone, together = reported(samples).figures()["dice"], reported(samples, "centre").figures()["dice"]
    assert together.high - together.low > alone.high - alone.low


def test_the_file_has_rows_sums_and_origin(samples: list[Sample], tmp_path: Path) -> None:
    report = reported(samples)
    report.write(tmp_path / "report.json", "centre")
    written = json.loads((tmp_path / "report.json").read_text())
    assert (written["version"], written["images"], written["command"]) == ("it-0123", 24, "atisbo evaluate it")
    assert written["data_sha256"] == data_sha256(samples)
    assert written["figures"]["dice"]["n"] == 24
    assert written["meanings"].keys() == written["figures"].keys()
    assert set(written["by"]["centre"]) == {"A", "B"}
    row = written["rows"][5]
    assert (row["file"], row["dice"], row["recall"], row["uncertainty"]) == ("frames/6.png", 1.0, None, 0.25)
    assert row["columns"] == {"folder": "frames", "file": "6.png", "centre": "A", SIZE: "none"}


@pytest.mark.parametrize("labels", [2, 4])
def test_what_was_written_is_read_again(samples: list[Sample], tmp_path: Path, labels: int) -> None:
    for report in (reported(samples), reported_classes(labels)):
        report.write(tmp_path / "report.json")
        again = Report.read(tmp_path / "report.json")
        assert {name: one.value for name, one in again.figures().items()} == pytest.approx(
            {name: one.value for name, one in report.figures().items()}, abs=1e-5
        )
        assert again.labels == report.labels
        assert again.thresholds == pytest.approx(report.thresholds, abs=1e-5)


def test_another_file_is_no_report(tmp_path: Path) -> None:
    for content in ("{}", "no", "[1]"):
        (tmp_path / "other.json").write_text(content)
        with pytest.raises(Invalid, match="not an evaluation"):
            Report.read(tmp_path / "other.json")


def test_it_becomes_a_measurement_of_a_card(samples: list[Sample]) -> None:
    found = reported(samples).measurement("ellipses")
    assert (found.name, found.data, found.command) == ("ellipses", "24 frames", "atisbo evaluate it")
    assert found.figures["dice"].value == pytest.approx(19 / 24)


def test_a_classification_has_its_classes_and_its_confusion() -> None:
    report = reported_classes(3)
    written = report.as_json()
    assert list(report.per_class()) == ["c0", "c1", "c2"]
    assert set(report.per_class()["c1"]) == {"precision", "recall", "f1"}
    assert np.sum(written["confusion"]) == len(report.rows) == written["figures"]["accuracy"]["n"]
    assert list(report.figures())[:2] == ["accuracy", "balanced_accuracy"]


def test_foreign_images_are_counted_apart() -> None:
    rows = chosen_rows(2, 20)
    foreign = tuple(Row(f"cats/{n}", {"refused": float(n > 0)}, columns={"folder": "cats"}) for n in range(4))
    report = Report("v", "d", "0" * 64, "c", rows, task="classification", labels=("c0", "c1"), foreign=foreign)
    assert report.figures()["refused"].value == 0.75
    assert report.by_foreign_folder()["cats"]["refused"].n == 4
    assert report.figures()["accuracy"].n == 20


def test_every_figure_of_a_choice_has_a_meaning() -> None:
    choice = Choice((0.2, 0.8), 1, 1, 0.1, False)
    rows = (Row("a", choice=choice), Row("b", choice=Choice((0.7, 0.3), 0, 0, 0.2, True)))
    report = Report("v", "d", "0" * 64, "c", rows, task="classification", labels=("c0", "c1"), positive="c1")
    assert report.figures().keys() <= meanings(classifier := card("classification")).keys()
    assert isinstance(classifier, Card)
