"""Tensors on the wire: the Open Inference Protocol v2 over HTTP, as JSON and with its binary tensor data extension.

    https://github.com/kserve/open-inference-protocol (specification/protocol/inference_rest.md)

Bytes are in row-major order, little-endian. Spoken by the doors that answer it and by the engine that asks others.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from atisbo.errors import Invalid

HEADER_LENGTH: Final = "Inference-Header-Content-Length"
"""HTTP header: how many bytes of the body are JSON; tensors follow it one after the other."""
BINARY: Final = "binary_tensor_data"
"""Name of the extension in a server's metadata."""
_CODES: Final = {
    "UINT8": "B",
    "INT8": "b",
    "UINT16": "H",
    "INT16": "h",
    "UINT32": "I",
    "INT32": "i",
    "UINT64": "Q",
    "INT64": "q",
    "FP32": "f",
    "FP64": "d",
}
"""The protocol's types that we know, as ``array`` names them."""
_MOST_DIMENSIONS: Final = 8


@dataclass(frozen=True)
class Tensor:
    name: str
    datatype: str
    shape: tuple[int, ...]
    data: bytes

    def numbers(self) -> list[int] | list[float]:
        """In one row."""
        return array(_CODES[self.datatype], self.data).tolist()


@dataclass(frozen=True)
class Message:
    """A request or an answer: what it says beside the tensors, and those."""

    said: dict[str, Any]
    tensors: tuple[Tensor, ...]


def unpacked(body: bytes, header_length: str | None, part: str) -> Message:
    """Read a request (``part`` is ``inputs``) or an answer (``outputs``).

    Args:
        header_length: the HTTP header :data:`HEADER_LENGTH`; None where all is JSON.

    Raises:
        Invalid: it is not what the protocol says; the sentence names the place.
    """
    length = _length(header_length, len(body))
    try:
        said = json.loads(body[:length])
    except (ValueError, RecursionError) as error:
        raise _wrong("the body is no JSON") from error
    if not isinstance(said, dict) or not isinstance(said.get(part), list):
        raise _wrong(f"{part} is missing")
    rest, tensors = memoryview(body)[length:], []
    for one in said[part]:
        tensor, rest = _tensor(one, rest)
        tensors.append(tensor)
    if rest:
        raise _wrong(f"{len(rest)} bytes more than the tensors need")
    return Message({key: value for key, value in said.items() if key != part}, tuple(tensors))


def packed(
    said: dict[str, Any], tensors: Sequence[Tensor], part: str, binary: Iterable[str]
) -> tuple[bytes, dict[str, str]]:
    """Write one; the body and its HTTP headers.

    Args:
        binary: names of the tensors that follow as bytes; the others are written as JSON.
    """
    chosen = set(binary)
    shown = [_shown(tensor, tensor.name in chosen) for tensor in tensors]
    header = json.dumps(said | {part: shown}).encode()
    if not chosen:
        return header, {"Content-Type": "application/json"}
    following = [tensor.data for tensor in tensors if tensor.name in chosen]
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(header))}
    return b"".join([header, *following]), headers


def size_of(datatype: str, shape: Sequence[int]) -> int:
    """Bytes.

    Raises:
        Invalid: a type that we do not know.
    """
    if datatype not in _CODES:
        raise _wrong(f"datatype {str(datatype)[:20]} is not known here")
    return array(_CODES[datatype]).itemsize * math.prod(shape)


def _shown(tensor: Tensor, binary: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
    if binary:
        return said | {"parameters": {"binary_data_size": len(tensor.data)}}
    return said | {"data": tensor.numbers()}


def _length(header_length: str | None, there: int) -> int:
    if header_length is None:
        return there
    if not header_length.isascii() or not header_length.isdigit() or int(header_length) > there:
        raise _wrong(f"{HEADER_LENGTH} is no length of the body's JSON")
    return int(header_length)


def _tensor(said: Any, rest: memoryview) -> tuple[Tensor, memoryview]:
    name, datatype, shape = _described(said)
    size = size_of(datatype, shape)
    parameters = said.get("parameters")
    announced = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if announced is not None:
        if announced != size or len(rest) < size:
            raise _wrong(f"{name}: {size} bytes are needed for {list(shape)} of {datatype}")
        return Tensor(name, datatype, shape, bytes(rest[:size])), rest[size:]
    return Tensor(name, datatype, shape, _from_json(name, datatype, said.get("data"), size)), rest


def _described(said: Any) -> tuple[str, str, tuple[int, ...]]:
    if not isinstance(said, dict) or not isinstance(said.get("name"), str):
        raise _wrong("a tensor has no name")
    name, shape = said["name"][:100], said.get("shape")
    if not isinstance(shape, list) or len(shape) > _MOST_DIMENSIONS or not all(_is_side(side) for side in shape):
        raise _wrong(f"{name}: shape is no list of whole numbers")
    return name, str(said.get("datatype")), tuple(shape)


def _is_side(side: Any) -> bool:
    return type(side) is int and 0 <= side < 2**31


def _from_json(name: str, datatype: str, data: Any, size: int) -> bytes:
    try:
        made = array(_CODES[datatype], _flat(data)).tobytes()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise _wrong(f"{name}: data is no list of {datatype}") from error
    if len(made) != size:
        raise _wrong(f"{name}: data holds another number of values than shape says")
    return made


def _flat(data: Any) -> list[Any]:
    """The protocol lets data be nested as its shape, or in one row."""
    while isinstance(data, list) and data and isinstance(data[0], list):
        data = [value for row in data for value in row]
    if not isinstance(data, list):
        raise TypeError("no list")
    return data


def _wrong(fault: str) -> Invalid:
    return Invalid(
        "tensors_wrong", "The tensors could not be read: {fault}. Correct them and send them again.", fault=fault
    )
