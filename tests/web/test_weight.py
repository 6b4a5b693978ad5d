"""A page that shows no chart brings less than 100 KB of script, uncompressed, before anybody has done anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import atisbo.web

WEB = Path(atisbo.web.__file__).parent
SCRIPTS = WEB / "static/js"
MOST_BYTES = 100_000
EVERYWHERE = ("page", "bell")
_STATIC = re.compile(r'^(?:import|export)\b[^;]*?"\./([\w-]+)\.js";', re.MULTILINE)
_ENTRIES = re.compile(r'<script type="module" src="\{\{ static\([\'"]js/([\w-]+)\.js')
_PRELOADED = re.compile(r"\{% for module in ([^%]+) %\}")


def closure(entries: set[str]) -> set[str]:
    """The scripts and all that they import as they load; what they load later, when it is wanted, is not counted."""
    found: set[str] = set()
    while entries:
        name = entries.pop()
        found.add(name)
        entries |= set(_STATIC.findall((SCRIPTS / f"{name}.js").read_text())) - found
    return found


def weight(template: Path) -> dict[str, int]:
    text = template.read_text()
    entries = set(_ENTRIES.findall(text)) | set(EVERYWHERE)
    for names in _PRELOADED.findall(text):
        entries |= set(re.findall(r'"([\w-]+)"', names)) - {"histogram"}
    return {name: (SCRIPTS / f"{name}.js").stat().st_size for name in closure(entries)}


PAGES = sorted(
    path.relative_to(WEB / "templates").as_posix()
    for path in (WEB / "templates").rglob("*.html")
    if _ENTRIES.search(path.read_text()) and path.name != "base.html"
)


def test_pages_are_found() -> None:
    assert {"workbench.html", "batch.html", "inbox.html", "images.html"} <= set(PAGES)
    assert {"server", "words"} <= closure({"workbench"})


@pytest.mark.parametrize("page", PAGES)
def test_little_script(page: str) -> None:
    found = weight(WEB / "templates" / page)
    assert sum(found.values()) < MOST_BYTES, sorted(found.items(), key=lambda one: -one[1])
