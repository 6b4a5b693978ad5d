"""An answer drawn by the server: the picture with its outlines, a sentence, and how the probabilities stand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from atisbo import i18n
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.images import Region

Ring = list[list[int]]
_SHOWCASE: Final = Path(__file__).parent / "showcase"
_LAYERS: Final = 2
"""Colours that outlines take in turn."""


@dataclass(frozen=True)
class Outline:
    layer: int
    path: str
    """Of an SVG, in the original's pixels."""


@dataclass(frozen=True)
class Bar:
    label: str
    value: str
    percent: float
    chosen: bool


@dataclass(frozen=True)
class Shown:
    """``seen`` is the part in sight, ``placed`` where the picture lies: pixels of the original."""

    sentence: str
    picture: str
    seen: Region
    placed: Region
    outlines: list[Outline]
    bars: list[Bar]
    ratios: list[tuple[str, str]]
    threshold_percent: float | None
    """Where the operating point lies, if the answer is a yes or a no."""


@dataclass(frozen=True)
class Example:
    """An answer that was computed when the program was made."""

    file: str
    picture: str
    seen: Region
    version: str
    day: date
    findings: dict[str, Any]


@cache
def examples() -> dict[str, Example]:
    """By application."""
    return {path.stem: _example(json.loads(path.read_text(encoding="utf-8"))) for path in _SHOWCASE.glob("*.json")}


def _example(said: dict[str, Any]) -> Example:
    return Example(
        file=said["file"],
        picture=said["picture"],
        seen=Region(**said["seen"]),
        version=said["version"],
        day=date.fromisoformat(said["day"]),
        findings=said["findings"],
    )


def show(
    findings: dict[str, Any],
    application: Application,
    card: Card,
    language: str,
    *,
    picture: str,
    seen: Region,
    placed: Region,
) -> Shown:
    """Put an answer into words and lines.

    Args:
        picture: its address.
        seen: what is to be in sight of it.
        placed: where the picture lies; it may be a part of the original, and scaled.
    """

    def word(label: str) -> str:
        return application.word(label, language)

    probabilities: dict[str, float] = findings.get("probabilities", {})
    asked = (
        [card.output.positive] if card.output.positive else sorted(probabilities, key=lambda one: -probabilities[one])
    )
    drawn = findings if findings["task"] == "segmentation" else findings.get("structures")
    return Shown(
        sentence=_sentence(findings, application, language),
        picture=picture,
        seen=seen,
        placed=placed,
        outlines=_outlines(drawn, (card.structures.output if card.structures else card.output).labels),
        bars=[_bar(label, probabilities[label], findings, word, language) for label in asked if label in probabilities],
        ratios=[
            (_capital(word(name)), i18n.number(language, value, 2))
            for name, value in findings.get("ratios", {}).items()
        ],
        threshold_percent=round(100 * findings["threshold"], 1) if card.output.positive and probabilities else None,
    )


def _bar(label: str, share: float, findings: dict[str, Any], word: Callable[[str], str], language: str) -> Bar:
    value = i18n.number(language, min(share, 0.99) if share < 1 else 1, 2)
    return Bar(_capital(word(label)), value, round(100 * share, 1), label == findings["label"])


def _sentence(findings: dict[str, Any], application: Application, language: str) -> str:
    """What the workbench says of the same answer."""
    if findings["task"] == "classification":
        return _capital(application.word(findings["label"], language))
    polyp, count = findings["label"] == "polyp", len(findings["regions"])
    area = i18n.number(language, findings["area_percent"], 1) + ("\N{NO-BREAK SPACE}%" if language == "es" else "%")
    if findings["empty"]:
        return i18n.translate(language, "No polyp found" if polyp else "Nothing found")
    if count == 1:
        one = "One polyp outlined, {area} of the picture" if polyp else "One region outlined, {area} of the picture"
        return i18n.translate(language, one, area=area)
    many = (
        "{count} polyps outlined, {area} of the picture together"
        if polyp
        else "{count} regions outlined, {area} of the picture together"
    )
    return i18n.translate(language, many, count=count, area=area)


def _outlines(drawn: dict[str, Any] | None, labels: tuple[str, ...]) -> list[Outline]:
    regions = drawn["regions"] if drawn else []
    return [Outline(labels.index(region["label"]) % _LAYERS, _path(region["contour"])) for region in regions]


def _path(polygons: list[list[Ring]]) -> str:
    """Ring points are pixel centres."""
    rings = (ring for polygon in polygons for ring in polygon)
    return "".join("M" + "L".join(f"{x + 0.5} {y + 0.5}" for x, y in ring) + "Z" for ring in rings)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
