from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from atisbo.domain.cards import TensorSpec
from atisbo.imaging.transform import fit, normalise, transform

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (90, 130, 3), np.uint8)
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_values_are_scaled_centred_and_divided(layout: str) -> None:
    spec = TensorSpec(size=(90, 130), layout=layout, **IMAGENET)
    tensor = transform(PIXELS, spec)
    wanted = ((PIXELS / 255 - IMAGENET["mean"]) / IMAGENET["std"])[np.newaxis]
    if layout == "NCHW":
        wanted = wanted.transpose(0, 3, 1, 2)
    assert tensor.dtype == np.float32
    assert tensor.flags.c_contiguous
    np.testing.assert_allclose(tensor, wanted, atol=1e-5)


def test_without_numbers_values_are_from_0_to_1() -> None:
    ends = np.array([[[0, 255, 51]]], np.uint8)
    assert normalise(ends[np.newaxis], TensorSpec(size=(8, 8)))[0, :, 0, 0].tolist() == pytest.approx([0, 1, 0.2])


def test_shrinking_averages_and_so_agrees_with_pillows_box() -> None:
    fitted = fit(PIXELS, TensorSpec(size=(30, 26)))
    boxed = np.asarray(Image.fromarray(PIXELS).resize((26, 30), Image.Resampling.BOX))
    assert fitted.shape == (30, 26, 3)
    assert np.abs(fitted.astype(int) - boxed).max() <= 1


def test_bilinear_samples_without_averaging() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::4] = 255
    sampled = fit(stripes, TensorSpec(size=(16, 16), resize="bilinear"))
    assert int(sampled.max()) == 0
    assert int(fit(stripes, TensorSpec(size=(16, 16))).min()) == 64


@pytest.mark.parametrize("resize", ["area", "bilinear"])
def test_enlarging_is_smooth(resize: str) -> None:
    ramp = np.repeat(np.linspace(0, 250, 8, dtype=np.uint8)[None, :, None], 3, axis=2).repeat(8, axis=0)
    enlarged = fit(ramp, TensorSpec(size=(64, 64), resize=resize))
    steps = np.diff(enlarged[0, :, 0].astype(int))
    assert steps.min() >= 0
    assert steps.max() <= 6


def test_a_picture_of_the_right_size_is_left_alone() -> None:
    np.testing.assert_array_equal(fit(PIXELS, TensorSpec(size=(90, 130))), PIXELS)
