"""``atisbo import``: from a file somebody brought to an application's network, or to a sentence that says why not."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Final

from atisbo.adopt import kinds
from atisbo.adopt.folder import Draft, publish
from atisbo.adopt.refusal import Refused, plain
from atisbo.adopt.warden import Bounds, work
from atisbo.domain.cards import Card, Lineage
from atisbo.errors import Invalid, Misconfigured

_MODEL: Final = "model.onnx"
_NEEDED: Final = {
    "onnx": ("onnx", "onnxruntime"),
    "keras": ("keras", "h5py", "torch", "onnx", "onnxruntime"),
    "h5": ("keras", "h5py", "torch", "onnx", "onnxruntime"),
    "safetensors": ("safetensors", "torch", "onnx", "onnxruntime"),
}
_SPOKEN: Final = {"onnx": "ONNX", "keras": "Keras", "h5": "Keras HDF5", "safetensors": "safetensors"}


@dataclass(frozen=True)
class Adopted:
    """What came of it."""

    card: Card
    kind: kinds.Kind
    converted: float | None
    """Largest relative difference between the file's own framework and the converted network; None for ONNX."""
    proved: float
    """Largest difference of a probability between ONNX Runtime and OpenVINO."""


def adopt(source: Path, folder: Path, *, recipe: str | None, command: str, bounds: Bounds | None = None) -> Adopted:
    """Open, convert, compare, try against the card, and only then write the network and its card into ``folder``.

    Args:
        source: the file; it is only copied here, and opened in processes that can reach nothing.
        folder: an application's folder.
        recipe: name or path of the recipe whose network the weights in a safetensors file belong to.
        command: for the card.

    Raises:
        Invalid: the file is refused; nothing was changed.
        Misconfigured: the folder, the recipe or this machine does not allow it; nothing was changed.
    """
    try:
        return _adopted(source, Draft.read(folder), recipe, command, bounds or Bounds())
    except Refused as error:
        raise Invalid("import_refused", "{file}: {why}.", file=plain(source.name), why=error) from error


def _adopted(source: Path, draft: Draft, recipe: str | None, command: str, bounds: Bounds) -> Adopted:
    with _rooms() as base:
        copy = base / "source"
        kind, digest = _copied(source, copy, bounds.file_bytes)
        _installed(kind)
        brought, converted = copy / f"network{source.suffix.lower()}", None
        if kind != "onnx":
            brought, converted = _converted(kind, brought, base, draft.card, recipe, bounds)
        room = _room(base / "proof")
        model = base / _MODEL
        _collect(brought, model, bounds.file_bytes)
        _collect(model, room / _MODEL, bounds.file_bytes)
        lineage = Lineage(
            data=f"imported from {plain(source.name)}, {_SPOKEN[kind]}, sha256 {digest}", command=plain(command, 500)
        )
        card = draft.with_network(hashlib.sha256(model.read_bytes()).hexdigest(), lineage)
        found = work("atisbo.adopt.proof:prove", room, bounds, card=card.model_dump_json())
        publish(draft, card, model)
        return Adopted(card, kind, converted, _figure(found))


def prove(model: bytes, card: Card, bounds: Bounds | None = None) -> float:
    """Try an ONNX file against a card, in a closed room.

    Returns:
        The largest difference of a probability between ONNX Runtime and OpenVINO.

    Raises:
        Invalid: the file is refused.
        Misconfigured: a library is missing, or rooms cannot be closed on this machine.
    """
    _installed("onnx")
    try:
        with _rooms() as base:
            room = _room(base / "proof")
            (room / _MODEL).write_bytes(model)
            return _figure(work("atisbo.adopt.proof:prove", room, bounds or Bounds(), card=card.model_dump_json()))
    except Refused as error:
        raise Invalid("version_refused", "The network was refused: {reason}.", reason=str(error)) from error


@contextlib.contextmanager
def _rooms() -> Iterator[Path]:
    """A folder for the rooms; whatever they left in it is removed."""
    base = Path(tempfile.mkdtemp(prefix="atisbo-import-"))
    try:
        yield base
    finally:
        try:
            shutil.rmtree(base, ignore_errors=True)
        except RecursionError:  # a room may have nested folders deeper than Python calls itself
            subprocess.run(["rm", "-rf", "--", str(base)], check=False)


def _copied(source: Path, into: Path, most: int) -> tuple[kinds.Kind, str]:
    """A copy under a name of ours; kind and SHA-256 of the original."""
    into.mkdir()
    with _opened(source) as file:
        start = file.read(16)
        kind = kinds.recognise(source, start)
        file.seek(0)
        return kind, _copy(file, into / f"network{source.suffix.lower()}", most)


def _copy(file: BinaryIO, to: Path, most: int) -> str:
    """Copy no more than allowed; the SHA-256 of what was copied."""
    digest, copied = hashlib.sha256(), 0
    with to.open("xb") as out:
        while part := file.read(1 << 20):
            copied += len(part)
            if copied > most:
                raise Refused(f"it is larger than {most >> 20} MiB")
            digest.update(part)
            out.write(part)
    return digest.hexdigest()


def _installed(kind: str) -> None:
    for name in _NEEDED[kind]:
        if find_spec(name) is None:
            raise Misconfigured("import_missing", "{name} is not installed: pip install 'atisbo[adopt]'", name=name)


def _converted(
    kind: str, source: Path, base: Path, card: Card, recipe: str | None, bounds: Bounds
) -> tuple[Path, float]:
    room, told = _room(base / "conversion"), {"source": str(source), "card": card.model_dump_json()}
    job = "atisbo.adopt.keras_file:convert"
    if kind == "safetensors":
        job, told["recipe"] = "atisbo.adopt.weights:convert", _recipe(recipe)
    found = work(job, room, bounds, reads=[source.parent], **told)
    return room / _MODEL, _figure(found)


def _recipe(recipe: str | None) -> str:
    from atisbo.training.recipe import load_recipe

    if recipe is None:
        raise Refused("it holds weights without a network; say whose they are with --recipe, for example --recipe unet")
    return load_recipe(recipe).model_dump_json()


def _room(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _collect(source: Path, to: Path, most: int) -> None:
    """Copy what a room left, if it is a plain file: a room that was taken over could leave anything under that name."""
    with _opened(source, os.O_NOFOLLOW) as file:
        _copy(file, to, most)


def _opened(path: Path, flags: int = 0) -> BinaryIO:
    """A plain file; nothing is waited for.

    Raises:
        Refused: it is something else, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    except OSError as error:
        raise Refused(f"it cannot be read ({error.strerror})") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused("it is not a file")
    return os.fdopen(descriptor, "rb")


def _figure(found: dict[str, Any]) -> float:
    """The difference a room speaks of; not a number if it speaks of none."""
    value = found.get("difference")
    return float(value) if isinstance(value, int | float) else float("nan")
