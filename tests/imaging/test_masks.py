from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from atisbo.domain.cards import OutputSpec, Ratio
from atisbo.domain.findings import RegionFinding
from atisbo.domain.images import Region
from atisbo.errors import Invalid
from atisbo.imaging.masks import LISTED_REGIONS, ratios, segment

POLYP = OutputSpec(labels=("polyp",), activation="sigmoid")


def scores(*shapes: tuple[int, int, int, float], side: int = 64, background: float = 0.1) -> NDArray[np.float32]:
    """Discs of (x, y, radius, probability) on an even background."""
    drawn = np.full((side, side), background, np.float32)
    for x, y, radius, value in shapes:
        cv2.circle(drawn, (x, y), radius, value, -1)
    return drawn[np.newaxis]


def filled(region: RegionFinding, size: tuple[int, int]) -> NDArray[np.uint8]:
    mask = np.zeros(size, np.uint8)
    for polygon in region.contour:
        cv2.fillPoly(mask, [np.array(ring) for ring in polygon], 255)
    return mask


def test_two_discs_are_two_regions_largest_first() -> None:
    found = segment(scores((16, 16, 6, 0.8), (44, 44, 10, 0.9)), (64, 64), POLYP)
    first, second = found.findings.regions
    assert found.findings.probability == pytest.approx(0.9)
    assert not found.findings.empty
    assert (first.box.x, first.box.y, first.box.width, first.box.height) == (34, 34, 21, 21)
    assert (first.probability, second.probability) == (pytest.approx(0.9), pytest.approx(0.8))
    assert first.area_pixels + second.area_pixels == (found.mask > 0).sum()
    assert found.findings.area_percent == pytest.approx(first.area_percent + second.area_percent)
    assert second.area_percent == pytest.approx(100 * second.area_pixels / 64**2)
    assert set(np.unique(found.mask)) == {0, 255}


def test_a_picture_without_the_object_gets_an_empty_answer_and_its_low_probability() -> None:
    """Nothing is rescaled by the picture's own range."""
    found = segment(scores((20, 20, 8, 0.4)), (480, 640), POLYP)
    assert found.findings.empty
    assert found.findings.regions == ()
    assert found.findings.area_percent == 0
    assert found.findings.probability == pytest.approx(0.4)
    assert found.mask.shape == (480, 640)
    assert not found.mask.any()


def test_a_probability_at_the_threshold_is_in() -> None:
    assert segment(scores(background=0.5), (64, 64), POLYP).findings.area_percent == 100
    assert segment(scores(background=0.4999), (64, 64), POLYP).findings.empty


def test_enlarging_is_bilinear_before_the_threshold() -> None:
    ramp = np.tile(np.linspace(0, 1, 16, dtype=np.float32), (16, 1))[np.newaxis]
    found = segment(ramp, (160, 160), POLYP)
    wanted = cv2.resize(ramp[0], (160, 160), interpolation=cv2.INTER_LINEAR) >= 0.5
    np.testing.assert_array_equal(found.mask > 0, wanted)
    assert found.mask[0].argmax() == 80


def test_small_regions_are_dropped_from_mask_and_findings() -> None:
    output = POLYP.model_copy(update={"min_area_percent": 1.0})
    found = segment(scores((10, 10, 2, 0.99), (40, 40, 10, 0.8)), (64, 64), output)
    assert len(found.findings.regions) == 1
    assert not found.mask[:20, :20].any()
    assert found.mask[40, 40] == 255
    only_small = segment(scores((10, 10, 2, 0.99)), (64, 64), output)
    assert only_small.findings.empty
    assert only_small.findings.probability == pytest.approx(0.99)
    assert not only_small.mask.any()


def test_an_outline_has_its_holes_and_gives_the_mask_back() -> None:
    ring = scores((64, 64, 40, 0.9), (64, 64, 15, 0.1), side=128)
    found = segment(ring, (256, 256), POLYP)
    (region,) = found.findings.regions
    ((outer, hole),) = region.contour
    for line in (outer, hole):
        assert line[0] == line[-1]
        assert len(line) >= 4
    assert np.linalg.norm(np.array(hole[0]) - 128) < np.linalg.norm(np.array(outer[0]) - 128)
    differing = (filled(region, (256, 256)) > 0) != (found.mask > 0)
    assert differing.sum() < 0.02 * (found.mask > 0).sum()
    assert sum(len(line) for line in (outer, hole)) < 200


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1), (2, 2)])
def test_the_smallest_regions_still_have_closed_outlines(shape: tuple[int, int]) -> None:
    spot = np.zeros((1, 32, 32), np.float32)
    spot[0, 5 : 5 + shape[0], 7 : 7 + shape[1]] = 1
    (region,) = segment(spot, (32, 32), POLYP).findings.regions
    ((line,),) = region.contour
    assert len(line) >= 4
    assert line[0] == line[-1]
    assert region.area_pixels == shape[0] * shape[1]
    np.testing.assert_array_equal(filled(region, (32, 32)) > 0, spot[0] > 0)


def test_a_marked_region_lies_where_it_was_marked() -> None:
    box = Region(x=30, y=20, width=64, height=64)
    part = segment(scores((32, 32, 10, 0.9)), (64, 64), POLYP)
    whole = part.placed(box, (200, 300))
    assert (whole.findings.height, whole.findings.width) == (200, 300)
    np.testing.assert_array_equal(whole.mask[20:84, 30:94], part.mask)
    assert (whole.mask > 0).sum() == (part.mask > 0).sum()
    (inner,), (outer,) = part.findings.regions, whole.findings.regions
    assert (outer.box.x, outer.box.y) == (inner.box.x + 30, inner.box.y + 20)
    assert outer.contour[0][0][0] == (inner.contour[0][0][0][0] + 30, inner.contour[0][0][0][1] + 20)
    assert outer.area_percent == inner.area_percent
    assert part.placed(Region(x=0, y=0, width=64, height=64), (64, 64)) is part


def test_a_region_cannot_be_placed_outside() -> None:
    with pytest.raises(Invalid):
        segment(scores(), (64, 64), POLYP).placed(Region(x=1, y=0, width=64, height=64), (70, 64))


def test_each_label_has_its_regions_and_the_mask_has_them_all() -> None:
    output = OutputSpec(labels=("disc", "cup"), activation="sigmoid")
    both = np.concatenate([scores((32, 32, 20, 0.8)), scores((32, 32, 8, 0.95))])
    found = segment(both, (64, 64), output)
    assert [region.label for region in found.findings.regions] == ["disc", "cup"]
    assert found.findings.label == "cup"
    assert (found.mask > 0).sum() == found.findings.regions[0].area_pixels
    assert found.findings.area_percent == pytest.approx(found.findings.regions[0].area_percent)


EYE = OutputSpec(labels=("disc", "cup"), activation="sigmoid", min_area_percent=0.1)


def eye(*cups: tuple[int, int, int, float]) -> NDArray[np.float32]:
    return np.concatenate([scores((32, 32, 20, 0.9)), scores(*cups)])


def test_several_labels_have_greys_of_their_own_and_masks_of_their_own() -> None:
    found = segment(eye((32, 32, 8, 0.95)), (64, 64), EYE)
    assert set(np.unique(found.mask)) == {0, 128, 255}
    np.testing.assert_array_equal(found.mask == 255, found.layers["cup"] > 0)
    np.testing.assert_array_equal(found.mask > 0, found.layers["disc"] > 0)
    assert set(np.unique(found.layers["disc"])) == {0, 255}
    placed = found.placed(Region(x=10, y=20, width=64, height=64), (100, 90))
    assert set(np.unique(placed.mask)) == {0, 128, 255}
    assert placed.layers is found.layers


@pytest.mark.parametrize(
    ("shapes", "smallest", "threshold", "wanted"),
    [
        (((20, 20, 8, 0.98),), 0.0, 0.5, 0.04),
        (((20, 20, 8, 0.55),), 0.0, 0.5, 0.9),
        (((20, 20, 8, 0.45),), 0.0, 0.5, 0.9),
        (((20, 20, 8, 0.1),), 0.0, 0.5, 0.2),
        (((20, 20, 8, 0.6),), 0.0, 0.2, 0.5),
        (((10, 10, 2, 0.99),), 1.0, 0.5, 1.0),
        (((10, 10, 2, 0.99), (40, 40, 10, 0.6)), 1.0, 0.5, 0.8),
    ],
    ids=[
        "clear",
        "just found",
        "just empty",
        "clearly empty",
        "another threshold",
        "a speck dropped",
        "of what is kept",
    ],
)
def test_the_uncertainty_is_that_of_the_answer_given(
    shapes: tuple[tuple[int, int, int, float], ...], smallest: float, threshold: float, wanted: float
) -> None:
    output = POLYP.model_copy(update={"min_area_percent": smallest, "threshold": threshold})
    findings = segment(scores(*shapes, background=0.0), (64, 64), output).findings
    assert findings.uncertainty == pytest.approx(wanted, abs=1e-5)
    assert not findings.unsure
    limited = [
        output.model_copy(update={"unsure_above": limit}) for limit in (wanted - 0.01, min(wanted + 0.01, 0.999))
    ]
    assert [segment(scores(*shapes, background=0.0), (64, 64), one).findings.unsure for one in limited] == [
        True,
        wanted == 1,
    ]


def test_of_several_labels_the_least_certain_one_decides() -> None:
    assert segment(eye((32, 32, 8, 0.6)), (64, 64), EYE).findings.uncertainty == pytest.approx(0.8, abs=1e-5)


CDR = (Ratio(name="cdr", numerator="cup", denominator="disc", extent="height"),)


def layer(*boxes: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    drawn = np.zeros((60, 80), np.uint8)
    for x, y, width, height in boxes:
        drawn[y : y + height, x : x + width] = 255
    return drawn


@pytest.mark.parametrize(("extent", "wanted"), [("height", 10 / 40), ("width", 20 / 30), ("area", 10 * 20 / (30 * 40))])
def test_a_ratio_of_the_largest_regions(extent: str, wanted: float) -> None:
    layers = {"disc": layer((10, 5, 30, 40), (60, 5, 5, 50)), "cup": layer((12, 20, 20, 10), (35, 30, 2, 12))}
    one = CDR[0].model_copy(update={"extent": extent})
    assert ratios(layers, [one]) == {"cdr": pytest.approx(wanted, abs=1e-4)}


def test_a_cup_counts_within_the_disc_and_a_ratio_without_a_disc_is_none() -> None:
    layers = {"disc": layer((10, 10, 20, 20)), "cup": layer((15, 0, 10, 60))}
    assert ratios(layers, CDR) == {"cdr": 1.0}
    assert ratios(layers | {"cup": layer()}, CDR) == {"cdr": 0.0}
    assert ratios(layers | {"disc": layer()}, CDR) == {}


@pytest.mark.parametrize("wrong", [np.zeros((2, 8, 8), np.float32), np.zeros((8, 8), np.float32)])
def test_channels_that_are_not_the_labels_are_refused(wrong: NDArray[np.float32]) -> None:
    with pytest.raises(Invalid):
        segment(wrong, (8, 8), POLYP)


def test_a_picture_smaller_than_the_network_can_miss_a_single_pixel_and_says_so() -> None:
    spot = np.zeros((1, 64, 64), np.float32)
    spot[0, 0, 0] = 1
    found = segment(spot, (16, 16), POLYP)
    assert found.findings.empty == (not found.mask.any())
    assert found.findings.probability == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 0.95), st.sampled_from([0.0, 0.2, 2.0]))
def test_regions_are_those_scipy_finds(seed: int, threshold: float, smallest: float) -> None:
    random = np.random.default_rng(seed)
    blurred = cv2.GaussianBlur(random.random((40, 50)).astype(np.float32), (7, 7), 0)
    field = (blurred - blurred.min()) / np.ptp(blurred)
    output = OutputSpec(labels=("x",), activation="none", threshold=threshold, min_area_percent=smallest)
    found = segment(field[np.newaxis], (40, 50), output)
    labelled, count = ndimage.label(field >= np.float32(threshold), np.ones((3, 3)))
    areas = np.bincount(labelled.ravel())[1:]
    kept = [n for n in range(1, count + 1) if 100 * areas[n - 1] >= smallest * field.size]
    np.testing.assert_array_equal(found.mask > 0, np.isin(labelled, kept))
    assert [r.area_pixels for r in found.findings.regions] == sorted((areas[n - 1] for n in kept), reverse=True)
    means = sorted(float(field[labelled == n].mean()) for n in kept)
    assert sorted(r.probability for r in found.findings.regions) == pytest.approx(means, abs=1e-5)


def test_a_region_is_there_where_one_pixel_is_sure_and_goes_as_far_as_the_edge() -> None:
    drawn = scores((20, 20, 12, 0.6), (20, 20, 3, 0.9), (50, 50, 8, 0.6))
    output = OutputSpec(labels=("polyp",), activation="none", threshold=0.8, edge=0.5)
    found = segment(drawn, (64, 64), output)
    np.testing.assert_array_equal(found.mask > 0, scores((20, 20, 12, 1.0), background=0)[0] > 0)
    assert len(found.findings.regions) == 1
    assert found.findings.threshold == 0.8
    assert segment(drawn, (64, 64), output.model_copy(update={"edge": None})).mask.sum() < found.mask.sum() / 4


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.3, 0.95), st.floats(0.05, 0.3))
def test_regions_grow_as_scipy_propagates_seeds(seed: int, threshold: float, edge: float) -> None:
    blurred = cv2.GaussianBlur(np.random.default_rng(seed).random((40, 50)).astype(np.float32), (7, 7), 0)
    field = (blurred - blurred.min()) / np.ptp(blurred)
    output = OutputSpec(labels=("x",), activation="none", threshold=threshold, edge=edge)
    found = segment(field[np.newaxis], (40, 50), output)
    within = field >= np.float32(edge)
    grown = ndimage.binary_propagation(field >= np.float32(threshold), np.ones((3, 3)), within)
    np.testing.assert_array_equal(found.mask > 0, grown)
    assert sum(region.area_pixels for region in found.findings.regions) == grown.sum()


def test_a_hundred_regions_are_listed_and_all_are_in_the_mask() -> None:
    dots = np.zeros((1, 64, 64), np.float32)
    dots[0, ::4, ::4] = 1
    found = segment(dots, (64, 64), POLYP)
    assert len(found.findings.regions) == LISTED_REGIONS == 100
    assert (found.mask > 0).sum() == 256


def test_a_high_definition_frame_takes_a_few_milliseconds() -> None:
    field = cv2.GaussianBlur(scores((100, 100, 60, 0.9), (100, 100, 20, 0.1), side=256)[0], (9, 9), 0)[np.newaxis]
    times = []
    for _ in range(10):
        began = time.process_time()
        segment(field, (1080, 1920), POLYP)
        times.append(time.process_time() - began)
    assert min(times) < 0.03
