"""Files that a command writes at its end: whether they can be written is seen before the work."""

from __future__ import annotations

import os
from pathlib import Path

from atisbo.errors import Misconfigured


def check_files(*files: Path | None) -> None:
    """See that each file that is named can be written; nothing is written yet.

    Raises:
        Misconfigured: one cannot; the sentence says why.
    """
    for file in files:
        if file is not None and (fault := _fault(file)):
            raise _unwritable(file, fault)


def make_out(folder: Path) -> None:
    """Make the folder that is written into, unless it is there.

    Raises:
        Misconfigured: it cannot be made or written into.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, f"{error.strerror}. Name another folder.") from error
    if not os.access(folder, os.W_OK):
        raise _unwritable(folder, "this user may not. Name another folder.")


def _fault(file: Path) -> str | None:
    try:
        if file.is_dir():
            return "it is a folder. Name a file in it."
        if not file.parent.is_dir():
            return f"there is no folder {file.parent}. Make it first, or name another."
        may = os.access(file if file.exists() else file.parent, os.W_OK)
    except OSError as error:
        return f"{error.strerror}. Name another place."
    return None if may else "this user may not. Name another place."


def _unwritable(path: Path, reason: str) -> Misconfigured:
    return Misconfigured("unwritable", "{path} cannot be written: {reason}", path=path, reason=reason)
