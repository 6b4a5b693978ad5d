"""Random changes to a training image and its masks; every one a function of its own generator."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from atisbo.imaging.transform import Pixels
from atisbo.training.sections import AugmentRecipe

Masks = NDArray[np.uint8]
"""(h, w, labels), uint8, 0 or 1; there may be no labels."""

_GREY = np.array([0.299, 0.587, 0.114])


def augment(
    pixels: Pixels, masks: Masks, size: tuple[int, int], recipe: AugmentRecipe, rng: Generator
) -> tuple[Pixels, Masks]:
    """A random variant of an image and its masks, all warped alike and cut to ``size``.

    Args:
        pixels: (h, w, 3), uint8, RGB.
        masks: (h, w, labels), uint8, 0 or 1.
        size: height and width of the result, pixels.
    """
    matrix = _warp(pixels.shape[:2], size, recipe, rng)
    shape = (size[1], size[0])
    border = cv2.BORDER_CONSTANT if recipe.margin == "black" else cv2.BORDER_REFLECT_101
    image = cv2.warpAffine(pixels, matrix, shape, flags=cv2.INTER_LINEAR, borderMode=border)
    warped = np.zeros((*size, masks.shape[2]), np.uint8)
    for index in range(masks.shape[2]):
        plane = np.ascontiguousarray(masks[..., index])
        warped[..., index] = cv2.warpAffine(plane, matrix, shape, flags=cv2.INTER_NEAREST, borderMode=border)
    changed = _degrade(_colour(_printed(np.asarray(image, np.uint8), recipe, rng), recipe, rng), recipe, rng)
    return _cutout(changed, warped, recipe, rng), warped


def _warp(
    source: tuple[int, ...], target: tuple[int, int], recipe: AugmentRecipe, rng: Generator
) -> NDArray[np.float64]:
    """2 × 3 matrix from source to target pixels: stretch, flip, turn and shift around the centre."""
    zoom = np.exp(rng.uniform(*np.log(recipe.zoom)))
    stretch = 1 + rng.uniform(-1, 1) * recipe.aspect
    vertical = recipe.flip if recipe.flip_vertical is None else recipe.flip_vertical
    flip_x, flip_y = np.where(rng.random(2) < (recipe.flip, vertical), -1.0, 1.0)
    angle = np.deg2rad(rng.uniform(-1, 1) * recipe.rotate_degrees)
    scale = zoom * np.diag([flip_x * stretch * target[1] / source[1], flip_y / stretch * target[0] / source[0]])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ scale
    beyond = max(zoom - 1, 0) / 2 if recipe.crop else 0
    shift = rng.uniform(-1, 1, 2) * (recipe.shift + beyond) * np.array(target[::-1])
    middle = (np.array(target[::-1]) - 1) / 2 + shift - linear @ ((np.array(source[1::-1]) - 1) / 2)
    return np.column_stack([linear, middle])


def _printed(image: Pixels, recipe: AugmentRecipe, rng: Generator) -> Pixels:
    """Its grey values between a dark ink and a light paper."""
    if rng.random() >= recipe.duotone:
        return image
    ink, paper = rng.uniform(0, 90, 3), rng.uniform(150, 255, 3)
    table = ink + np.linspace(0, 1, 256)[:, np.newaxis] * (paper - ink)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(table.round().astype(np.uint8)[grey], np.uint8)


def _colour(image: Pixels, recipe: AugmentRecipe, rng: Generator) -> Pixels:
    """One linear map of the colours, then a curve, then fewer values."""
    brightness, contrast, saturation, gamma = 1 + rng.uniform(-1, 1, 4) * (
        recipe.brightness,
        recipe.contrast,
        recipe.saturation,
        recipe.gamma,
    )
    tint = 1 + rng.uniform(-1, 1, 3) * recipe.tint
    hue = np.deg2rad(rng.uniform(-1, 1) * recipe.hue_degrees)
    grey, posterise = rng.random(2) < (recipe.grey, recipe.posterise)
    kept = 0.0 if grey else saturation
    mix = kept * _turned(hue) + (1 - kept) * np.tile(_GREY, (3, 1))
    mean = image.mean()
    tint = np.ones(3) if grey else tint
    gain = brightness * contrast * np.diag(tint) @ mix
    offset = brightness * (1 - contrast) * mean * tint
    changed = cv2.transform(image, np.column_stack([gain, offset]))
    table = 255 * np.linspace(0, 1, 256) ** gamma
    if posterise:
        steps = 255 / (int(2 ** rng.uniform(3, 5)) - 1)
        table = (table / steps).round() * steps
    return np.asarray(cv2.LUT(changed, table.round().astype(np.uint8)), np.uint8)


def _turned(angle: float) -> NDArray[np.float64]:
    """Rotation of RGB around the grey axis (Rodrigues' formula)."""
    third, root = (1 - np.cos(angle)) / 3, np.sin(angle) / np.sqrt(3)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    return np.asarray(np.cos(angle) * np.eye(3) + third + root * cross)


def _degrade(image: Pixels, recipe: AugmentRecipe, rng: Generator) -> Pixels:
    coarse, blur, noise, jpeg = rng.random(4) < (recipe.coarse, recipe.blur, recipe.noise, recipe.jpeg)
    if coarse:
        share = rng.uniform(0.3, 0.9)
        small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    if blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(*recipe.blur_sigma)), np.uint8)
    if noise:
        grains = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(2, 10))
        image = np.clip(image + grains, 0, 255).astype(np.uint8)
    if jpeg:
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 81))])
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return image


def _cutout(image: Pixels, masks: Masks, recipe: AugmentRecipe, rng: Generator) -> Pixels:
    """Paint one patch, unless it would hide part of an object."""
    height, width = image.shape[:2]
    if rng.random() >= recipe.cutout:
        return image
    longest = max(3, int(min(height, width) * recipe.cutout_side))
    sides = rng.integers(2, longest, 2)
    top, left = (int(rng.integers(0, whole - side + 1)) for whole, side in zip((height, width), sides, strict=True))
    patch = np.s_[top : top + sides[0], left : left + sides[1]]
    if not masks[patch].any():
        image[patch] = rng.choice([0, 128, 255])
    return image
