from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from atisbo.imaging import outlines
from atisbo.imaging.folders import Mask

masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=24))


@given(masks)
def test_nothing_is_lost_on_the_way_there_and_back(mask: Mask) -> None:
    runs, filled = np.zeros_like(mask), np.zeros_like(mask)
    for region in outlines.regions(mask):
        own = outlines.unpacked(region["counts"], mask.shape)
        assert own.sum() == region["area"]
        runs |= own
        filled ^= outlines.filled([list(zip(region["polygon"][::2], region["polygon"][1::2], strict=True))], mask.shape)
    assert (runs == mask).all()
    assert (filled == mask).all()


@given(masks)
def test_run_lengths_are_those_of_coco(mask: Mask) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pycocotools import mask as tools

        assert tools.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode() == outlines.packed(mask)


def test_more_specks_than_are_told_apart_are_kept_all_the_same() -> None:
    mask = np.zeros((60, 60), np.bool_)
    mask[::2, ::2] = True
    found = outlines.regions(mask)
    assert len(found) == 201
    assert sum(region["area"] for region in found) == 900


@given(st.text(max_size=30))
def test_damaged_run_lengths_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        outlines.unpacked(text + "~", (5, 5))
    with pytest.raises(ValueError):
        outlines.unpacked([3, 4], (5, 5))


def test_a_polygon_of_others_is_filled_where_centres_of_pixels_lie() -> None:
    mask = outlines.filled([[(0.6, 0.0), (3.2, 0.0), (3.2, 2.0), (0.6, 2.0)]], (3, 5))
    assert mask.tolist() == [[False, True, True, False, False]] * 2 + [[False] * 5]
