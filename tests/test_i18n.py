"""Both languages are complete: whatever a person can read has its Spanish sentence, with the same gaps."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

import atisbo
from atisbo import errors, i18n
from atisbo.domain.applications import SHIPPED

SOURCE = Path(atisbo.__file__).parent
TEMPLATES = SOURCE / "web/templates"
SCRIPTS = SOURCE / "web/static/js"
ERRORS = {name for name, error in vars(errors).items() if isinstance(error, type)} - {"Misconfigured"}
"""Misconfigured is left out: it is read by the operator, on a terminal."""
TERMINAL = ("adopt/", "cli/", "training/", "evaluation/", "imaging/folders.py")
"""Raised only under commands, whose words are English."""


def sentences() -> dict[str, str]:
    """English sentence → where it stands, of every message that a page or the API can show."""
    found: dict[str, str] = {}
    keywords: dict[str, tuple[int, ...] | None] = {"_": None} | dict.fromkeys(ERRORS, (2,))
    methods = [("**.py", "python"), ("web/templates/**.html", "jinja2")]
    for file, line, message, _, _ in extract_from_dir(SOURCE, methods, {}, keywords):
        if not file.startswith(TERMINAL):
            found[str(message)] = f"{file}:{line}"
    return found


def gaps(sentence: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", sentence))


def test_the_extraction_sees_errors_templates_and_scripts_words() -> None:
    found = sentences()
    for known in (
        "The password is too short. Use at least {count} characters.",
        "Delete this image?",
        "Waiting: number {position} in the queue",
        "The file is damaged and cannot be opened. Export it again.",
    ):
        assert known in found


def test_every_sentence_has_a_spanish_one() -> None:
    spanish = i18n.catalogue("es")
    assert {where: s for s, where in sentences().items() if s not in spanish} == {}


def test_a_sentence_is_translated_in_one_place() -> None:
    """Also within a file, where reading would keep the last one in silence."""
    ids: list[str] = []
    for path in i18n.files("es"):
        entries = re.findall(r'^msgid ((?:".*"\n)+)', path.read_text(), re.MULTILINE)
        ids += ["".join(re.findall(r'"(.*)"\n', entry)) for entry in entries]
    said = Counter(one for one in ids if one)
    assert said
    assert {sentence for sentence, times in said.items() if times > 1} == set()


def test_translations_have_the_same_gaps() -> None:
    assert {e: s for e, s in i18n.catalogue("es").items() if gaps(e) != gaps(s)} == {}


def test_what_the_shipped_cards_say_is_translated() -> None:
    spanish = i18n.catalogue("es")
    for path in SHIPPED.glob("*/card.json"):
        card = json.loads(path.read_text())
        names = [one["name"] for one in card["quality"]]
        wholes = [name for name in names if not any(name.startswith(f"{other}, ") for other in names)]
        for said in (card["limits"], card["licence"], *card["output"]["labels"], *wholes):
            assert said in spanish, said


def test_scripts_say_only_what_the_page_gives_them() -> None:
    words = set(re.findall(r'"([\w.]+)": _\(', (TEMPLATES / "words.html").read_text()))
    said: set[str] = set()
    for script in SCRIPTS.glob("*.js"):
        text = script.read_text()
        said |= set(re.findall(r'\bsay\(\s*(?:\w+ \? )?"([\w.]+)"', text))
        said |= {f"{key}.{form}" for key in re.findall(r'sayMany\("([\w.]+)"', text) for form in ("one", "other")}
    assert said
    assert said <= words


def test_templates_hold_no_sentence_outside_the_catalogue() -> None:
    """Text between tags that has two words or more must come from ``_()``; a language's own name may stand as it is."""
    allowed = {"HyperKvasir / Kvasir-SEG (Simula), CC BY 4.0"}
    loose = set()
    for path in TEMPLATES.rglob("*.html"):
        if path.name == "api_docs.html":
            continue
        text = re.sub(r"\{[{%#].*?[}%#]\}", " ", path.read_text(), flags=re.DOTALL)
        text = re.sub(r"<code>.*?</code>", " ", text, flags=re.DOTALL)  # commands have no language
        for piece in re.findall(r">([^<>]+)<", text):
            words = " ".join(piece.split())
            if re.search(r"[A-Za-zÀ-ÿ]{2,} [A-Za-zÀ-ÿ]{2,}", words) and words not in allowed:
                loose.add((path.name, words))
    assert loose == set()


@pytest.mark.parametrize(
    ("header", "cookie", "account", "language"),
    [
        ("es-ES,es;q=0.9", None, None, "es"),
        ("fr,en;q=0.5,es;q=0.8", None, None, "es"),
        ("es;q=0,en", None, None, "en"),
        ("fr,de", None, None, "en"),
        (None, None, None, "en"),
        ("es;q=x, en;q=0.1", None, None, "en"),
        ("en", "es", None, "es"),
        ("en", "xx", None, "en"),
        ("en", "en", "es", "es"),
    ],
)
def test_negotiation(header: str | None, cookie: str | None, account: str | None, language: str) -> None:
    assert i18n.negotiate(header, cookie, account) == language


def test_gaps_are_filled_and_left_for_scripts() -> None:
    assert i18n.translate("es", "{count} days", count=3) == "3 días"
    assert i18n.translate("es", "{count} days") == "{count} días"
    assert i18n.translate("en", "An unknown {thing}.", thing="word") == "An unknown word."


def test_numbers_and_dates() -> None:
    assert i18n.number("es", 0.8125, 2) == "0,81"
    assert i18n.number("en", 1306) == "1,306"
    day = datetime(2026, 11, 21, 7, 5, tzinfo=UTC)
    assert i18n.day("es", day) == "21 de noviembre de 2026"
    assert i18n.day("en", day) == "November 21, 2026"


def test_long_whole_numbers_in_a_sentence_are_grouped() -> None:
    assert i18n.translate("es", "At most {most} pixels.", most=50_000_000) == "At most 50.000.000 pixels."
    assert i18n.translate("en", "At most {most} pixels.", most=50_000_000) == "At most 50,000,000 pixels."
    assert i18n.translate("en", "In {year}.", year=2026) == "In 2026."


def test_a_score_is_not_rounded_up_to_a_certainty() -> None:
    assert i18n.score("en", 0.9968) == "0.99"
    assert i18n.score("es", 0.555) == "0,56"
    assert i18n.score("en", 1.0) == "1.00"
