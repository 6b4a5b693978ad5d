"""From somebody's file to ONNX, with proof that both answer the same. Runs in a closed room."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from atisbo.adopt.proof import noise
from atisbo.adopt.refusal import Refused, out_of_memory, plain
from atisbo.domain.cards import Card
from atisbo.imaging.transform import normalise
from atisbo.training.export import INPUT, OPSET

BOUND: Final = 1e-3
"""Largest difference between the file's own framework and ONNX Runtime, relative to the largest answer."""
Answers = dict[str, NDArray[np.float32]]


def load_keras(path: Path) -> nn.Module:
    """A network of Keras, with named answers, from a file that was cleaned before.

    Raises:
        Refused: Keras cannot build it, or it has no one image for an input.
    """
    from keras import saving

    logging.disable(logging.WARNING)
    try:
        model = saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever a wrong description makes a hundred layers say
        if out_of_memory(error):
            raise
        raise Refused(f"Keras cannot build it: {plain(error, 300)}") from error
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        raise Refused("it does not take one batch of images; a network with one input of rank 4 is needed")
    return Named(model, list(getattr(model, "output_names", ["output"])))


class Named(nn.Module):
    """A network whose answers have names, whether it gives one, several or a dictionary."""

    def __init__(self, network: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        found = self.network(x)
        if isinstance(found, dict):
            return found
        return dict(zip(self.names, found if isinstance(found, list | tuple) else [found], strict=True))


class _Flat(nn.Module):
    """As the exporter wants it: a tuple."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network(x).values())


def exported(network: nn.Module, card: Card, path: Path) -> dict[str, Any]:
    """Write ``path`` with a free batch size and the answers' names, and compare.

    Args:
        network: gives a dictionary of tensors.

    Raises:
        Refused: it does not take the card's input, the exporter cannot write it, or the file answers differently.
    """
    network.eval()
    batch = normalise(noise(card.input.size), card.input)
    wanted = _answers(network, batch)
    _write(network, torch.from_numpy(batch[:1]), list(wanted), path)
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    parts = [session.run(list(wanted), {INPUT: one[np.newaxis]}) for one in batch]  # the engine tries larger ones
    given = dict(zip(wanted, map(np.concatenate, zip(*parts, strict=True)), strict=True))
    difference = max(_difference(wanted[name], given[name]) for name in wanted)
    if not difference <= BOUND:
        raise Refused(f"the converted network answers differently, by {difference:.2g}; {BOUND} is allowed")
    return {"difference": difference, "outputs": list(wanted)}


def _answers(network: nn.Module, batch: NDArray[np.float32]) -> Answers:
    try:
        with torch.no_grad():
            found: dict[str, Tensor] = network(torch.from_numpy(batch))
    except (RuntimeError, ValueError, TypeError) as error:
        if out_of_memory(error):
            raise
        shape = " × ".join(["n", *map(str, batch.shape[1:])])
        raise Refused(
            f"input.tensor: the network does not take {shape}, which is the card's size and layout"
            f" ({plain(error, 200)}). Keras networks are NHWC as a rule"
        ) from error
    return {name: np.asarray(value.float().numpy()) for name, value in found.items()}


def _write(network: nn.Module, example: Tensor, names: list[str], path: Path) -> None:
    axes = {name: {0: "n"} for name in (INPUT, *names)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing is meant: shapes are the card's
        try:
            torch.onnx.export(
                *(_Flat(network), (example,), str(path)),
                input_names=[INPUT],
                output_names=names,
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError, ValueError, TypeError) as error:
            raise Refused(f"a layer cannot be written as ONNX: {plain(error, 300)}") from error


def _difference(wanted: NDArray[np.float32], given: NDArray[np.float32]) -> float:
    if wanted.shape != given.shape or not np.isfinite(wanted).all():
        return float("inf")
    return float(np.abs(wanted - given).max() / max(1.0, float(np.abs(wanted).max())))
