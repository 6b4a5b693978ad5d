"""The application's folder: what it says of the network to come, and putting that in, wholly or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from atisbo.domain.applications import Application, load
from atisbo.domain.cards import Card, Lineage
from atisbo.errors import Invalid

_TOML, _CARD, _MODEL = "application.toml", "card.json", "model.onnx"
_MOVED: Final = (("input", "tensor"), ("output",))
"""The tables of the TOML file that become part of the card."""


@dataclass(frozen=True)
class Draft:
    """A folder and the card its next network will have, with a checksum still to come."""

    folder: Path
    card: Card
    toml: str
    """``application.toml`` as it will be: without what the card says."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises:
        Misconfigured: the folder's files are wrong.
        Invalid: they do not say, or say twice, what the network eats and answers; the sentence says what to do.
        """
        application = Application.read(folder)
        text = (folder / _TOML).read_bytes().decode()
        tensor, output = application.input.tensor, application.output
        if (folder / _CARD).exists():
            if tensor is not None or output is not None:
                raise _wrong(folder, "[input.tensor] and [output] are in card.json; leave one of the two out")
            old = Card.read(folder / _CARD)
            return cls(folder, unmeasured(old), text)
        if tensor is None or output is None:
            raise _wrong(folder, "needs [input.tensor] and [output], or a card.json beside it")
        card = Card(name=application.name, task=application.task, sha256="0" * 64, input=tensor, output=output)
        return cls(folder, card, without_tables(text, folder))

    def with_network(self, sha256: str, lineage: Lineage) -> Card:
        return self.card.model_copy(update={"sha256": sha256, "lineage": lineage})


def _wrong(folder: Path, fault: str) -> Invalid:
    return Invalid("import_folder", "{path}: {fault}", path=folder / _TOML, fault=fault)


def unmeasured(card: Card) -> Card:
    """The card without what was found for the network that it described so far; threshold and texts stay."""
    output = card.output.model_copy(update={"temperature": 1.0, "unsure_above": None})
    return card.model_copy(update={"output": output, "gate": None, "quality": (), "lineage": Lineage()})


def without_tables(text: str, folder: Path) -> str:
    """The TOML text without ``[input.tensor]`` and ``[output]``; all else, comments too, stays as it is.

    Raises:
        Invalid: they are not written as tables of their own.
    """
    for keys in _MOVED:
        wanted = _without(tomllib.loads(text), keys)
        fitting = (cut for cut in _cuts(text, ".".join(keys)) if _full(_parsed(cut)) == _full(wanted))
        found = next(fitting, None)
        if found is None:
            raise _wrong(folder, f"write [{'.'.join(keys)}] as a table of its own; it moves into card.json")
        text = found
    return text


def _cuts(text: str, name: str) -> Iterator[str]:
    """The text without the lines from the table's header to each later line that might be the next header."""
    lines = text.splitlines(keepends=True)
    header = re.compile(r"\s*\[\s*" + r"\s*\.\s*".join(name.split(".")) + r"\s*\]")
    for start in (number for number, line in enumerate(lines) if header.match(line)):
        ends = [number for number in range(start + 1, len(lines)) if lines[number].lstrip().startswith("[")]
        for end in [*ends, len(lines)]:
            while end - 1 > start and lines[end - 1].lstrip().startswith("#"):
                end -= 1  # a remark above the next header belongs to that
            yield "".join([*lines[:start], *lines[end:]])


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _without(said: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    *above, last = keys
    place = said
    for key in above:
        place = place[key]
    del place[last]
    return said


def _full(said: dict[str, Any] | None) -> dict[str, Any] | None:
    """Without the tables in which there is nothing: whether their header stands there makes no difference."""
    return said if said is None else {key: value for key, value in said.items() if value != {}}


def publish(draft: Draft, card: Card, model: Path) -> None:
    """Put network, card and TOML file into the folder. Before that, the three are read as the service will read them.

    Raises:
        Misconfigured: they contradict each other; nothing was changed.
        OSError: the folder cannot be written to; nothing was changed.
    """
    staged = Path(tempfile.mkdtemp(prefix=".import-", dir=draft.folder))
    try:
        shutil.copyfile(model, staged / _MODEL)
        card.write(staged / _CARD)
        (staged / _TOML).write_bytes(draft.toml.encode())
        shutil.copymode(draft.folder / _TOML, staged / _TOML)
        if (draft.folder / "samples").exists():
            (staged / "samples").symlink_to(draft.folder.resolve() / "samples")
        load(staged)
        _swap(staged, draft.folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _swap(staged: Path, folder: Path) -> None:
    """Three renames; if one fails, those before it are undone. After a crash in between, load() refuses the folder."""
    undo = contextlib.ExitStack()
    with undo:
        for name in (_MODEL, _CARD, _TOML):
            _sync(staged / name)
            kept = staged / f"{name}.before"
            if (folder / name).exists():
                shutil.copy2(folder / name, kept)
                undo.callback(os.replace, kept, folder / name)
            else:
                undo.callback((folder / name).unlink, missing_ok=True)
            os.replace(staged / name, folder / name)  # noqa: PTH105
        undo.pop_all()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
