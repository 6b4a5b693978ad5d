"""Decoder processes, as seen by the worker: a picture in, pixels or a refusal out, whatever happens in there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np

from atisbo.domain.cards import TensorSpec
from atisbo.domain.images import Limits, Region
from atisbo.errors import AtisboError, BadImage, Unavailable
from atisbo.imaging.transform import Pixels
from atisbo.imaging.wire import Closed, receive, send

START_PATIENCE_S = 30.0
_SOCKET_BYTES = 1 << 20


class DecoderCrashed(AtisboError):
    """The process that opened the picture died or was stopped. Another try may go better."""


@dataclass(frozen=True)
class Prepared:
    """A picture ready for the network."""

    pixels: Pixels
    """(height, width, 3), uint8, RGB, of the card's size."""
    size: tuple[int, int]
    """Height and width of the upright original in pixels."""
    box: Region
    """What was looked at, in the original's pixels."""


class _Decoder:
    """One child process and the socket to it; started when first needed, replaced when it dies."""

    def __init__(self, jobs: str, memory_bytes: int) -> None:
        self._jobs = jobs
        self._memory = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None

    def start(self) -> socket.socket:
        if self._link is not None and self._process is not None and self._process.poll() is None:
            return self._link
        self.kill()
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "atisbo.imaging.decoder",
                    str(theirs.fileno()),
                    str(self._memory),
                    self._jobs,
                ],
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._link = ours
        try:
            receive(ours, time.monotonic() + START_PATIENCE_S)
        except (Closed, TimeoutError) as error:
            self.kill()
            raise Unavailable("decoder_away", "Pictures cannot be opened at the moment. Try again shortly.") from error
        return ours

    def call(
        self, order: dict[str, Any], blobs: Sequence[bytes], timeout_s: float
    ) -> tuple[dict[str, Any], list[memoryview]]:
        link = self.start()
        try:
            link.settimeout(timeout_s)
            send(link, order, blobs)
            return receive(link, time.monotonic() + timeout_s)
        except TimeoutError as error:
            self.kill()
            raise BadImage(
                "image_slow", "Opening this picture took too long. Save it again as JPEG or PNG and send that."
            ) from error
        except Closed as error:
            self.kill()
            raise DecoderCrashed(
                "image_crashed", "This picture made the program that opens it fail. Save it again and send that."
            ) from error

    def kill(self) -> None:
        if self._link is not None:
            self._link.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._link = self._process = None


class Quarantine:
    """A few decoders behind a queue; safe to use from many threads.

    Args:
        workers: decoder processes.
        timeout_s: longest time for one picture, seconds; then its process is killed.
        memory_bytes: address space of each process.
        jobs: module whose ``JOBS`` the processes offer.
    """

    def __init__(
        self, *, workers: int, timeout_s: float, memory_bytes: int, jobs: str = "atisbo.imaging.decoder"
    ) -> None:
        self._timeout_s = timeout_s
        self._decoders = [_Decoder(jobs, memory_bytes) for _ in range(workers)]
        self._idle: SimpleQueue[_Decoder] = SimpleQueue()
        for decoder in self._decoders:
            self._idle.put(decoder)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="decoder")
        self._closed = threading.Event()

    def prepare(self, data: bytes, region: Region | None, spec: TensorSpec, limits: Limits) -> Future[Prepared]:
        """Open a picture, cut the region from its pixels, fit it to the card.

        The future raises BadImage or Invalid (region outside) for a picture that is no good, DecoderCrashed if its
        process died.
        """
        order = _order("prepare", region, limits) | {"spec": spec.model_dump()}
        return self._pool.submit(lambda: _prepared(*self.call(order, [data]), spec))

    def views(self, data: bytes, region: Region | None, mask: bytes | None, limits: Limits) -> Future[dict[str, bytes]]:
        """Pictures for people by name; ``overlay.png`` only where a mask (PNG) is given."""
        order = _order("views", region, limits)
        blobs = [data] if mask is None else [data, mask]
        return self._pool.submit(lambda: _named(*self.call(order, blobs)))

    def call(self, order: dict[str, Any], blobs: Sequence[bytes]) -> tuple[dict[str, Any], list[memoryview]]:
        """Send one order to a free decoder and wait for its answer."""
        decoder = self._idle.get()
        try:
            said, parts = decoder.call(order, blobs, self._timeout_s)
        finally:
            self._idle.put(decoder)
        if "refusal" in said:
            raise BadImage(said["refusal"]["code"], said["refusal"]["message"], **said["refusal"]["values"])
        return said, parts

    def warm(self) -> None:
        """Start every decoder now, side by side."""
        list(self._pool.map(lambda decoder: decoder.start(), self._decoders))

    def close(self) -> None:
        """Finish what is running and end the processes."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for decoder in self._decoders:
            decoder.kill()


def _order(job: str, region: Region | None, limits: Limits) -> dict[str, Any]:
    return {"job": job, "region": region and region.model_dump(), "limits": limits.model_dump()}


def _prepared(said: dict[str, Any], parts: list[memoryview], spec: TensorSpec) -> Prepared:
    height, width = spec.size
    pixels = np.frombuffer(parts[0], np.uint8).reshape(height, width, 3)
    return Prepared(pixels, (int(said["size"][0]), int(said["size"][1])), Region(**said["box"]))


def _named(said: dict[str, Any], parts: list[memoryview]) -> dict[str, bytes]:
    return {str(name): bytes(part) for name, part in zip(said["names"], parts, strict=True)}
