"""Sentences, numbers and dates in the reader's language; an English sentence is the key of its translation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Final

from babel.core import Locale
from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LANGUAGES: Final = ("es", "en")
DEFAULT: Final = "en"
_LOCALES: Final = Path(__file__).parent / "locales"


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """English sentence → sentence in ``language``; empty for English and for a language we do not have."""
    if language not in LANGUAGES:
        return {}
    return {key: said for path in files(language) for key, said in read(path, language).items()}


def files(language: str) -> list[Path]:
    """Where the sentences of a language lie: a file for each part of the program."""
    return sorted((_LOCALES / language).glob("*.po"))


def read(path: Path, language: str) -> dict[str, str]:
    """English sentence → sentence in ``language``, of one file."""
    with path.open("rb") as file:
        messages = read_po(file, locale=Locale.parse(language), abort_invalid=True)
    return {str(m.id): str(m.string) for m in messages if m.id and m.string and not m.fuzzy}


def translate(language: str, message: str, **values: object) -> str:
    """The sentence in ``language``; in English where there is no translation.

    Its ``{named}`` gaps are filled, or left for a script to fill if no values are given.
    """
    sentence = catalogue(language).get(message, message)
    return (
        sentence.format(**{name: _grouped(language, value) for name, value in values.items()}) if values else sentence
    )


def _grouped(language: str, value: object) -> object:
    """Long whole numbers with the language's marks; those of four digits stand without in Spanish (RAE, Ortografía)."""
    return number(language, value) if type(value) is int and abs(value) >= 10_000 else value


def negotiate(accept_language: str | None, cookie: str | None, account: str | None) -> str:
    """The reader's language: what the account says, else the cookie, else what the browser prefers."""
    for choice in (account, cookie):
        if choice in LANGUAGES:
            return choice
    for tag in _preferred(accept_language or ""):
        if tag in LANGUAGES:
            return tag
    return DEFAULT


def _preferred(header: str) -> list[str]:
    """Primary tags of an ``Accept-Language`` header, most wanted first (RFC 9110, 12.5.4)."""
    weighted: list[tuple[float, str]] = []
    for entry in header[:500].split(","):
        tag, _, parameter = entry.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if weight > 0:
            weighted.append((weight, tag.split("-")[0].lower()))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]


def number(language: str, value: float, digits: int = 0) -> str:
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, format=pattern, locale=language)


def day(language: str, moment: date | datetime) -> str:
    return format_date(moment, format="long", locale=language)


def moment(language: str, when: datetime) -> str:
    return format_datetime(when, format="short", locale=language)


def stamp(language: str, when: datetime) -> str:
    """A moment on paper, where no script says it in the reader's own clock: with its zone, the month in letters."""
    return f"{format_datetime(when.astimezone(UTC), format='medium', locale=language)} UTC"


def score(language: str, value: float) -> str:
    """Two digits, never rounded up to a certainty that was not given; the same as ``score`` in ``words.js``."""
    return number(language, min(value, 0.99) if value < 1 else 1.0, 2)


def day_and_month(language: str, when: date) -> str:
    """Short, for the foot of a chart."""
    return format_date(when, format="d MMM", locale=language)
