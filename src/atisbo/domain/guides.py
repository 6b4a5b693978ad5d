"""Guides: how to take and mark a picture and how to read its answer, written by the application in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from atisbo.errors import Misconfigured

LANGUAGES: Final = ("es", "en")
FOLDERS: Final = ("guide", "samples")
"""Where a guide's pictures lie, beside it."""
_PICTURE: Final = re.compile(r"!\[[^\]]*\]\(\s*<?([^)\s>]*)")
_ADDRESS: Final = re.compile(rf"(?:{'|'.join(FOLDERS)})/[A-Za-z0-9][A-Za-z0-9._-]{{0,79}}\.(?:jpg|jpeg|png|webp)")


def path(folder: Path, language: str) -> Path:
    return folder / f"guide.{language}.md"


def check(folder: Path) -> bool:
    """Whether the application in ``folder`` has a guide.

    Raises:
        Misconfigured: one in a single language, or a picture that is not there; the sentence names the file.
    """
    written = [path(folder, language) for language in LANGUAGES if path(folder, language).is_file()]
    if not written:
        return False
    for language in LANGUAGES:
        if path(folder, language) not in written:
            raise Misconfigured(
                "guide_alone",
                "{path} is missing: a guide is written in Spanish and in English.",
                path=path(folder, language),
            )
    for one in written:
        _check_pictures(one)
    return True


def read(folder: Path, language: str) -> str:
    """The guide's Markdown."""
    return path(folder, language).read_text(encoding="utf-8")


def _check_pictures(file: Path) -> None:
    try:
        named = _PICTURE.findall(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise Misconfigured("guide_unreadable", "{path} is not UTF-8 text.", path=file) from error
    for address in named:
        if not _ADDRESS.fullmatch(address) or not (file.parent / address).is_file():
            raise Misconfigured(
                "guide_picture",
                "{path} shows {picture}, which is no picture in the folder guide or samples.",
                path=file,
                picture=address,
            )


def picture(folder: Path, file: str) -> Path | None:
    """A picture in the folder ``guide``; None for anything else."""
    found = folder / "guide" / file
    return found if _ADDRESS.fullmatch(f"guide/{file}") and found.is_file() else None
