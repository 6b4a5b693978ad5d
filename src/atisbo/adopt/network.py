"""Reads an ONNX file as data and decides whether it is nothing but a network. Runs in a closed room."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto

from atisbo.adopt.refusal import Refused, plain

MOST_NODES: Final = 20_000
MOST_TENSORS: Final = 50_000
_STANDARD: Final = ("", "ai.onnx", "ai.onnx.ml")
_LOOPS: Final = ("If", "Loop", "Scan", "SequenceMap")
_ACTIVATIONS: Final = {"Softmax": "softmax", "Sigmoid": "sigmoid", "HardSigmoid": "sigmoid"}
_PASSING: Final = ("Identity", "Cast", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten")


def read(path: Path) -> onnx.ModelProto:
    """The file's network, without following any of its references.

    Raises:
        Refused: no ONNX, or more than a network: other files, custom operators, functions, loops, wrong sizes.
    """
    try:
        model = onnx.load_model(str(path), load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise Refused("its content is not ONNX, or it is cut short") from error
    if not model.graph.node:
        raise Refused("its content is not ONNX: there is no network in it")
    _operators(model)
    for tensor in _tensors(model.graph):
        _tensor(tensor)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise Refused(f"it is no valid ONNX: {plain(error, 300)}") from error
    return model


def _operators(model: onnx.ModelProto) -> None:
    if len(model.functions):
        raise Refused("it brings functions of its own; inline them (onnx.inliner.inline_local_functions) and try again")
    if len(model.training_info):
        raise Refused("it holds a training graph; export it for inference")
    # What a tool could have used is declared, too (ONNX Runtime's quantiser names nine domains); what is used counts.
    if strange := {node.domain for node in model.graph.node} - set(_STANDARD):
        names = plain(", ".join(sorted(strange)), 80)
        raise Refused(f"it needs custom operators ({names}), which are code; only standard ONNX is taken")
    if len(model.graph.node) > MOST_NODES:
        raise Refused(f"it has {len(model.graph.node)} nodes; {MOST_NODES} are allowed")
    for node in model.graph.node:
        if node.op_type in _LOOPS or any(a.HasField("g") or len(a.graphs) for a in node.attribute):
            name = plain(node.op_type, 40)
            raise Refused(f"it branches or loops ({name}), so its time has no bound; export it with fixed sizes")


def _tensors(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    """Every constant; graphs inside nodes were refused before."""
    if len(graph.initializer) + len(graph.sparse_initializer) > MOST_TENSORS:
        raise Refused(f"it has more than {MOST_TENSORS} constants")
    sparse = list(graph.sparse_initializer)
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from [attribute.t] if attribute.HasField("t") else []
            yield from attribute.tensors
            sparse += [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
            sparse += attribute.sparse_tensors
    if sparse:
        raise Refused("it has sparse constants; store them dense")


def _tensor(tensor: TensorProto) -> None:
    name = plain(tensor.name or "a constant", 80)
    if tensor.data_location == TensorProto.EXTERNAL or len(tensor.external_data):
        where = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
        raise Refused(
            f"{name} lies in another file ({plain(where, 100)!r}), which is not opened; save the network as one file"
        )
    if any(side < 0 for side in tensor.dims):
        raise Refused(f"{name} has a negative size")
    declared, held = math.prod(tensor.dims), _held(tensor)
    if held is not None and declared != held:
        raise Refused(
            f"{name} says it holds {declared} numbers, but there are {held} in the file; it is made to mislead"
        )


def _held(tensor: TensorProto) -> int | None:
    """How many numbers are there; None for kinds whose packing the checker knows better (4 bits, strings, complex)."""
    if tensor.HasField("raw_data"):
        bits = _bits(tensor.data_type)
        return None if bits is None or bits < 8 else len(tensor.raw_data) * 8 // bits
    if tensor.data_type == TensorProto.FLOAT:
        return len(tensor.float_data)
    if tensor.data_type == TensorProto.DOUBLE:
        return len(tensor.double_data)
    if tensor.data_type == TensorProto.INT64:
        return len(tensor.int64_data)
    return None


def _bits(kind: int) -> int | None:
    try:
        return int(onnx.helper.tensor_dtype_to_np_dtype(kind).itemsize * 8) if kind != TensorProto.STRING else None
    except (KeyError, TypeError) as error:
        raise Refused(f"a constant is of unknown type {kind}") from error


def outputs(model: onnx.ModelProto) -> list[str]:
    return [value.name for value in model.graph.output]


def quantised(model: onnx.ModelProto) -> bool:
    """Whether some of it is computed in whole numbers."""
    return any(node.op_type == "QuantizeLinear" for node in model.graph.node)


def last_activation(model: onnx.ModelProto, output: str) -> str | None:
    """``softmax`` or ``sigmoid`` where the named output is one, else None."""
    makers: dict[str, Any] = {name: node for node in model.graph.node for name in node.output}
    for _ in range(len(model.graph.node)):
        node = makers.get(output)
        if node is None or node.op_type not in _PASSING:
            return _ACTIVATIONS.get(node.op_type) if node is not None else None
        output = node.input[0]
    return None
