"""Going on from a published version: its ONNX file back into a network that can be trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from atisbo.errors import Misconfigured
from atisbo.training.networks import Standard

OTHERS = ("onnx::", "kinds.", "alike.")
"""Names of what is not read by name: folded convolutions, and the heads that publishing fits anew."""

Step = tuple[nn.Module, Tensor, Tensor]
"""A layer, what it was given and what it made."""


@torch.no_grad()
def start_from(network: nn.Module, path: Path, batches: Iterable[NDArray[np.float32]]) -> None:
    """Fill a network from an exported file of the same architecture; heads that the file lacks keep their weights.

    The export folds a batch norm into the convolution before it. Here such a norm gets the statistics that ``batches``
    show, scaled so that the network answers as the file does and can be trained on.

    Args:
        batches: some normalised images of its kind, (n, 3, h, w) float32 each.

    Raises:
        Misconfigured: the file is missing, is no ONNX, or holds another network.
    """
    if not path.is_file():
        raise Misconfigured("start_missing", "{path} is missing.", path=path)
    model = _model(path)
    values = {
        item.name.removesuffix(".half"): torch.from_numpy(np.array(numpy_helper.to_array(item), np.float32))
        for item in model.graph.initializer
    }
    try:
        _by_name(network, {name: value for name, value in values.items() if not name.startswith(OTHERS)})
        _spreads(network, model, values)
        folded = _folded(network, model, values)
        _measure_norms(network, folded, batches)
    except (KeyError, RuntimeError) as error:
        raise Misconfigured("start_other", "{path} holds another network ({fault}).", path=path, fault=error) from error


def _model(path: Path) -> onnx.ModelProto:
    """A file of nothing, and some of something else, can be read as ONNX: a model without a graph."""
    try:
        model = onnx.load(str(path))
    except DecodeError:
        model = onnx.ModelProto()
    if not model.graph.node:
        raise Misconfigured(
            "start_no_onnx", "{path} is no ONNX file. Name the model.onnx of a version to go on from.", path=path
        )
    return model


def _by_name(network: nn.Module, values: dict[str, Tensor]) -> None:
    state = network.state_dict()
    for name, value in values.items():
        state[name].copy_(value)


def _spreads(network: nn.Module, model: onnx.ModelProto, values: dict[str, Tensor]) -> None:
    """Fill the variances of :class:`Standard` norms: the export keeps their mean by name, but divides by a constant."""
    divisors = {node.input[0]: values[node.input[1]] for node in model.graph.node if _divides(node, values)}
    centred = {node.input[1]: node.output[0] for node in model.graph.node if node.op_type == "Sub"}
    for name, layer in network.named_modules():
        if isinstance(layer, Standard):
            assert layer.running_var is not None
            layer.running_var.copy_(divisors[centred[f"{name}.running_mean"]].square() - layer.eps)


def _divides(node: onnx.NodeProto, values: dict[str, Tensor]) -> bool:
    return node.op_type == "Div" and node.input[1] in values


def _folded(network: nn.Module, model: onnx.ModelProto, values: dict[str, Tensor]) -> dict[nn.Conv2d, nn.BatchNorm2d]:
    """Fill convolutions that swallowed their norm, in order of use; the norms become the identity plus the bias."""
    steps = _steps(network)
    follower = {
        layer: after
        for (layer, _, made), (after, taken, _) in pairwise(steps)
        if isinstance(layer, nn.Conv2d) and isinstance(after, nn.BatchNorm2d) and made is taken
    }
    nodes = [node for node in model.graph.node if node.op_type == "Conv"]
    used = [layer for layer, _, _ in steps if isinstance(layer, nn.Conv2d)]
    found: dict[nn.Conv2d, nn.BatchNorm2d] = {}
    for node, layer in zip(nodes, used, strict=False):
        if node.input[1].startswith("onnx::"):
            norm = found[layer] = follower[layer]
            layer.weight.copy_(values[node.input[1]])
            norm.bias.copy_(values[node.input[2]])
            norm.weight.fill_(1)
            _statistics(norm, torch.zeros_like(norm.bias), torch.full_like(norm.bias, 1 - norm.eps))
    return found


def _steps(network: nn.Module) -> list[Step]:
    """The convolutions and norms in the order in which they are used."""
    steps: list[Step] = []

    def note(layer: nn.Module, given: Any, made: Tensor) -> None:
        steps.append((layer, given[0], made))

    with _hooked(network, (nn.Conv2d, nn.BatchNorm2d), note):
        network.eval()(torch.zeros(1, 3, 64, 64))
    return steps


def _measure_norms(
    network: nn.Module, folded: dict[nn.Conv2d, nn.BatchNorm2d], batches: Iterable[NDArray[np.float32]]
) -> None:
    """Replace the identity by the statistics of what flows through, without changing any answer."""
    moments: dict[nn.Module, list[Tensor]] = {}

    def note(layer: nn.Module, _given: Any, made: Tensor) -> None:
        if layer in folded:
            flat = made.double()
            moments.setdefault(layer, []).append(torch.stack([flat.mean((0, 2, 3)), flat.square().mean((0, 2, 3))]))

    with _hooked(network, (nn.Conv2d,), note):
        for batch in batches:
            network.eval()(torch.from_numpy(batch))
    for layer, norm in folded.items():
        mean, square = torch.stack(moments[layer]).mean(0).float()
        variance = (square - mean.square()).clamp(min=1e-6)
        norm.bias.add_(mean)
        norm.weight.copy_((variance + norm.eps).sqrt())
        _statistics(norm, mean, variance)


def _statistics(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)


@contextmanager
def _hooked(
    network: nn.Module, kinds: tuple[type[nn.Module], ...], note: Callable[[nn.Module, Any, Tensor], None]
) -> Iterator[None]:
    """Call ``note`` after every layer of these kinds."""
    hooks = [layer.register_forward_hook(note) for layer in network.modules() if isinstance(layer, kinds)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
