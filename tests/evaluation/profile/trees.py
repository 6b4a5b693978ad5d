"""Small folders with one of everything that goes wrong."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.evaluation.profile.deadly import DEATH, LIE, SLEEP
from tests.pictures import encoded

NASTY = "<img src=x onerror=alert(1)>.jpg"
NOT_UTF8 = os.fsdecode(b"caf\xe9.png")


def scene(seed: int, width: int = 96, height: int = 80) -> Image.Image:
    """A picture that is like no other one: coarse and fine blobs of chance colours."""
    random = np.random.default_rng(seed)
    layers = [
        cv2.resize(random.uniform(0, 1, (n, n, 3)), (width, height), interpolation=cv2.INTER_CUBIC) for n in (5, 16)
    ]
    mixed: NDArray[np.float64] = np.asarray(layers[0] * 170 + layers[1] * 80)
    return Image.fromarray(mixed.clip(0, 255).astype(np.uint8))


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def jpeg(seed: int) -> bytes:
    return encoded(scene(seed), "JPEG", quality=92)


def classes(root: Path) -> Path:
    """``train`` and ``test`` with a folder per class, and every kind of bad file."""
    cats, dogs = root / "train/cats", root / "train/dogs"
    for n in range(4):
        write(cats / f"cat{n}.jpg", jpeg(n))
        write(dogs / f"dog{n}.jpg", jpeg(10 + n))
    write(cats / "again.jpg", jpeg(0))
    write(root / "test/dogs/leak.jpg", jpeg(10))
    write(root / "test/cats/nearly.jpg", encoded(scene(11).resize((120, 100)), "JPEG", quality=60))
    write(cats / "truncated.jpg", jpeg(20)[:-900])
    write(cats / "empty.jpg", b"")
    write(cats / "text.jpg", b"not a picture at all\n")
    write(cats / "really.gif.jpg", encoded(scene(21), "GIF"))
    write(cats / "dies.jpg", jpeg(22) + DEATH)
    write(cats / "sleeps.jpg", jpeg(23) + SLEEP)
    write(cats / "lies.jpg", jpeg(24) + LIE)
    write(dogs / "cmyk.jpg", encoded(scene(25).convert("CMYK"), "JPEG"))
    write(dogs / "alpha.png", encoded(scene(26).convert("RGBA"), "PNG"))
    write(dogs / "palette.png", encoded(scene(27).convert("P"), "PNG"))
    deep = Image.fromarray(np.asarray(scene(28).convert("L"), np.uint16) * 257)
    write(dogs / "deep.png", encoded(deep, "PNG"))
    write(dogs / "flat.png", encoded(Image.new("RGB", (50, 40), (200, 10, 10)), "PNG"))
    write(dogs / NASTY, jpeg(29))
    write(dogs / NOT_UTF8, encoded(scene(30), "WEBP"))
    write(root / "notes.txt", b"hello")
    write(root / ".hidden.jpg", b"")
    links(root)
    return root


def links(root: Path) -> None:
    """Links that lead round, nowhere and out, and a pipe that nobody writes to."""
    outside = write(root.parent / "outside.jpg", jpeg(40))
    (root / "train/loop").symlink_to(root / "train", target_is_directory=True)
    (root / "train/itself").symlink_to(root / "train/itself")
    (root / "train/dogs/broken.jpg").symlink_to(root / "nowhere.jpg")
    (root / "train/dogs/outside.jpg").symlink_to(outside)
    os.mkfifo(root / "train/dogs/pipe.jpg")


def segmentation(root: Path) -> Path:
    """``images``, ``masks`` and an ``index.csv`` that disagree in every way."""
    for n, name in enumerate("abcdefg"):
        write(root / f"images/{name}.png", encoded(scene(50 + n), "PNG"))
    write(root / "images/a2.jpg", encoded(scene(50), "JPEG", quality=70))
    mask = np.zeros((80, 96), np.uint8)
    mask[10:50, 10:58] = 255
    wide = np.zeros((40, 48), np.uint8)
    wide[5:30, 5:30] = 255
    grey = cv2.GaussianBlur(mask, (9, 9), 0)
    masks = {
        "a": mask,
        "a2": mask,
        "b": wide,
        "c": mask * 0,
        "e": mask // 255,
        "f": grey,
        "g": mask | 255,
        "orphan": mask,
    }
    for name, pixels in masks.items():
        write(root / f"masks/{name}.png", encoded(Image.fromarray(pixels), "PNG"))
    write(root / "masks/d_.png", b"\x89PNG\r\n\x1a\n")
    rows = ["a.png,C1,train", "a2.jpg,C2,val", "b.png,C1,train", "c.png,C1,train", "d.png,C2,val", "e.png,C2,Training"]
    rows += ["g.png,C2,val", "b.png,C1,val", "gone.png,C1,train"]
    write(root / "index.csv", "\n".join(["\ufefffile,centre,split", *rows, ""]).encode())
    return root
