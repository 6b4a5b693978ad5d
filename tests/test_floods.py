"""Pictures that are small to send and enormous to open: the process that people talk to does not grow."""

from __future__ import annotations

import struct
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import psutil

from tests.conftest import Service
from tests.pictures import jpeg
from tests.web.test_bad_input import bomb

ASK = "/api/v1/applications/polyp/predictions"
MOST_BYTES = 50 * 1024**2


def claiming(width: int, height: int) -> bytes:
    """A JPEG whose header says another size."""
    data = bytearray(jpeg())
    at = next(data.index(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if marker in data)
    struct.pack_into(">HH", data, at + 5, height, width)
    return bytes(data)


def png(width: int, height: int, bits: int = 16, colour: int = 6) -> bytes:
    """A header of that size, and a row or two."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10_000_000), 9))


def tiff(width: int, height: int) -> bytes:
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 4, height)]
    tags += [(279, 4, 0xFFFFFFF0)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\x00" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def bmp(width: int, height: int) -> bytes:
    return (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 154, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(100)
    )


def webp(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


FLOODS = [
    *(bomb(side) for side in (8_000, 13_000, 20_000)),
    *(claiming(*size) for size in ((65_500, 65_500), (65_500, 700), (1, 65_500))),
    *(png(*size) for size in ((2**31 - 1, 2**31 - 1), (100_000, 100_000), (20_000, 2_500), (7_000, 7_000))),
    *(tiff(*size) for size in ((2**32 - 1, 2**32 - 1), (60_000, 60_000))),
    *(bmp(*size) for size in ((2**31 - 1, 2**31 - 1), (30_000, -30_000))),
    *(webp(*size) for size in ((2**24, 2**24), (16_383, 16_383))),
]


@contextmanager
def watched(process: psutil.Process) -> Iterator[list[int]]:
    """How large the process was, again and again (bytes)."""
    over, seen = threading.Event(), [process.memory_info().rss]

    def look() -> None:
        while not over.wait(0.005):
            seen.append(process.memory_info().rss)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_floods_of_pixels_do_not_reach_the_web_process(service: Service) -> None:
    web = service.child("web")
    with service.register(f"flood-{uuid4().hex[:8]}") as client:

        def ask(data: bytes) -> tuple[int, float]:
            began = time.monotonic()
            answer = client.post(ASK, files={"file": ("flood.png", data)}, headers={"Prefer": "wait=60"})
            return answer.status_code, time.monotonic() - began

        assert [ask(jpeg(seed=n))[0] for n in range(4)] == [200] * 4
        with watched(web) as seen, ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(ask, FLOODS))
        assert {status for status, _ in answers} <= {413, 415, 422}, answers
        assert max(seen) - seen[0] < MOST_BYTES
        assert len(seen) > 10
        assert ask(jpeg(seed=99))[0] == 200, "the next one is answered as before"
