"""A network against its card, with the engine that will serve it. Runs in a closed room of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from atisbo.adopt import network
from atisbo.adopt.refusal import Refused, out_of_memory, plain
from atisbo.domain.cards import Card
from atisbo.errors import Misconfigured
from atisbo.imaging.transform import Pixels, normalise
from atisbo.inference import answers
from atisbo.inference.engine import OpenVINOEngine

BOUND: Final = 1e-3
"""Largest difference of a probability between two runtimes, both in float32."""
QUANTISED_BOUND: Final = 0.05
"""The same of a network that computes in whole numbers: runtimes round them in different places."""
MODEL: Final = "model.onnx"


def prove(scratch: Path, card: str) -> dict[str, Any]:
    """Inspect ``model.onnx``, run it, compare ONNX Runtime with OpenVINO.

    Args:
        card: the card, as JSON.

    Returns:
        ``difference``: the largest of a probability or of an embedding; ``outputs``: names; ``nodes``: how many.

    Raises:
        Refused: it is not only a network, or contradicts its card.
    """
    path, said = scratch / MODEL, Card.model_validate_json(card)
    model = network.read(path)
    names = network.outputs(model)
    _activation(model, said)
    try:
        engine = OpenVINOEngine(path, said, precision="f32", streams=1)
        OpenVINOEngine(path, said, streams=1)
    except Misconfigured as error:
        raise Refused(_field(error)) from error
    pictures = noise(said.input.size)
    given, wanted = engine.infer(pictures), _onnx_runtime(path, said, pictures)
    difference = max(_difference(wanted[name], given[name]) for name in wanted)
    bound = QUANTISED_BOUND if network.quantised(model) else BOUND
    if not difference <= bound:
        raise Refused(f"two runtimes disagree about its answers by {difference:.2g}; {bound} is allowed")
    return {"difference": difference, "outputs": names, "nodes": len(model.graph.node)}


def noise(size: tuple[int, int], seed: int = 0) -> Pixels:
    """(4, H, W, 3), uint8: noise, coarse noise, the same in the dark, a ramp from blue to red."""
    chance = np.random.default_rng(seed)
    height, width = size
    fine = chance.integers(0, 256, (height, width, 3), np.uint8)
    coarse = chance.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
    blocks = np.kron(coarse, np.ones((8, 8, 1), np.uint8))[:height, :width]
    grey = np.broadcast_to(np.linspace(0, 255, width).astype(np.uint8), (height, width))
    ramp = np.stack([grey, grey // 4, 255 - grey], axis=-1)
    return np.ascontiguousarray(np.stack([fine, blocks, blocks // 8, ramp]))


def _activation(model: Any, card: Card) -> None:
    """Probabilities must not be activated a second time: every answer would come out near one half."""
    names = network.outputs(model)
    inside = network.last_activation(model, card.output.scores or names[0])
    if inside and card.output.activation != "none":
        raise Refused(
            f"output.activation: the network ends in a {inside}, its answers are probabilities already; say 'none'"
        )


def _difference(wanted: NDArray[np.float32], given: NDArray[np.float32]) -> float:
    """The largest, of a probability; of an embedding relative to its largest number."""
    return float(np.abs(wanted - given).max() / max(1.0, float(np.abs(wanted).max())))


def _onnx_runtime(path: Path, card: Card, pictures: Pixels) -> answers.Answers:
    """Everything that the card names, from one picture at a time."""
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
        entry, first = session.get_inputs()[0].name, session.get_outputs()[0].name
        wanted = {name: output or first for name, output in answers.wanted(card).items()}
        parts = [session.run([*wanted.values()], {entry: normalise(one[np.newaxis], card.input)}) for one in pictures]
    except Exception as error:  # its exceptions have no family of their own
        if out_of_memory(error):
            raise
        raise Refused(f"it does not run in ONNX Runtime: {plain(error, 300)}") from error
    raw = [np.concatenate(part).astype(np.float32) for part in zip(*parts, strict=True)]
    return answers.read(dict(zip(wanted, raw, strict=True)), card)


def _field(error: Misconfigured) -> str:
    """The engine's sentence without the path of the room."""
    if "field" in error.values:
        return f"{error.values['field']}: {error.values['reason']}"
    return str(error).split(": ", 1)[-1]
