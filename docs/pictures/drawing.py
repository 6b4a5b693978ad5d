"""What the pictures of the guides are drawn with: a dark sheet, a photograph on it, frames and marks without words."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from atisbo.domain.applications import SHIPPED
from atisbo.domain.images import Region

Picture = NDArray[np.uint8]
"""(height, width, 3), BGR as OpenCV has it."""
STAGE = (12, 11, 11)
RIGHT = (179, 189, 87)
WRONG = (138, 147, 242)
HAIRLINE = (24, 20, 16)
SHEET = (480, 640)
"""Height and width of every picture of a guide."""


def sample(application: str, file: str) -> Picture:
    """A picture that ships with an application."""
    read = cv2.imread(str(SHIPPED / application / "samples" / file))
    if read is None:
        raise FileNotFoundError(file)
    return np.asarray(read, np.uint8)


def window(picture: Picture, region: Region) -> Picture:
    """A part, dark where it reaches beyond the picture."""
    height, width = picture.shape[:2]
    left, top = max(0, -region.x), max(0, -region.y)
    right, bottom = max(0, region.x + region.width - width), max(0, region.y + region.height - height)
    grown = cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_CONSTANT, value=STAGE)
    y, x = region.y + top, region.x + left
    return np.asarray(grown[y : y + region.height, x : x + region.width], np.uint8)


def on_sheet(picture: Picture, size: tuple[int, int] = SHEET) -> tuple[Picture, float, tuple[int, int]]:
    """The picture as large as it fits, with its scale and where its corner lies (x, y)."""
    height, width = picture.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    fitted = (round(width * scale), round(height * scale))
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    sheet = np.full((*size, 3), STAGE, np.uint8)
    x, y = (size[1] - fitted[0]) // 2, (size[0] - fitted[1]) // 2
    sheet[y : y + fitted[1], x : x + fitted[0]] = cv2.resize(picture, fitted, interpolation=smooth)
    return sheet, scale, (x, y)


def frame(sheet: Picture, box: tuple[int, int, int, int], *, right: bool) -> None:
    """A frame (x, y, width, height): solid where it is right, dashed where it is wrong."""
    x, y, width, height = box
    cv2.rectangle(sheet, (x, y), (x + width, y + height), HAIRLINE, 7, cv2.LINE_AA)
    if right:
        cv2.rectangle(sheet, (x, y), (x + width, y + height), RIGHT, 3, cv2.LINE_AA)
        return
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
    for (ax, ay), (bx, by) in pairwise(corners):
        steps = max(1, round(max(abs(bx - ax), abs(by - ay)) / 9))
        for n in range(0, steps, 2):
            a, b = n / steps, min(1.0, (n + 1) / steps)
            start = (round(ax + (bx - ax) * a), round(ay + (by - ay) * a))
            end = (round(ax + (bx - ax) * b), round(ay + (by - ay) * b))
            cv2.line(sheet, start, end, WRONG, 3, cv2.LINE_AA)


def outline(sheet: Picture, rings: list[NDArray[np.int32]], colour: tuple[int, int, int]) -> None:
    """An outline as the workbench draws it: coloured, with a dark hairline, the area lightly tinted."""
    tinted = sheet.copy()
    cv2.fillPoly(tinted, rings, colour, cv2.LINE_AA)
    cv2.addWeighted(tinted, 0.25, sheet, 0.75, 0, dst=sheet)
    cv2.polylines(sheet, rings, True, HAIRLINE, 5, cv2.LINE_AA)
    cv2.polylines(sheet, rings, True, colour, 3, cv2.LINE_AA)


def mark(sheet: Picture, *, right: bool) -> None:
    """A tick or a cross in the corner."""
    centre, colour = (sheet.shape[1] - 36, 36), RIGHT if right else WRONG
    cv2.circle(sheet, centre, 22, HAIRLINE, -1, cv2.LINE_AA)
    cv2.circle(sheet, centre, 20, colour, -1, cv2.LINE_AA)
    strokes = [[(-9, 1), (-3, 7), (10, -7)]] if right else [[(-7, -7), (7, 7)], [(7, -7), (-7, 7)]]
    for stroke in strokes:
        points = np.array([(centre[0] + x, centre[1] + y) for x, y in stroke], np.int32)
        cv2.polylines(sheet, [points], False, HAIRLINE, 4, cv2.LINE_AA)


def save(sheet: Picture, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), sheet, (cv2.IMWRITE_JPEG_QUALITY, 84, cv2.IMWRITE_JPEG_OPTIMIZE, 1))
