"""What a run leaves on disk: a checkpoint it goes on from exactly, and the weights worth exporting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from atisbo.errors import Misconfigured
from atisbo.training.recipe import Recipe

CHECKPOINT = "checkpoint.pt"
WEIGHTS = "best.safetensors"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Replace the folder's checkpoint; a crash in between leaves the former one."""
    half = folder / f"{CHECKPOINT}.part"
    torch.save(state, half)
    half.replace(folder / CHECKPOINT)


def load_checkpoint(folder: Path, recipe: Recipe, data_sha256: str) -> dict[str, Any]:
    """The checkpoint to go on from.

    Raises:
        Misconfigured: there is none, or it belongs to another recipe or to other data.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise Misconfigured("checkpoint_missing", "{path} is missing: there is nothing to resume.", path=path)
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["recipe"] != recipe.model_dump_json() or state["data_sha256"] != data_sha256:
        raise Misconfigured(
            "checkpoint_other",
            "{path} was made with another recipe or other data. Resume with the same, or choose another --out.",
            path=path,
        )
    return state


def save_weights(folder: Path, weights: Mapping[str, Tensor], notes: dict[str, Any]) -> None:
    """Replace the folder's best weights; ``notes`` (recipe, epoch, lineage) travel in the file's header."""
    half = folder / f"{WEIGHTS}.part"
    tensors = {name: value.detach().clone().contiguous() for name, value in weights.items()}
    save_file(tensors, half, metadata={"notes": json.dumps(notes)})
    half.replace(folder / WEIGHTS)


def load_weights(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The best weights of a run and their notes.

    Raises:
        Misconfigured: the run has not finished an epoch yet.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise Misconfigured("weights_not_yet", "{path} is missing: no epoch of this run is complete.", path=path)
    with safe_open(path, "pt") as stored:
        return {name: stored.get_tensor(name) for name in stored.keys()}, json.loads(  # noqa: SIM118
            stored.metadata()["notes"]
        )
