from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from atisbo.domain.applications import SHIPPED, load
from atisbo.domain.images import Limits, Region
from atisbo.imaging.decode import decode
from atisbo.imaging.draw import shrunk
from atisbo.imaging.transform import Pixels
from atisbo.inference.finder import Found, find
from atisbo.inference.registry import Registry
from tests.applications_for_tests.networks import HERE


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    registry = Registry.open([HERE], precision="f32")
    yield registry
    registry.close()


def photograph(middle: tuple[int, int] | None, side: int = 24, size: tuple[int, int] = (150, 240)) -> Pixels:
    """Dim blue, on which a red disc with a green cup lies."""
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[..., 2] = 60
    if middle is not None:
        for channel, half in ((0, side // 2), (1, side // 4)):
            pixels[middle[0] - half : middle[0] + half, middle[1] - half : middle[1] + half, channel] = 255
    return pixels


def sought(registry: Registry, picture: Pixels, size: tuple[int, int]) -> Found | None:
    wanted = registry.application("eye").input.find
    assert wanted is not None
    predictor = registry.predictor("eye")
    return find(picture, size, predictor.look, predictor.card, wanted)


@pytest.mark.parametrize("middle", [(75, 115), (60, 40), (100, 200)])
def test_a_square_around_the_disc_with_its_margin(registry: Registry, middle: tuple[int, int]) -> None:
    found = sought(registry, photograph(middle), (300, 480))
    assert found is not None
    region = found.region
    assert region.width == region.height == pytest.approx(2 * 1.5 * 24, abs=6), "in the original's pixels"
    assert region.x + region.width / 2 == pytest.approx(2 * middle[1], abs=4)
    assert region.y + region.height / 2 == pytest.approx(2 * middle[0], abs=4)
    assert 0.5 < found.probability <= 1


def test_a_square_stays_inside_the_picture(registry: Registry) -> None:
    found = sought(registry, photograph((14, 225)), (150, 240))
    assert found is not None
    found.region.inside(240, 150)
    assert overlap(found.region, Region(x=213, y=2, width=24, height=24)) > 0


def test_what_is_not_there_is_not_found(registry: Registry) -> None:
    assert sought(registry, photograph(None), (150, 240)) is None
    assert sought(registry, np.zeros((150, 240, 3), np.uint8), (150, 240)) is None


def test_a_disc_without_a_cup_is_none(registry: Registry) -> None:
    picture = photograph((75, 115))
    picture[..., 1] = 0
    assert sought(registry, picture, (150, 240)) is None


def overlap(one: Region, other: Region) -> float:
    """Intersection over union."""
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    both = max(wide, 0) * max(high, 0)
    return both / (one.width * one.height + other.width * other.height - both)


def test_the_shipped_network_finds_the_disc_of_the_shipped_photograph() -> None:
    application, _ = load(SHIPPED / "glaucoma")
    sample = application.samples[0]
    pixels = decode((application.folder / "samples" / sample.file).read_bytes(), Limits())
    registry = Registry.open([SHIPPED])
    predictor = registry.predictor("glaucoma")
    assert application.input.find is not None
    assert sample.region is not None
    size = (pixels.shape[0], pixels.shape[1])
    found = find(shrunk(pixels, 1024), size, predictor.look, predictor.card, application.input.find)
    registry.close()
    assert found is not None
    assert overlap(found.region, sample.region) > 0.6
    assert found.probability > 0.8
