from __future__ import annotations

import pytest
from pydantic import ValidationError

from atisbo.domain.images import Limits, Region, display_name
from atisbo.errors import Invalid


@pytest.mark.parametrize("region", [Region(x=0, y=0, width=640, height=480), Region(x=639, y=479, width=1, height=1)])
def test_a_region_within_the_picture_is_kept(region: Region) -> None:
    assert region.inside(640, 480) is region


@pytest.mark.parametrize(
    "region",
    [
        Region(x=1, y=0, width=640, height=480),
        Region(x=0, y=479, width=1, height=2),
        Region(x=640, y=0, width=1, height=1),
    ],
)
def test_a_region_outside_is_refused_with_the_pictures_size(region: Region) -> None:
    with pytest.raises(Invalid, match="640 × 480") as caught:
        region.inside(640, 480)
    assert (caught.value.code, caught.value.status) == ("region_outside", 422)


@pytest.mark.parametrize(
    "wrong",
    [
        {"x": -1, "y": 0, "width": 1, "height": 1},
        {"x": 0, "y": 0, "width": 0, "height": 1},
        {"x": 0.5, "y": 0, "width": 1, "height": 1},
        {"x": "0", "y": 0, "width": 1, "height": 1},
        {"x": True, "y": 0, "width": 1, "height": 1},
        {"x": 0, "y": 0, "width": 10**9, "height": 1},
        {"x": 0, "y": 0, "width": 1},
        {"x": 0, "y": 0, "width": 1, "height": 1, "angle": 3},
    ],
)
def test_what_is_no_rectangle_of_whole_pixels_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Region.model_validate(wrong)


def test_limits_that_nothing_can_keep_are_refused() -> None:
    with pytest.raises(ValidationError, match="min_side"):
        Limits(min_side=100, max_side=99)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../x.jpg", "x.jpg"),
        ("c:\\a\\b.png", "b.png"),
        ("", "image"),
        ("a\x00\n\x1bb", "ab"),
        ("ñ" * 300, "ñ" * 200),
    ],
)
def test_a_sent_file_name_is_only_for_people(sent: str, shown: str) -> None:
    assert display_name(sent) == shown
