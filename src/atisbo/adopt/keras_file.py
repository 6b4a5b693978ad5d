"""Opens ``.keras`` and ``.h5`` by hand and writes a clean copy that Keras may load. Runs in a closed room."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any, Final

import h5py

from atisbo.adopt import hdf5, keras_config
from atisbo.adopt.refusal import Refused, plain
from atisbo.domain.cards import Card

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MEMBERS: Final = {_CONFIG: keras_config.LARGEST, _METADATA: 1 << 20}
_LARGEST: Final = 1 << 30
"""Bytes of weights, unpacked."""


def convert(scratch: Path, source: str, card: str) -> dict[str, Any]:
    """``.keras`` or ``.h5`` to ``model.onnx``.

    Args:
        source: path of the file.
        card: the card as JSON; its input size is exported.

    Returns:
        ``difference``: the largest between Keras and the file; ``outputs``: names.

    Raises:
        Refused: the file is no network of Keras's own layers, or cannot be converted.
    """
    path = Path(source)
    clean = clean_h5(path, scratch) if path.suffix.lower() in (".h5", ".hdf5") else clean_keras(path, scratch)
    from atisbo.adopt.convert import exported, load_keras  # the heavy libraries, only for files that were let through

    return exported(load_keras(clean), Card.model_validate_json(card), scratch / "model.onnx")


def clean_keras(source: Path, scratch: Path) -> Path:
    """A ``.keras`` with the three members it must have and nothing else, each looked through.

    Raises:
        Refused: it is no such zip, reaches out of its folder, unpacks to too much, or carries code.
    """
    try:
        with zipfile.ZipFile(source) as packed:
            _members(packed.infolist())
            config = keras_config.cleaned(_unpacked(packed, _CONFIG))
            metadata = json.loads(_unpacked(packed, _METADATA))
            weights = scratch / _WEIGHTS
            weights.write_bytes(_unpacked(packed, _WEIGHTS))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        raise Refused(f"its zip is damaged: {plain(error, 200)}") from error
    hdf5.check(weights, _LARGEST)
    clean = scratch / "clean.keras"
    with zipfile.ZipFile(clean, "w") as fresh:
        fresh.writestr(_CONFIG, json.dumps(config))
        fresh.writestr(_METADATA, json.dumps({"keras_version": plain(metadata.get("keras_version", ""), 20)}))
        fresh.write(weights, _WEIGHTS)
    return clean


def _members(entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in entry.filename or stat.S_ISLNK(entry.external_attr >> 16):
            raise Refused(f"its zip holds {plain(entry.filename, 100)!r}, which reaches out of its folder")
        if entry.filename not in (*_MEMBERS, _WEIGHTS):
            raise Refused(f"its zip holds {plain(entry.filename, 100)!r}, which a network of layers does not need")
        if entry.file_size > _MEMBERS.get(entry.filename, _LARGEST):
            raise Refused(f"its zip unpacks {entry.filename} to {entry.file_size >> 20} MiB, which is too much")
    if sorted(names) != sorted({*_MEMBERS, _WEIGHTS}):
        raise Refused(f"its zip needs {', '.join([*_MEMBERS, _WEIGHTS])}, each once; save the whole model again")


def _unpacked(packed: zipfile.ZipFile, name: str) -> bytes:
    """A member's bytes, whatever its header says of their number."""
    most = packed.getinfo(name).file_size
    with packed.open(name) as member:
        data = member.read(most + 1)
    if len(data) != most:
        raise Refused(f"its zip says {name} has {most} bytes; it has others")
    return data


def clean_h5(source: Path, scratch: Path) -> Path:
    """A copy of an ``.h5`` of Keras 2 or 3 that holds its checked description and weights.

    Raises:
        Refused: it points out of itself, declares too much, holds weights only, or carries code.
    """
    hdf5.check(source, _LARGEST)
    clean = scratch / "clean.h5"
    with h5py.File(source, "r") as dirty, h5py.File(clean, "w") as fresh:
        described = dirty.attrs.get("model_config")
        if not isinstance(described, str | bytes) or "model_weights" not in dirty:
            raise Refused("it holds weights without the network; save the whole model: model.save('network.keras')")
        fresh.attrs["model_config"] = json.dumps(keras_config.cleaned(described))
        for name in ("keras_version", "backend"):
            fresh.attrs[name] = plain(_text(dirty.attrs.get(name, "")), 20)
        dirty.copy("model_weights", fresh)
    return clean


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
