"""How a brought file is turned away, and how words from inside it are shown."""

from __future__ import annotations


class Refused(Exception):
    """The file is not taken. The sentence says what is wrong with it and what to do; it goes on after ``FILE: ``."""


def plain(words: object, most: int = 200) -> str:
    """What somebody else wrote, fit for a terminal: printable, on one line, short."""
    text = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(str(words).split()))
    return text if len(text) <= most else text[: most - 1] + "…"
