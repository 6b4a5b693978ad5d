"""From a run's best weights to a network file that serving reads, with proof that it answers the same."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from atisbo.errors import Misconfigured
from atisbo.imaging.transform import Tensor

INPUT, OUTPUT, OPSET = "image", "logits", 17
BOUND = 0.02
"""Largest difference of a probability from torch in float32 that an export may show, whatever the runtime."""

Runtime = Callable[[Tensor], NDArray[np.float32]]
"""(n, 3, h, w) float32 → logits (n, 1, h, w) float32."""


def export(network: nn.Module, size: tuple[int, int], path: Path, *, half: bool = True) -> str:
    """Write a network as ONNX with a free batch size; the sigmoid stays outside.

    Args:
        size: height and width of its input, pixels.
        half: store weights in float16; every runtime unpacks them to float32 when it loads the file.

    Returns:
        The file's SHA-256.
    """
    network.eval()
    example = torch.zeros(1, 3, *size)
    with warnings.catch_warnings():
        # The exporter that needs no further package announces its retirement; torch is pinned.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example,),
            str(path),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "n"}, OUTPUT: {0: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(path))
    if half:
        store_half(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
    return lambda batch: np.asarray(session.run([OUTPUT], {INPUT: batch})[0], np.float32)


def openvino(path: Path) -> Runtime:
    """The file in OpenVINO on the CPU, float32."""
    import openvino as ov

    compiled = ov.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda batch: np.array(compiled(batch)[0], np.float32)


def check(network: nn.Module, path: Path, batches: list[Tensor], bound: float = BOUND) -> dict[str, Any]:
    """Compare the file in both runtimes with the network in torch, float32.

    Returns:
        Per runtime the largest difference of a probability and the share of pixels on another side of one half.

    Raises:
        Misconfigured: a difference is above ``bound``.
    """
    found: dict[str, Any] = {}
    with torch.no_grad():
        wanted = [network(torch.from_numpy(batch)).float().numpy() for batch in batches]
    for name, start in (("onnxruntime", onnx_runtime), ("openvino", openvino)):
        runtime = start(path)
        given = [runtime(batch) for batch in batches]
        worst = max(float(np.abs(sigmoid(a) - sigmoid(b)).max()) for a, b in zip(wanted, given, strict=True))
        other = float(np.mean([((a > 0) != (b > 0)).mean() for a, b in zip(wanted, given, strict=True)]))
        found[name] = {"largest_difference": worst, "other_side": other}
        if not worst <= bound:
            raise Misconfigured(
                "export_differs",
                "The exported network differs from the trained one by {worst} in {runtime}; {bound} is allowed.",
                worst=round(worst, 4),
                runtime=name,
                bound=bound,
            )
    return found


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits to probabilities."""
    return np.asarray(1 / (1 + np.exp(-logits.clip(-80, 80))), np.float32)
