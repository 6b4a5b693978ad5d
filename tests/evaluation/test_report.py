from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from atisbo.errors import Invalid
from atisbo.evaluation.report import Report, measure
from atisbo.imaging.folders import Mask, Sample, data_sha256, read_folder, read_mask
from tests.training.ellipses import ellipses

SIZE = (48, 64)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return read_folder(ellipses(tmp_path_factory.mktemp("data") / "frames"))


def half(sample: Sample) -> Mask:
    """The right answer for hospital A, nothing for hospital B."""
    truth = read_mask(sample, SIZE)
    return truth if sample.columns["centre"] == "A" else np.zeros_like(truth)


def reported(samples: list[Sample], group: str | None = None) -> Report:
    rows = measure(samples, half)
    return Report("it-0123", "24 frames", data_sha256(samples), "atisbo evaluate it", rows, group)


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
    assert set(written["by"]["centre"]) == {"A", "B"}
    row = written["rows"][5]
    assert (row["file"], row["tp"], row["dice"], row["recall"]) == ("frames/6.png", 0, 1.0, None)
    assert sum(row[name] for name in ("tp", "fp", "fn", "tn")) == SIZE[0] * SIZE[1]
    assert row["columns"] == {"folder": "frames", "file": "6.png", "centre": "A"}


def test_it_becomes_a_measurement_of_a_card(samples: list[Sample]) -> None:
    found = reported(samples).measurement("ellipses")
    assert (found.name, found.data, found.command) == ("ellipses", "24 frames", "atisbo evaluate it")
    assert found.figures["dice"].value == pytest.approx(19 / 24)


def test_an_answer_of_another_size_is_refused(samples: list[Sample]) -> None:
    with pytest.raises(Invalid, match="height, width in pixels"):
        measure(samples, lambda _: np.zeros((10, 10), bool))
