"""Layouts, colour modes, and what a child may say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from atisbo.evaluation.profile.layout import Place, place_of
from atisbo.evaluation.profile.modes import mode_of
from atisbo.evaluation.profile.records import REASONS
from atisbo.evaluation.profile.survey import checked
from atisbo.evaluation.profile.walk import walk
from atisbo.imaging.kinds import sniff
from atisbo.imaging.likeness import DETAIL_BYTES, HASH_BYTES
from tests.pictures import encoded, mucosa


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("cats/a.jpg", Place("image", key="cats/a", label="cats")),
        ("train/cats/a.jpg", Place("image", key="train/cats/a", label="cats", split="train")),
        ("Validation/a.jpg", Place("image", key="Validation/a", split="val")),
        ("a.jpg", Place("image", key="a")),
        ("seg/images/a.b.jpg", Place("image", root="seg", key="a.b")),
        ("seg/masks/a.b.png", Place("mask", "seg/masks", "seg", "a.b")),
        ("seg/disc/x/a.png", Place("mask", "seg/disc", "seg", "x/a")),
        ("seg/images/train/cats/a.jpg", Place("image", root="seg", key="train/cats/a", label="cats", split="train")),
        ("seg/overview.jpg", Place("image", key="seg/overview", label="seg")),
    ],
)
def test_what_a_file_is_by_its_path(path: str, place: Place) -> None:
    assert place_of(tuple(path.split("/")), {("seg",)}) == place


@pytest.mark.parametrize(
    ("mode", "kind", "named"),
    [
        ("RGB", "JPEG", ("RGB", 8)),
        ("L", "JPEG", ("grey", 8)),
        ("CMYK", "JPEG", ("CMYK", 8)),
        ("1", "PNG", ("grey", 1)),
        ("LA", "PNG", ("grey + alpha", 8)),
        ("RGBA", "PNG", ("RGB + alpha", 8)),
        ("P", "PNG", ("palette", 8)),
        ("I;16", "PNG", ("grey", 16)),
        ("RGB", "WEBP", ("RGB", 8)),
        ("RGBA", "WEBP", ("RGB + alpha", 8)),
        ("RGB", "TIFF", ("RGB", 8)),
        ("RGBA", "TIFF", ("RGB + alpha", 8)),
        ("CMYK", "TIFF", ("CMYK", 8)),
        ("I;16", "TIFF", ("grey", 16)),
        ("1", "TIFF", ("grey", 1)),
        ("RGB", "BMP", ("RGB", 8)),
        ("L", "BMP", ("palette", 8)),
    ],
)
def test_colour_modes_as_pillow_wrote_them(mode: str, kind: str, named: tuple[str, int]) -> None:
    picture = mucosa(40, 30)
    picture = Image.frombytes("I;16", (40, 30), bytes(2400)) if mode == "I;16" else picture.convert(mode)
    if mode == "RGBA":
        picture.putalpha(100)
    data = encoded(picture, kind)
    media_type = sniff(data)
    assert media_type
    assert mode_of(data, media_type) == named
    assert mode_of(data[:20], media_type).name in ("other", "RGB", "grey")


GOOD = {"media": "image/png", "size": [4, 3], "mode": "RGB", "bits": 8, "mean": [1, 2, 3], "flat": False}
MASK = {
    "media": "image/png",
    "size": [4, 3],
    "mode": "grey",
    "bits": 8,
    "area": 0.5,
    "levels": 2,
    "brightest": 255,
    "between": 0,
}


def blocks(images: int) -> dict[str, memoryview]:
    return {"hashes": memoryview(bytes(HASH_BYTES * images)), "details": memoryview(bytes(DETAIL_BYTES * images))}


def test_what_a_child_says_becomes_fields() -> None:
    image, mask = checked({"items": [GOOD, MASK]}, blocks(1), 2)
    assert (image["mean"], image["hash"], len(image["detail"])) == ((1, 2, 3), 0, DETAIL_BYTES)
    assert mask["mask"].area == 0.5


@pytest.mark.parametrize(
    "item",
    [
        {**GOOD, "mode": "<b>"},
        {**GOOD, "media": "text/html"},
        {**GOOD, "mean": [1, 2]},
        {**GOOD, "mean": [1, 2, 256]},
        {**GOOD, "mean": [1, 2, float("nan")]},
        {**GOOD, "size": "huge"},
        {**MASK, "area": -1},
        {"refused": "because", "about": {}},
        {"refused": "image_empty"},
        {},
    ],
)
def test_a_child_that_lies_is_not_believed(item: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        checked({"items": [item]}, blocks(int("mean" in item)), 1)


@pytest.mark.parametrize(("images", "asked"), [(0, 1), (2, 1), (1, 2)])
def test_a_child_says_neither_more_nor_less_than_asked(images: int, asked: int) -> None:
    with pytest.raises(ValueError, match="as many"):
        checked({"items": [GOOD]}, blocks(images), asked)


def test_links_out_of_the_folder_are_followed_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.jpg").write_bytes(b"1")
    inside = tmp_path / "data"
    (inside / "b").mkdir(parents=True)
    (inside / "a").symlink_to(inside / "b")
    (inside / "b/x.jpg").write_bytes(b"2")
    (inside / "out").symlink_to(tmp_path / "elsewhere")
    tree = walk(inside)
    assert (tree.files, tree.faults) == (["b/x.jpg"], {"out": "link_outside", "a": "link_repeat"})
    assert walk(inside, follow=True).files == ["b/x.jpg", "out/a.jpg"]


def test_every_reason_is_a_sentence_part() -> None:
    assert all(reason and reason[0].islower() and not reason.endswith(".") for reason in REASONS.values())
