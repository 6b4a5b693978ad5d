from __future__ import annotations

import numpy as np
import pytest

from atisbo.imaging import draw
from atisbo.imaging.decode import decode
from tests.pictures import CANARY, opened, with_metadata

GREY = np.full((120, 160, 3), 128, np.uint8)
MASK = np.zeros((120, 160), np.uint8)
MASK[30:90, 40:120] = 255
CYAN, YELLOW = (np.array(colour) for colour in draw.COLOURS)


def test_an_overlay_tints_the_inside_and_leaves_the_outside_alone() -> None:
    drawn = np.asarray(opened(draw.overlay(GREY, MASK)))
    assert drawn.shape == GREY.shape
    np.testing.assert_array_equal(drawn[:20], GREY[:20])
    inside = drawn[60, 80].astype(int)
    wanted = 128 * 0.65 + CYAN * 0.35
    assert np.abs(inside - wanted).max() <= 1
    edge = drawn[60, 30:50].astype(int)
    assert any(np.abs(pixel - CYAN).max() < 40 for pixel in edge)
    assert any(pixel.max() < 100 for pixel in edge)
    assert (GREY == 128).all()


def test_an_overlay_of_nothing_is_the_picture() -> None:
    np.testing.assert_array_equal(np.asarray(opened(draw.overlay(GREY, np.zeros_like(MASK)))), GREY)


def test_a_second_label_is_drawn_in_yellow_within_the_first() -> None:
    mask = np.where(MASK > 0, np.uint8(128), np.uint8(0))
    mask[50:70, 60:100] = 255
    drawn = np.asarray(opened(draw.overlay(GREY, mask))).astype(int)
    assert np.abs(drawn[40, 80] - (128 * 0.65 + CYAN * 0.35)).max() <= 1
    assert np.abs(drawn[60, 80] - (128 * 0.65 + YELLOW * 0.35)).max() <= 1
    assert any(np.abs(pixel - YELLOW).max() < 40 for pixel in drawn[60, 50:70])
    assert any(np.abs(pixel - CYAN).max() < 40 for pixel in drawn[60, 30:50])


def test_a_mask_is_one_channel_of_0_and_255() -> None:
    image = opened(draw.mask_png(MASK))
    assert (image.mode, image.size) == ("L", (160, 120))
    np.testing.assert_array_equal(np.asarray(image), MASK)
    np.testing.assert_array_equal(draw.read_mask_png(draw.mask_png(MASK), (120, 160)), MASK)


@pytest.mark.parametrize("data", [draw.mask_png(MASK[:50]), b"not a mask", b""])
def test_a_mask_that_does_not_fit_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="mask"):
        draw.read_mask_png(data, (120, 160))


def test_a_high_definition_mask_is_small() -> None:
    mask = np.zeros((1080, 1920), np.uint8)
    mask[200:800, 300:1500] = 255
    assert len(draw.mask_png(mask)) < 20_000


@pytest.mark.parametrize(
    ("shape", "size"), [((3000, 4000), (2048, 1536)), ((400, 300), (300, 400)), ((20, 4096), (2048, 10))]
)
def test_a_preview_is_shrunk_and_never_enlarged(shape: tuple[int, int], size: tuple[int, int]) -> None:
    image = opened(draw.preview(np.full((*shape, 3), 90, np.uint8)))
    assert (image.format, image.size) == ("JPEG", size)


def test_a_thumbnail_is_small_and_in_the_right_colours() -> None:
    red = np.zeros((600, 800, 3), np.uint8)
    red[..., 0] = 200
    image = opened(draw.thumbnail(red))
    assert image.size == (320, 240)
    assert np.abs(np.asarray(image)[100, 100].astype(int) - [200, 0, 0]).max() < 8


def test_no_metadata_comes_along() -> None:
    pixels = decode(with_metadata(400, 300))
    made = [
        draw.preview(pixels),
        draw.thumbnail(pixels),
        draw.png(pixels),
        draw.overlay(pixels, np.ones((300, 400), np.uint8)),
    ]
    for data in made:
        assert CANARY.encode() not in data
        image = opened(data)
        assert not image.getexif()
        assert not {"exif", "xmp", "comment", "icc_profile"} & set(image.info)
