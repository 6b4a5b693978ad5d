"""A torch ``state_dict`` in safetensors, into the network of a recipe. Runs in a closed room."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from atisbo.adopt.convert import exported
from atisbo.adopt.proof import MODEL
from atisbo.adopt.refusal import Refused, plain
from atisbo.domain.cards import Card
from atisbo.training.networks import build
from atisbo.training.recipe import Recipe

_LONGEST_HEADER: Final = 64 << 20
_WRAPPED: Final = "module."
"""What ``DataParallel`` puts before every name."""


def convert(scratch: Path, source: str, card: str, recipe: str) -> dict[str, Any]:
    """A state_dict of the recipe's network to ``model.onnx``.

    Args:
        source: path of the file.
        card, recipe: as JSON.

    Returns:
        ``difference``: the largest between torch and the file; ``outputs``: names.

    Raises:
        Refused: the file is damaged, or holds other weights than the recipe's network has.
    """
    network = build(Recipe.model_validate_json(recipe))
    fill(network, Path(source))
    return exported(network, Card.model_validate_json(card), scratch / MODEL)


def fill(network: nn.Module, path: Path) -> None:
    """Put the file's weights into the network; every one has to have its place.

    Raises:
        Refused: the header lies, or names and shapes are others.
    """
    _header(path)
    try:
        stored = load_file(path)
    except (SafetensorError, ValueError, OSError) as error:
        raise Refused(f"its header is damaged or lies about its size: {plain(error, 200)}") from error
    if stored and all(name.startswith(_WRAPPED) for name in stored):
        stored = {name.removeprefix(_WRAPPED): value for name, value in stored.items()}
    wanted = {name: value for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    found = {name: value for name, value in stored.items() if not name.endswith("num_batches_tracked")}
    _same(wanted, found)
    with torch.no_grad():
        for name, value in found.items():
            wanted[name].copy_(value.float())


def _header(path: Path) -> None:
    """The length of the header has to fit the file, and the header be JSON, before anything is reserved for it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(_LONGEST_HEADER, size - 8):
            raise Refused(f"its header says it has {length} bytes, but the file has {size}; it lies")
        try:
            json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise Refused("its header is damaged") from error


def _same(wanted: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    if missing := sorted(wanted.keys() - found.keys()):
        raise Refused(f"it lacks {len(missing)} weights of the recipe's network, first {plain(missing[0], 80)}")
    if strange := sorted(found.keys() - wanted.keys()):
        raise Refused(f"it has {len(strange)} weights that the recipe's network has not, first {plain(strange[0], 80)}")
    for name, value in wanted.items():
        if value.shape != found[name].shape:
            raise Refused(f"{name} is {_shape(found[name])}, but the recipe's network has {_shape(value)}")


def _shape(value: Tensor) -> str:
    return " × ".join(map(str, value.shape)) or "one number"
