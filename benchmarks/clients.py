"""Sixteen clients that post JPEG frames and wait for the answer. Run as a process of its own.

Plain sockets through http.client, one connection a client, so that the clients take as little as possible of the
processor that is being measured.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

BOUNDARY = "frame-boundary"
DONE = (b'"status":"done"', b'"status": "done"')


@dataclass
class Load:
    """What a run of the clients saw. Times in seconds."""

    seconds: float
    latencies: list[float]
    failures: int


def multipart(data: bytes) -> bytes:
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="frame.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def run(url: str, path: str, token: str, frames: list[bytes], clients: int, seconds: float) -> Load:
    """Every client posts, waits for the finished prediction, and posts again."""
    bodies = [multipart(frame) for frame in frames]
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Prefer": "wait=60",
    }
    host = urlsplit(url).netloc
    latencies: list[float] = []
    failures = 0
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        nonlocal failures
        connection = http.client.HTTPConnection(host, timeout=90)
        turn = number
        while time.monotonic() < end:
            began = time.monotonic()
            connection.request("POST", path, bodies[turn % len(bodies)], headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status == 200 and any(words in said for words in DONE):
                latencies.append(time.monotonic() - began)
            else:
                failures += 1
            turn += clients

    began = time.monotonic()
    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Load(time.monotonic() - began, latencies, failures)


if __name__ == "__main__":
    order = json.load(sys.stdin)
    frames = [bytes.fromhex(frame) for frame in order.pop("frames")]
    json.dump(asdict(run(frames=frames, **order)), sys.stdout)
