"""How a brought file is turned away, and how words from inside it are shown."""

from __future__ import annotations


class Refused(Exception):
    """The file is not taken. The sentence says what is wrong with it and what to do; it goes on after ``FILE: ``."""


def out_of_memory(error: BaseException) -> bool:
    """Whether it is for want of memory; torch and OpenVINO say that in words of their own."""
    said = str(error)
    return isinstance(error, MemoryError) or "allocate memory" in said or "bad_alloc" in said


def plain(words: object, most: int = 200) -> str:
    """What somebody else wrote, fit for a terminal: printable, on one line, short."""
    text = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in " ".join(str(words).split()))
    return text if len(text) <= most else text[: most - 1] + "…"
