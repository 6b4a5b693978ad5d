"""A printed page as PDF: pictures or charts, facts, tables, and the small print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from itertools import pairwise
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
CHART: Final = 34
"""Charts are so high, millimetres."""
INK: Final = (30, 27, 23)
SOFT: Final = (93, 87, 78)
ACCENT: Final = (11, 101, 96)
LOSS: Final = (165, 40, 27)
LINE: Final = (226, 220, 211)
_LATIN: Final = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "–": "-",
        "—": "-",
        "−": "-",
        "…": "...",
        "≥": ">=",
        "\u202f": " ",
        "\u00a0": " ",
    }
)


@dataclass(frozen=True)
class Chart:
    """Boxes and a line, in percent of a box of the page from its upper left corner."""

    heading: str
    boxes: Sequence[tuple[float, float, float, float, bool]]
    """x, y, width, height, and whether it stands for a loss."""
    line: Sequence[tuple[float, float]] = ()
    zero: float | None = None
    ends: tuple[str, str] = ("", "")
    """What stands below its left and its right end."""


@dataclass(frozen=True)
class Table:
    """``rows`` begin with the heads; the first column is words, the others figures."""

    heading: str
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Sheet:
    """What stands on the page, top to bottom, in the reader's language."""

    language: str
    title: str
    answer: str
    """The sentence a person reads first."""
    made_at: datetime
    facts: Sequence[tuple[str, str]]
    pictures: Sequence[tuple[bytes, str]] = field(default=())
    """JPEG or PNG, made by this program, each with its caption."""
    charts: Sequence[Chart] = field(default=())
    tables: Sequence[Table] = field(default=())
    sections: Sequence[tuple[str, str]] = field(default=())
    """Headings with a paragraph each."""
    notice: str = ""


def pdf(sheet: Sheet) -> bytes:
    """The page, and more of them where it is long.

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
    _charts(page, sheet.charts)
    for table in sheet.tables:
        _table(page, table)
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


def _charts(page: FPDF, charts: Sequence[Chart]) -> None:
    """Side by side, equally wide."""
    if not charts:
        return
    page.ln(4)
    gap = 8
    width = (WIDTH - gap * (len(charts) - 1)) / len(charts)
    top = page.get_y()
    for number, chart in enumerate(charts):
        _chart(page, chart, MARGIN + number * (width + gap), top, width)
    page.set_xy(MARGIN, top + 8 + CHART + 6)


def _chart(page: FPDF, chart: Chart, left: float, top: float, width: float) -> None:
    def across(x: float) -> float:
        return left + width * x / 100

    def down(y: float) -> float:
        return top + 8 + CHART * y / 100

    page.set_xy(left, top)
    page.set_font("Helvetica", "B", 9)
    page.set_text_color(*ACCENT)
    page.cell(width, 5, _latin(chart.heading))
    for x, y, wide, high, loss in chart.boxes:
        page.set_fill_color(*(LOSS if loss else ACCENT))
        page.rect(across(x), down(y), width * wide / 100, CHART * high / 100, style="F")
    page.set_draw_color(*SOFT)
    if chart.zero is not None:
        page.line(left, down(chart.zero), left + width, down(chart.zero))
    page.set_draw_color(*INK)
    for (x, y), (to_x, to_y) in pairwise(chart.line):
        page.line(across(x), down(y), across(to_x), down(to_y))
    page.set_font("Helvetica", "", 8)
    page.set_text_color(*SOFT)
    for words, align in zip(chart.ends, ("L", "R"), strict=True):
        page.set_xy(left, top + 8 + CHART + 1)
        page.cell(width, 4, _latin(words), align=align)


def _table(page: FPDF, table: Table) -> None:
    page.ln(4)
    _text(page, table.heading, 9, ACCENT, bold=True)
    columns = len(table.rows[0])
    first = WIDTH * (0.4 if columns == 2 else 1 / columns)
    other = (WIDTH - first) / (columns - 1)
    page.set_draw_color(*LINE)
    for number, row in enumerate(table.rows):
        page.set_font("Helvetica", "B" if number == 0 else "", 8)
        page.set_text_color(*(SOFT if number == 0 else INK))
        for place, words in enumerate(row):
            wide, align = (other, "R") if place else (first, "L")
            page.cell(wide, 5, _latin(words), border="B", align=align)
        page.ln(5)


def _facts(page: FPDF, facts: Sequence[tuple[str, str]]) -> None:
    for name, value in facts:
        page.set_font("Helvetica", "", 10)
        page.set_text_color(*SOFT)
        page.cell(NAMES, 5.6, _latin(name))
        page.set_text_color(*INK)
        page.multi_cell(WIDTH - NAMES, 5.6, _latin(value), align="L", new_x="LMARGIN", new_y="NEXT")
