from __future__ import annotations

import json
import struct

import pytest

from atisbo.domain.tensors import HEADER_LENGTH, Message, Tensor, packed, unpacked
from atisbo.errors import Invalid

TWO = (
    Tensor("pixels", "UINT8", (1, 2, 2), bytes([0, 1, 2, 255])),
    Tensor("scores", "FP32", (2,), struct.pack("<2f", 0.5, -1.25)),
)


@pytest.mark.parametrize("binary", [(), ("scores",), ("pixels", "scores")])
def test_what_is_packed_is_unpacked(binary: tuple[str, ...]) -> None:
    body, headers = packed({"id": "7"}, TWO, "inputs", binary)
    assert unpacked(body, headers.get(HEADER_LENGTH), "inputs") == Message({"id": "7"}, TWO)
    assert (HEADER_LENGTH in headers) == bool(binary)


def test_numbers_may_be_nested_as_their_shape() -> None:
    said = {"inputs": [{"name": "x", "datatype": "INT16", "shape": [2, 2], "data": [[1, -2], [3, 4]]}]}
    assert unpacked(json.dumps(said).encode(), None, "inputs").tensors[0].numbers() == [1, -2, 3, 4]


def one(**changes: object) -> dict[str, object]:
    return {"inputs": [{"name": "x", "datatype": "UINT8", "shape": [2], "data": [1, 2]} | changes]}


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ([], "inputs is missing"),
        ({"inputs": {}}, "inputs is missing"),
        ({"inputs": ["x"]}, "no name"),
        (one(name=3), "no name"),
        (one(datatype="BYTES"), "BYTES is not known"),
        (one(datatype=None), "None is not known"),
        (one(shape=[-1]), "no list of whole numbers"),
        (one(shape=[True, 2]), "no list of whole numbers"),
        (one(shape=[1] * 9), "no list of whole numbers"),
        (one(shape=[3]), "another number of values"),
        (one(shape=[2**30, 2**30]), "another number of values"),
        (one(data=[1, 256]), "no list of UINT8"),
        (one(data="ab"), "no list of UINT8"),
        (one(data=[[1], 2]), "no list of UINT8"),
        (one(data=None), "no list of UINT8"),
        (one(parameters={"binary_data_size": 2}), "2 bytes are needed"),
        (one(parameters={"binary_data_size": 10**12}), "2 bytes are needed"),
    ],
)
def test_what_is_wrong_is_named(said: object, fault: str) -> None:
    with pytest.raises(Invalid, match=fault):
        unpacked(json.dumps(said).encode(), None, "inputs")


@pytest.mark.parametrize(
    ("body", "length", "fault"),
    [
        (b"", None, "no JSON"),
        (b"[" * 100_000, None, "no JSON"),
        (b"{}", "3", "no length"),
        (b"{}", "-1", "no length"),
        (b"{}", "\u0661", "no length"),
        (b'{"inputs": []}xyz', "14", "3 bytes more"),
    ],
)
def test_bytes_that_do_not_add_up_are_refused(body: bytes, length: str | None, fault: str) -> None:
    with pytest.raises(Invalid, match=fault):
        unpacked(body, length, "inputs")
