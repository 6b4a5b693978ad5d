"""The style sheets: colours come from the tokens, and the fall-back for old browsers is the light theme."""

from __future__ import annotations

import re

from atisbo.web.assets import FOLDER

SHEETS = FOLDER / "css"
PAIR = re.compile(r"(--[\w-]+): light-dark\((#\w+), (#\w+)\);")


def test_old_browsers_get_the_light_theme() -> None:
    text = (SHEETS / "tokens.css").read_text()
    fallback = text.split("@supports not")[1]
    pairs = PAIR.findall(text)
    assert len(pairs) > 10
    for name, light, _ in pairs:
        assert f"{name}: {light};" in fallback


def test_every_token_that_is_used_is_defined() -> None:
    text = "\n".join(path.read_text() for path in SHEETS.glob("*.css"))
    set_by_scripts = {"--width", "--height", "--pan-x", "--pan-y", "--share", "--at", "--x", "--y"}
    used = set(re.findall(r"var\((--[\w-]+)", text))
    defined = set(re.findall(r"(--[\w-]+):", text))
    optional = {"--gap"}
    assert used - defined - set_by_scripts - optional == set()


def test_text_has_four_sizes() -> None:
    sizes = set()
    for path in SHEETS.glob("*.css"):
        sizes |= set(re.findall(r"font-size: ([^;]+);", path.read_text()))
    assert sizes - {"var(--text-small)", "var(--text)", "var(--text-large)", "var(--text-title)"} <= {
        "100%",
        "125%",
        "175%",
        "0.9em",
        "0.8125rem",
    }, "per cent are the page's own, on larger screens"
