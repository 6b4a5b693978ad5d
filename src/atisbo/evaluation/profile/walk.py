"""Every file under a folder, in order of its path; nothing is opened here."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

_TEXTS: Final = ("csv", "tsv", "txt", "md", "rst", "json", "jsonl", "xml", "html", "htm", "toml", "yaml", "yml", "ini")
_CODE: Final = ("cfg", "py", "ipynb", "sh", "log", "pdf", "doc", "docx", "xls", "xlsx", "db", "sqlite", "parquet")
_ARRAYS: Final = ("npy", "npz", "pkl", "pt", "pth", "onnx", "h5", "keras", "mat", "safetensors")
OTHER_SUFFIXES: Final = frozenset(f".{name}" for name in (*_TEXTS, *_CODE, *_ARRAYS))
"""Names of files that do not claim to be pictures: counted, not opened."""


@dataclass
class Tree:
    """What lies in a folder. Paths are relative to it, with ``/`` between their parts."""

    files: list[str] = field(default_factory=list)
    """To be opened."""
    others: list[str] = field(default_factory=list)
    """Not pictures by their name, or hidden."""
    faults: dict[str, str] = field(default_factory=dict)
    """Path → code of why it is not even tried."""


def walk(root: Path, *, follow: bool = False) -> Tree:
    """List a folder.

    Links within the folder are followed, links out of it only where ``follow`` says so. A folder is read once, by its
    own name rather than by a link to it.

    Raises:
        OSError: the folder itself cannot be listed.
    """
    top = root.resolve(strict=True)
    tree, seen = Tree(), set[tuple[int, int]]()
    folders, links = [(top, "")], list[tuple[Path, str]]()
    while folders or links:
        folder, prefix = folders.pop() if folders else links.pop(0)
        if _repeated(folder, seen):
            tree.faults[prefix.rstrip("/")] = "link_repeat"
            continue
        for entry in _listed(folder, prefix, tree):
            kind = _kind(entry, None if follow else top)
            if kind == "folder":
                (links if entry.is_symlink() else folders).append((Path(entry.path), f"{prefix}{entry.name}/"))
            else:
                _put(tree, prefix + entry.name, kind)
    tree.files.sort()
    tree.others.sort()
    return tree


def shown(path: str) -> str:
    """A path for people and JSON: bytes that are no UTF-8 are written as ``\\xff``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _repeated(folder: Path, seen: set[tuple[int, int]]) -> bool:
    try:
        status = folder.stat()
    except OSError:
        return False  # listing it will say why
    key = (status.st_dev, status.st_ino)
    if key in seen:
        return True
    seen.add(key)
    return False


def _kind(entry: os.DirEntry[str], fence: Path | None) -> str:
    """``file``, ``folder``, or the code of a fault."""
    fault = _fault_of_link(entry, fence) if entry.is_symlink() else ""
    if fault:
        return fault
    try:
        mode = entry.stat().st_mode
    except OSError:
        return "unreadable"
    return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "special"


def _put(tree: Tree, path: str, kind: str) -> None:
    name = PurePosixPath(path)
    if kind != "file":
        tree.faults[path] = kind
    elif name.name.startswith(".") or name.suffix.lower() in OTHER_SUFFIXES:
        tree.others.append(path)
    else:
        tree.files.append(path)


def _listed(folder: Path, prefix: str, tree: Tree) -> Iterator[os.DirEntry[str]]:
    """Files and folders by name; an unreadable folder is a fault, at any depth but the first."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        if not prefix:
            raise
        tree.faults[prefix.rstrip("/")] = "unreadable_folder"
        return
    yield from found


def _fault_of_link(entry: os.DirEntry[str], fence: Path | None) -> str:
    try:
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        return "link_broken" if isinstance(error, FileNotFoundError) else "link_loop"
    return "" if fence is None or target.is_relative_to(fence) else "link_outside"
