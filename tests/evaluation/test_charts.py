from __future__ import annotations

import math
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from atisbo.evaluation import charts, page

NASTY = '<script>alert(1)</script> & "é"'


def parsed(chart: str) -> ElementTree.Element:
    """The chart as XML: it is well formed."""
    return ElementTree.fromstring(chart.replace(" hidden>", ' hidden="">').replace("loading=lazy", ""))


def texts(chart: str) -> str:
    return " ".join(parsed(chart).itertext())


def test_a_curve_lies_where_its_values_say() -> None:
    chart = charts.lines(
        {"a": [(0, 0), (1, 1)]}, title="T", x="x", y="y", x_range=(0, 2), y_range=(0, 1), diagonal=True
    )
    path = next(node for node in parsed(chart).iter("path") if node.get("class") == "line")
    assert path.get("d") == "M44.0 192.0L195.0 12.0"
    diagonal = next(node for node in parsed(chart).iter("path") if node.get("class") == "diagonal")
    assert diagonal.get("d") == path.get("d")


@pytest.mark.parametrize(
    "chart",
    [
        charts.lines({NASTY: [(0, 0), (1, math.nan), (2, 3)], "b": []}, title=NASTY, x=NASTY, y=NASTY, points=True),
        charts.bars({NASTY: 2, "b": 0}, title=NASTY, intervals={NASTY: (1, 3)}),
        charts.histogram([0, 1, 2], {NASTY: [1, 2], "b": [0, 0]}, title=NASTY, x=NASTY, colours={"b": "red"}),
        charts.matrix([NASTY, "b"], [[1, 2], [0, 0]], title=NASTY),
    ],
)
def test_charts_are_well_formed_named_and_tell_their_figures_in_a_table(chart: str) -> None:
    assert "<script>" not in chart
    assert NASTY in texts(chart)
    root = parsed(chart)
    assert root.find(".//table") is not None
    for image in root.iter("svg"):
        assert image.get("aria-hidden") == "true" or (
            image.find("title") is not None and image.find("desc") is not None
        )


def test_nothing_to_draw_is_no_error() -> None:
    for chart in (
        charts.lines({}, title="T", x="x", y="y"),
        charts.lines({"a": [(1, 1)]}, title="T", x="x", y="y"),
        charts.bars({}, title="T"),
        charts.bars({"a": 0}, title="T"),
        charts.histogram([0, 1], {}, title="T", x="x"),
        charts.matrix([], [], title="T"),
    ):
        assert "nan" not in parsed(chart).get("d", "") + chart.lower()


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0, 255, [0, 50, 100, 150, 200, 250]),
        (3, 3.1, [3, 3.02, 3.04, 3.06, 3.08, 3.1]),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert charts.nice(low, high) == pytest.approx(ticks)


def test_long_curves_have_short_tables_with_both_ends() -> None:
    path = [(n, n * n) for n in range(1000)]
    assert len(charts.thinned(path, 21)) == 21
    assert (charts.thinned(path, 21)[0], charts.thinned(path, 21)[-1]) == (path[0], path[-1])


def test_a_picture_is_a_thumbnail_of_the_pixels() -> None:
    pixels = np.zeros((400, 200, 3), np.uint8)
    pixels[..., 0] = 200
    data = page.webp(pixels, 64)
    small = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert small is not None
    assert small.shape == (64, 32, 3)
    assert np.abs(small.reshape(-1, 3).mean(0) - (200, 0, 0)).max() < 12
    assert page.picture(pixels, 64) == page.data_uri(data)


def test_sizes_as_people_say_them() -> None:
    assert [page.size(n) for n in (0, 999, 1500, 2_340_000, 5e12)] == [
        "0 bytes",
        "999 bytes",
        "1.5 kB",
        "2.3 MB",
        "5.0 TB",
    ]
    assert (page.percent(0.1234), page.percent(math.nan), page.number(1234.5, 1)) == ("12.3 %", "–", "1,234.5")
