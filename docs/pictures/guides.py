"""The pictures of the guides, made of shipped samples; run it again when a network or a sample changes.

    python docs/pictures/guides.py

What a guide says that the network answers to such a picture is asked of the network here: the script stops where it
is no longer so, and the guide has to be written anew.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from answers import Networks, networks
from drawing import Picture, frame, mark, on_sheet, outline, sample, save, window
from numpy.typing import NDArray

from atisbo.domain.applications import SHIPPED
from atisbo.domain.findings import ClassificationFindings, RegionFinding, SegmentationFindings
from atisbo.domain.images import Region
from atisbo.errors import Foreign

CYAN, YELLOW = (255, 229, 0), (10, 214, 255)
DISC = Region(x=48, y=509, width=300, height=300)
"""A square of one and a half times the diameter of the sample's optic disc."""
SHOWN = Region(x=78, y=509, width=300, height=300)
"""The sample's own region."""


def main() -> None:
    with networks() as asked:
        glaucoma(asked)
        polyp(asked)
        art(asked)


def glaucoma(asked: Networks) -> None:
    eye = sample("glaucoma", "retina-healthy.jpg")
    expect(label(asked, "glaucoma", eye, DISC), "normal")
    crop(eye, "crop-right", DISC, right=True)
    for name, region, answer in (
        ("crop-tight", Region(x=158, y=589, width=140, height=140), "glaucoma"),
        ("crop-off", Region(x=230, y=509, width=300, height=300), "refused"),
        ("crop-macula", Region(x=560, y=560, width=300, height=300), "refused"),
    ):
        expect(label(asked, "glaucoma", eye, region), answer)
        crop(eye, name, region, right=False)
    blurred = blur(eye, 6)
    expect(label(asked, "glaucoma", blurred, DISC), "glaucoma")
    whole("glaucoma", "photo-right", eye, right=True)
    whole("glaucoma", "photo-blurred", window(blurred, Region(x=0, y=400, width=700, height=525)), right=False)
    expect(label(asked, "glaucoma", eye, None), "refused")
    answer = asked.answer("glaucoma", encoded(eye), SHOWN).findings
    assert isinstance(answer, ClassificationFindings)
    assert answer.structures is not None
    drawn("glaucoma", "answer", eye, around(SHOWN), answer.structures.regions)


def polyp(asked: Networks) -> None:
    first, small = sample("polyp", "frame-2.jpg"), sample("polyp", "frame-5.jpg")
    whole("polyp", "frame-right", first, right=True)
    whole("polyp", "frame-blurred", blur(first, 18), right=False)
    expect(asked_of_polyp(asked, blur(first, 36)), "refused")
    whole("polyp", "frame-dark", np.asarray(first * 0.12, np.uint8), right=False)
    region = Region(x=200, y=90, width=415, height=310)
    for name, part, right in (
        ("region-right", region, True),
        ("region-tight", Region(x=342, y=250, width=110, height=90), False),
    ):
        sheet, scale, corner = on_sheet(small)
        frame(sheet, placed(part, scale, corner), right=right)
        mark(sheet, right=right)
        save(sheet, place("polyp", name))
    undated = Region(x=150, y=40, width=472, height=354)
    for name, picture, part in (("answer", first, None), ("answer-several", sample("polyp", "frame-4.jpg"), undated)):
        found = asked.answer("polyp", encoded(picture)).findings
        assert isinstance(found, SegmentationFindings)
        drawn("polyp", name, picture, part, found.regions)


def art(asked: Networks) -> None:
    painting, engraving = sample("art", "painting.jpg"), sample("art", "engraving.jpg")
    expect(label(asked, "art", painting, None), "painting")
    whole("art", "photo-right", painting, right=True)
    expect(label(asked, "art", on_a_wall(painting), None), "refused")
    whole("art", "photo-wall", on_a_wall(painting), right=False)
    expect(label(asked, "art", slanted(painting), None), "sculpture")
    whole("art", "photo-slanted", slanted(painting), right=False)
    grey = np.asarray(cv2.cvtColor(cv2.cvtColor(painting, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)
    expect(label(asked, "art", grey, None), "sculpture")
    whole("art", "photo-grey", grey, right=False)
    detail = window(engraving, Region(x=90, y=110, width=60, height=60))
    expect(label(asked, "art", detail, None), "refused")
    whole("art", "photo-detail", detail, right=False)
    sheet, scale, corner = on_sheet(on_a_wall(painting))
    height, width = painting.shape[:2]
    frame(sheet, placed(Region(x=width // 2, y=height // 2, width=width, height=height), scale, corner), right=True)
    mark(sheet, right=True)
    save(sheet, place("art", "region-right"))


def label(asked: Networks, application: str, picture: Picture, region: Region | None) -> str:
    """The answer's label, or ``refused``."""
    try:
        found = asked.answer(application, encoded(picture), region).findings
    except Foreign:
        return "refused"
    assert isinstance(found, ClassificationFindings)
    return found.label


def asked_of_polyp(asked: Networks, picture: Picture) -> str:
    try:
        asked.answer("polyp", encoded(picture))
    except Foreign:
        return "refused"
    return "answered"


def expect(said: str, wanted: str) -> None:
    if said != wanted:
        raise SystemExit(f"The guide says that the answer is {wanted}; it is {said} now. Write the guide anew.")


def crop(eye: Picture, name: str, region: Region, *, right: bool) -> None:
    """The neighbourhood of a frame on the fundus."""
    room = around(region)
    sheet, scale, corner = on_sheet(window(eye, room))
    shifted = Region(x=max(0, region.x - room.x), y=region.y - room.y, width=region.width, height=region.height)
    frame(sheet, placed(shifted, scale, corner), right=right)
    mark(sheet, right=right)
    save(sheet, place("glaucoma", name))


def around(region: Region) -> Region:
    """A part of the sample of 4:3 in which a frame is seen in its place."""
    width, height = (760, 570) if region.x > 400 else (560, 420)
    x = max(0, region.x + region.width // 2 - width // 2)
    return Region(x=x, y=region.y + region.height // 2 - height // 2, width=width, height=height)


def placed(region: Region, scale: float, corner: tuple[int, int]) -> tuple[int, int, int, int]:
    x, y = corner[0] + round(region.x * scale), corner[1] + round(region.y * scale)
    return x, y, round(region.width * scale), round(region.height * scale)


def whole(application: str, name: str, picture: Picture, *, right: bool) -> None:
    sheet, _, _ = on_sheet(picture)
    mark(sheet, right=right)
    save(sheet, place(application, name))


def drawn(
    application: str, name: str, picture: Picture, part: Region | None, regions: tuple[RegionFinding, ...]
) -> None:
    """What was outlined, over the picture or a part of it."""
    sheet, scale, corner = on_sheet(window(picture, part) if part else picture)
    left, top = (part.x, part.y) if part else (0, 0)
    for region in regions:
        rings = [points(ring, (left, top), scale, corner) for polygon in region.contour for ring in polygon]
        outline(sheet, rings, YELLOW if region.label == "cup" else CYAN)
    save(sheet, place(application, name))


def points(
    ring: tuple[tuple[int, int], ...], origin: tuple[int, int], scale: float, corner: tuple[int, int]
) -> NDArray[np.int32]:
    return np.asarray((np.array(ring) - origin) * scale + corner, np.int32)


def blur(picture: Picture, pixels: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), pixels), np.uint8)


def on_a_wall(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    wall = np.full((2 * height, 2 * width, 3), (205, 210, 214), np.uint8)
    wall[height // 2 : height // 2 + height, width // 2 : width // 2 + width] = picture
    return wall


def slanted(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    seen = np.array([[0.3, 0.15], [0.98, 0.02], [0.9, 0.95], [0.25, 0.75]], np.float32) * (width, height)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    turn = cv2.getPerspectiveTransform(flat, seen.astype(np.float32))
    return np.asarray(cv2.warpPerspective(picture, turn, (width, height), borderValue=(200, 205, 210)), np.uint8)


def encoded(picture: Picture) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def place(application: str, name: str) -> Path:
    return SHIPPED / application / "guide" / f"{name}.jpg"


if __name__ == "__main__":
    main()
