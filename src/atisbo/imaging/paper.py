"""One printed page: pictures, what was found in them, and the small print, as PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fpdf import FPDF

MARGIN: Final = 18
WIDTH: Final = 210 - 2 * MARGIN
HEIGHT: Final = 297
"""An A4 page, millimetres."""
PICTURE: Final = 92
"""Pictures are at most so high, millimetres."""
NAMES: Final = 74
"""The column of names beside the facts, millimetres."""
INK: Final = (30, 27, 23)
SOFT: Final = (93, 87, 78)
ACCENT: Final = (11, 101, 96)
_LATIN: Final = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-", "…": "...", "≥": ">="}
)


@dataclass(frozen=True)
class Sheet:
    """What stands on the page, top to bottom, in the reader's language."""

    language: str
    title: str
    answer: str
    """The sentence a person reads first."""
    made_at: datetime
    pictures: Sequence[tuple[bytes, str]]
    """JPEG or PNG, made by this program, each with its caption."""
    facts: Sequence[tuple[str, str]]
    sections: Sequence[tuple[str, str]] = field(default=())
    """Headings with a paragraph each."""
    notice: str = ""


def pdf(sheet: Sheet) -> bytes:
    """The page; what does not fit into one page's height is set smaller by the pictures giving way.

    The fonts are those that every reader has, and hold Western European letters only: others become a question mark.
    """
    # Imported here: it brings an image library that the worker needs for nothing else.
    from fpdf import FPDF

    page = FPDF(format="A4")
    page.set_creator("Atisbo")
    page.set_title(_latin(sheet.title))
    page.set_lang(sheet.language)
    page.set_creation_date(sheet.made_at)
    page.set_margins(MARGIN, MARGIN)
    page.set_auto_page_break(auto=True, margin=MARGIN)
    page.add_page()
    _text(page, sheet.title, 11, SOFT)
    _text(page, sheet.answer, 18, INK, bold=True)
    page.ln(3)
    _pictures(page, sheet.pictures)
    _facts(page, sheet.facts)
    for heading, words in sheet.sections:
        page.ln(2)
        _text(page, heading, 9, ACCENT, bold=True)
        _text(page, words, 9, SOFT)
    page.ln(3)
    _text(page, sheet.notice, 10, INK, bold=True)
    return bytes(page.output())


def _latin(words: str) -> str:
    return words.translate(_LATIN).encode("latin-1", "replace").decode("latin-1")


def _text(page: FPDF, words: str, size: float, colour: tuple[int, int, int], *, bold: bool = False) -> None:
    page.set_font("Helvetica", "B" if bold else "", size)
    page.set_text_color(*colour)
    page.multi_cell(WIDTH, size * 0.46, _latin(words), align="L", new_x="LMARGIN", new_y="NEXT")


def _pictures(page: FPDF, pictures: Sequence[tuple[bytes, str]]) -> None:
    """Side by side, equally wide, captions below."""
    if not pictures:
        return
    gap = 6
    width = (WIDTH - gap * (len(pictures) - 1)) / len(pictures)
    top, bottom = page.get_y(), page.get_y()
    for number, (data, caption) in enumerate(pictures):
        left = MARGIN + number * (width + gap)
        page.image(BytesIO(data), x=left, y=top, w=width, h=PICTURE, keep_aspect_ratio=True, alt_text=_latin(caption))
        page.set_xy(left, top + PICTURE + 1)
        page.set_font("Helvetica", "", 8)
        page.set_text_color(*SOFT)
        page.multi_cell(width, 3.7, _latin(caption), align="C")
        bottom = max(bottom, page.get_y())
    page.set_xy(MARGIN, bottom + 4)


def _facts(page: FPDF, facts: Sequence[tuple[str, str]]) -> None:
    for name, value in facts:
        page.set_font("Helvetica", "", 10)
        page.set_text_color(*SOFT)
        page.cell(NAMES, 5.6, _latin(name))
        page.set_text_color(*INK)
        page.multi_cell(WIDTH - NAMES, 5.6, _latin(value), align="L", new_x="LMARGIN", new_y="NEXT")
