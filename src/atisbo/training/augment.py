"""Random changes to a training image and its mask; every one a function of its own generator."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from atisbo.imaging.transform import Pixels
from atisbo.training.recipe import AugmentRecipe

Grey = NDArray[np.uint8]


def augment(
    pixels: Pixels, mask: Grey, size: tuple[int, int], recipe: AugmentRecipe, rng: Generator
) -> tuple[Pixels, Grey]:
    """A random variant of an image and its mask, both warped alike and cut to ``size``.

    Args:
        pixels: (h, w, 3), uint8, RGB.
        mask: (h, w), uint8, 0 or 1.
        size: height and width of the result, pixels.
    """
    matrix = _warp(pixels.shape[:2], size, recipe, rng)
    shape = (size[1], size[0])
    image = np.asarray(cv2.warpAffine(pixels, matrix, shape, flags=cv2.INTER_LINEAR), np.uint8)
    label = np.asarray(cv2.warpAffine(mask, matrix, shape, flags=cv2.INTER_NEAREST), np.uint8)
    image = _degrade(_colour(image, recipe, rng), recipe, rng)
    return _cutout(image, label, recipe, rng), label


def _warp(
    source: tuple[int, ...], target: tuple[int, int], recipe: AugmentRecipe, rng: Generator
) -> NDArray[np.float64]:
    """2 × 3 matrix from source to target pixels: stretch, flip, turn and shift around the centre."""
    zoom = np.exp(rng.uniform(*np.log(recipe.zoom)))
    stretch = 1 + rng.uniform(-1, 1) * recipe.aspect
    flip_x, flip_y = np.where(rng.random(2) < recipe.flip, -1.0, 1.0)
    angle = np.deg2rad(rng.uniform(-1, 1) * recipe.rotate_degrees)
    scale = zoom * np.diag([flip_x * stretch * target[1] / source[1], flip_y / stretch * target[0] / source[0]])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ scale
    shift = rng.uniform(-1, 1, 2) * recipe.shift * np.array(target[::-1])
    middle = (np.array(target[::-1]) - 1) / 2 + shift - linear @ ((np.array(source[1::-1]) - 1) / 2)
    return np.column_stack([linear, middle])


def _colour(image: Pixels, recipe: AugmentRecipe, rng: Generator) -> Pixels:
    brightness, contrast, saturation, gamma = 1 + rng.uniform(-1, 1, 4) * (
        recipe.brightness,
        recipe.contrast,
        recipe.saturation,
        recipe.gamma,
    )
    tint = 1 + rng.uniform(-1, 1, 3) * recipe.tint
    grey = np.array([0.299, 0.587, 0.114])
    mix = saturation * np.eye(3) + (1 - saturation) * np.tile(grey, (3, 1))
    mean = image.mean()
    gain = brightness * contrast * np.diag(tint) @ mix
    offset = brightness * (1 - contrast) * mean * tint
    changed = cv2.transform(image, np.column_stack([gain, offset]))
    table = 255 * np.linspace(0, 1, 256) ** gamma
    return np.asarray(cv2.LUT(changed, table.round().astype(np.uint8)), np.uint8)


def _degrade(image: Pixels, recipe: AugmentRecipe, rng: Generator) -> Pixels:
    blur, noise, jpeg = rng.random(3) < (recipe.blur, recipe.noise, recipe.jpeg)
    if blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.5)), np.uint8)
    if noise:
        grains = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(2, 10))
        image = np.clip(image + grains, 0, 255).astype(np.uint8)
    if jpeg:
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 81))])
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return image


def _cutout(image: Pixels, label: Grey, recipe: AugmentRecipe, rng: Generator) -> Pixels:
    """Paint one patch, unless it would hide part of the object."""
    height, width = label.shape
    if rng.random() >= recipe.cutout:
        return image
    sides = rng.integers(2, max(3, min(height, width) // 5), 2)
    top, left = (int(rng.integers(0, whole - side)) for whole, side in zip((height, width), sides, strict=True))
    patch = np.s_[top : top + sides[0], left : left + sides[1]]
    if not label[patch].any():
        image[patch] = rng.choice([0, 128, 255])
    return image
