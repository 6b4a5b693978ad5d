"""Messages between the worker and its decoders: JSON and raw bytes, never pickles, since a decoder is not trusted."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

_HEAD = struct.Struct(">II")
_MAX_TEXT = 1 << 20
_MAX_BODY = 1 << 30


class Closed(Exception):
    """The other side is gone."""


def send(link: socket.socket, text: dict[str, Any], blobs: Sequence[bytes | memoryview] = ()) -> None:
    """One message: the lengths, the JSON, the bytes. Obeys the socket's time limit."""
    said = json.dumps(text | {"_sizes": [len(blob) for blob in blobs]}).encode()
    try:
        link.sendall(_HEAD.pack(len(said), sum(len(blob) for blob in blobs)) + said)
        for blob in blobs:
            link.sendall(blob)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Closed from error


def receive(link: socket.socket, deadline: float | None = None) -> tuple[dict[str, Any], list[memoryview]]:
    """The next message.

    Args:
        deadline: on ``time.monotonic``; None waits for ever.

    Raises:
        Closed: the other side is gone, or what it says makes no sense.
        TimeoutError: the deadline passed.
    """
    text_size, body_size = _HEAD.unpack(_exactly(link, _HEAD.size, deadline))
    if text_size > _MAX_TEXT or body_size > _MAX_BODY:
        raise Closed
    try:
        text = json.loads(bytes(_exactly(link, text_size, deadline)))
        sizes = text.pop("_sizes")
        if not all(isinstance(size, int) and size >= 0 for size in sizes) or sum(sizes) != body_size:
            raise Closed
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Closed from error
    body = _exactly(link, body_size, deadline)
    blobs, start = [], 0
    for size in sizes:
        blobs.append(body[start : start + size])
        start += size
    return text, blobs


def _exactly(link: socket.socket, size: int, deadline: float | None) -> memoryview:
    buffer = memoryview(bytearray(size))
    filled = 0
    while filled < size:
        if deadline is not None:
            link.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            count = link.recv_into(buffer[filled:])
        except (ConnectionResetError, BrokenPipeError) as error:
            raise Closed from error
        if count == 0:
            raise Closed
        filled += count
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError
    return buffer
