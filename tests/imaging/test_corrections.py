from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from atisbo.domain.cards import OutputSpec
from atisbo.domain.images import Region
from atisbo.errors import BadImage
from atisbo.imaging import corrections
from atisbo.imaging.corrections import Outlined
from atisbo.imaging.draw import mask_png
from atisbo.imaging.masks import segment
from tests.pictures import encoded

SIZE = (40, 60)


def drawn(values: np.ndarray) -> bytes:
    return encoded(Image.fromarray(values.astype(np.uint8)), "PNG")


def test_every_layer_of_the_network_comes_back_however_they_overlap() -> None:
    """A ring in which another lies, one that reaches out of it, and one by itself."""
    scores = np.zeros((3, *SIZE), np.float32)
    scores[0, 5:30, 5:40] = 0.9
    scores[0, 12:20, 12:20] = 0.1
    scores[1, 8:25, 30:50] = 0.9
    scores[2, 14:18, 14:18] = 0.9
    scores[2, 22:28, 32:36] = 0.9
    output = OutputSpec(labels=("a", "b", "c"), activation="none")
    found = segment(scores, SIZE, output).placed(Region(x=0, y=0, width=60, height=40), SIZE)
    shapes = [[rings for r in found.findings.regions if r.label == label for rings in r.contour] for label in "abc"]
    bits = corrections.layers(Outlined(mask_png(found.mask), shapes), SIZE)
    for number, label in enumerate("abc"):
        assert np.array_equal(bits >> number & 1, found.layers[label] > 0), label


def test_one_layer_needs_no_outline() -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[3:9, 4:20] = 255
    assert np.array_equal(corrections.layers(Outlined(mask_png(mask), [[]]), SIZE), mask // 255)
    assert not corrections.layers(Outlined(None, [[]]), SIZE).any()


def test_a_mask_is_read_as_it_was_drawn() -> None:
    bits = np.random.default_rng(0).integers(0, 4, SIZE)
    assert np.array_equal(corrections.read(drawn(bits), SIZE, 2), bits)
    assert np.array_equal(corrections.split(corrections.read(drawn(bits), SIZE, 2), 2)[1], bits >> 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"nothing", "mask_kind"),
        (encoded(Image.new("L", (60, 40)), "JPEG"), "mask_kind"),
        (drawn(np.zeros((41, 60))), "mask_size"),
        (drawn(np.zeros((40, 60, 3))), "mask_channels"),
        (encoded(Image.new("LA", (60, 40)), "PNG"), "mask_channels"),
        (encoded(Image.new("1", (60, 40)), "PNG"), "mask_channels"),
        (encoded(Image.new("I;16", (60, 40)), "PNG"), "mask_channels"),
        (encoded(Image.new("L", (60, 40)), "PNG", transparency=3), "mask_channels"),
        (drawn(np.full(SIZE, 4)), "mask_values"),
        (drawn(np.zeros(SIZE))[:-20], "mask_damaged"),
    ],
)
def test_what_is_no_mask_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(BadImage) as said:
        corrections.read(data, SIZE, 2)
    assert said.value.code == code


def test_agreement_is_dice_by_layer() -> None:
    one, other = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    one[0:10, 0:10] = 1
    other[0:10, 5:15] = 1
    other[0:2, 0:2] |= 2
    assert corrections.agreement(one, other, 3) == [0.5, 0.0, 1.0]
