"""From a run's best weights to a network file that serving reads, with proof that it answers the same."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from atisbo.errors import Misconfigured
from atisbo.imaging.transform import Tensor
from atisbo.training.networks import EMBEDDING, Network

INPUT, OPSET = "image", 17
BOUND = 0.02
"""Largest difference of a probability from torch in float32 that an export may show, whatever the runtime; of an
embedding, 1 − the cosine."""

Answers = dict[str, NDArray[np.float32]]
"""Output → its values, float32, the batch first."""
Runtime = Callable[[Tensor], Answers]
"""From (n, 3, h, w) float32."""


class _Ordered(nn.Module):
    """The network with its answers in a row, as the exporter wants them."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(self.network(x).values())


def export(network: Network, size: tuple[int, int], path: Path, *, half: bool = True) -> str:
    """Write a network as ONNX with a free batch size, each answer a named output; activations stay outside.

    Args:
        size: height and width of its input, pixels.
        half: store weights in float16; every runtime unpacks them to float32 when it loads the file.

    Returns:
        The file's SHA-256.
    """
    network.eval()
    example = torch.zeros(1, 3, *size)
    with torch.no_grad():
        names = list(network(example))
    with warnings.catch_warnings():
        # The exporter that needs no further package announces its retirement; torch is pinned.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Ordered(network).eval(),
            (example,),
            str(path),
            input_names=[INPUT],
            output_names=names,
            dynamic_axes={name: {0: "n"} for name in (INPUT, *names)},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(path))
    plain_names(model)
    if half:
        store_half(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def plain_names(model: onnx.ModelProto) -> None:
    """Name weights as the network does. A weight equal to another is made from it by a node, and keeps its name too."""
    for value in model.graph.initializer:
        value.name = value.name.removeprefix("network.")
    for node in model.graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                names[index] = name.removeprefix("network.")


def store_half(model: onnx.ModelProto) -> None:
    """Keep large float32 constants as float16, each behind a cast back to float32: half the file, the same graph."""
    graph = model.graph
    casts = []
    for constant in graph.initializer:
        values = numpy_helper.to_array(constant)
        if constant.data_type != TensorProto.FLOAT or values.size < 256:
            continue
        name = constant.name
        constant.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def onnx_runtime(path: Path) -> Runtime:
    """The file in ONNX Runtime on the CPU, float32."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda batch: dict(zip(names, session.run(names, {INPUT: batch}), strict=True))


def openvino(path: Path) -> Runtime:
    """The file in OpenVINO on the CPU, float32."""
    import openvino as ov

    compiled = ov.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    named = [output.get_names() for output in compiled.outputs]  # some have more than one

    def run(batch: Tensor) -> Answers:
        values = compiled(batch)
        return {name: np.array(values[index], np.float32) for index, names in enumerate(named) for name in names}

    return run


def torch_runtime(network: Network) -> Runtime:
    """The network itself, float32."""

    def run(batch: Tensor) -> Answers:
        with torch.no_grad():
            return {name: value.float().numpy() for name, value in network(torch.from_numpy(batch)).items()}

    return run


def check(network: Network, path: Path, batches: list[Tensor], bound: float = BOUND) -> dict[str, dict[str, float]]:
    """Compare every answer of the file in both runtimes with the network in torch, float32.

    Returns:
        Per runtime and output the largest difference of a probability (of an embedding: 1 − the cosine).

    Raises:
        Misconfigured: a difference is above ``bound``.
    """
    found: dict[str, dict[str, float]] = {}
    wanted = [torch_runtime(network)(batch) for batch in batches]
    for name, start in (("onnxruntime", onnx_runtime), ("openvino", openvino)):
        runtime = start(path)
        given = [runtime(batch) for batch in batches]
        found[name] = {
            output: max(difference(output, a[output], b[output]) for a, b in zip(wanted, given, strict=True))
            for output in wanted[0]
        }
        for output, worst in found[name].items():
            if not worst <= bound:
                raise Misconfigured(
                    "export_differs",
                    "The exported network differs from the trained one by {worst} in {runtime} ({output}); "
                    "{bound} is allowed.",
                    worst=round(worst, 4),
                    runtime=name,
                    output=output,
                    bound=bound,
                )
    return found


def difference(output: str, one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """How far two answers of the same output are apart: probabilities, or directions of an embedding."""
    if output == EMBEDDING:
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        return float((1 - (one * other).sum(1) / np.maximum(lengths, 1e-12)).max())
    activate = sigmoid if one.ndim == 4 else softmax
    return float(np.abs(activate(one) - activate(other)).max())


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits to probabilities, each for itself."""
    return np.asarray(1 / (1 + np.exp(-logits.clip(-80, 80))), np.float32)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits (n, labels) to probabilities that add up to 1."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True), np.float32)
