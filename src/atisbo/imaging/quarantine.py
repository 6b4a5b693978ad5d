"""Where untrusted bytes are opened: child processes that may hang, crash or run out of memory without harm.

Each child has a clean environment, limits on memory and time, and one socket. One that dies or is too slow is replaced;
only the picture it had in hand fails.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from queue import Empty, Full, Queue
from typing import Any, Final, TypeVar

from atisbo.domain.cards import TensorSpec
from atisbo.domain.images import Limits, Region
from atisbo.errors import AtisboError, BadImage, BrokeDown, Foreign, Invalid, Unavailable
from atisbo.imaging.cell import unpack
from atisbo.imaging.corrections import Outlined
from atisbo.imaging.prepared import Blocks, Prepared, received

log = logging.getLogger(__name__)

T = TypeVar("T")

_REFUSALS: Final[dict[str, type[AtisboError]]] = {"BadImage": BadImage, "Foreign": Foreign, "Invalid": Invalid}
_START_S: Final = 60.0
_BOOT: Final = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from atisbo.imaging.cell import main
main(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
"""
_PASSED_ON: Final = ("LD_LIBRARY_PATH",)
"""Environment variables without which some Pythons do not start; nothing else of ours goes in."""


@dataclass
class Task:
    """One job for a child; ``receive`` makes its result of the values and blocks that come back."""

    job: str
    arguments: tuple[Any, ...]
    receive: Callable[[dict[str, Any], Blocks], Any]
    future: Future[Any] = field(default_factory=Future)


class Quarantine:
    """A few children; thread-safe. Starts them at once and does not wait for them.

    Args:
        workers: how many children.
        timeout_s: seconds one job may take.
        memory_bytes: address space of a child.
        capacity: jobs that may wait.
        jobs_module: dotted name of the module that holds the jobs.
    """

    def __init__(
        self,
        workers: int,
        timeout_s: float,
        memory_bytes: int,
        *,
        capacity: int = 256,
        jobs_module: str = "atisbo.imaging.jobs",
    ) -> None:
        self._tasks: Queue[Task | None] = Queue(capacity)
        self._closed = threading.Event()
        self._make = partial(Child, jobs_module, memory_bytes, timeout_s)
        self._children = [self._make() for _ in range(workers)]
        self._threads = [
            threading.Thread(target=self._serve, args=(number,), name=f"quarantine-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def prepare(
        self, data: bytes, region: Region | None, spec: TensorSpec, limits: Limits, *, looks: bool = False
    ) -> Future[Prepared]:
        """Decode, cut, resize.

        Args:
            looks: tell the palette and the grain as well.

        Raises, through the future:
            BadImage: the bytes are no acceptable picture; BrokeDown: they took a child down.
            Invalid: the region reaches outside the picture.
            Unavailable: too many jobs wait, or no child can be started.
        """
        return self.submit("prepare", data, region, spec, limits, looks, receive=partial(received, spec, looks))

    def views(
        self, data: bytes, region: Region | None, outlined: Outlined | None, limits: Limits, *, analysed: bool = False
    ) -> Future[dict[str, bytes]]:
        """Pictures for people: preview.jpg, thumbnail.jpg, plus overlay.png and layers.png, or crop.png.

        Args:
            analysed: analysed.png as well, the overlay's part within the region.
        """

        def receive(_: dict[str, Any], blocks: Blocks) -> dict[str, bytes]:
            return {name: bytes(block) for name, block in blocks.items()}

        return self.submit("views", data, region, outlined, limits, analysed, receive=receive)

    def correct(self, data: bytes, outlined: Outlined, size: tuple[int, int]) -> Future[tuple[bytes, list[float]]]:
        """Check a mask that a person drew.

        Args:
            size: height and width of the original, pixels.

        Returns, through the future:
            The mask written anew, and the Dice coefficient of each layer with the network's.

        Raises, through the future:
            BadImage: the mask will not do.
        """

        def receive(values: dict[str, Any], blocks: Blocks) -> tuple[bytes, list[float]]:
            return bytes(blocks["mask.png"]), [float(one) for one in values["dice"]]

        return self.submit("correct", data, outlined, size, receive=receive)

    def compare(
        self, one: bytes | Outlined, other: bytes | Outlined, size: tuple[int, int], count: int
    ) -> Future[list[float]]:
        """The Dice coefficient of each of ``count`` layers between two readers' masks, or the network's outlines."""
        return self.submit(
            "compare", one, other, size, count, receive=lambda values, _: [float(value) for value in values["dice"]]
        )

    def submit(self, job: str, *arguments: Any, receive: Callable[[dict[str, Any], Blocks], T]) -> Future[T]:
        """Have a child do a job; ``receive`` makes the result of the values and blocks it sends back.

        Raises:
            Unavailable: too many jobs wait, or the quarantine is closed.
        """
        task = Task(job, arguments, receive)
        if self._closed.is_set():
            raise _away()
        try:
            self._tasks.put_nowait(task)
        except Full:
            raise Unavailable(
                "decoder_busy", "Too many pictures are waiting to be opened. Try again in a moment."
            ) from None
        return task.future

    def close(self) -> None:
        """End the children; whatever waits or runs fails with Unavailable. Safe to call twice."""
        if self._closed.is_set():
            return
        self._closed.set()
        with contextlib.suppress(Empty):
            while task := self._tasks.get_nowait():
                if task.future.set_running_or_notify_cancel():
                    task.future.set_exception(_away())
        for child in list(self._children):
            child.kill()  # whoever waits for it hears at once
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()
        for child in self._children:
            child.end()

    def _serve(self, number: int) -> None:
        while (task := self._tasks.get()) is not None:
            if not task.future.set_running_or_notify_cancel():
                continue
            try:
                if not self._children[number].alive and not self._closed.is_set():
                    self._replace(number)
                result = self._children[number].do(task)
            except Exception as error:
                task.future.set_exception(_away() if self._closed.is_set() else error)
            else:
                task.future.set_result(result)
            if not self._children[number].alive and not self._closed.is_set():
                self._replace(number)

    def _replace(self, number: int) -> None:
        self._children[number].end()
        self._children[number] = self._make()


class Child:
    """One child process and the socket to it; used by one thread at a time."""

    def __init__(self, jobs_module: str, memory_bytes: int, timeout_s: float) -> None:
        ours, theirs = socket.socketpair()
        arguments = [json.dumps(sys.path), str(theirs.fileno()), jobs_module, str(memory_bytes), str(timeout_s + 5)]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOT, *arguments],
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ}
                | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._connection = Connection(ours.detach())
        self._timeout_s = timeout_s
        self._ready = False

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def do(self, task: Task) -> Any:
        """The task's result. The child is dead afterwards if it did not behave.

        Raises:
            BadImage, Invalid: what the child says of the picture.
            BrokeDown: the child died over it, or was too slow.
            Unavailable: the child does not start.
        """
        self._wait_until_ready()
        try:
            self._connection.send_bytes(pickle.dumps((task.job, task.arguments)))
            if not self._connection.poll(self._timeout_s):
                self.kill()
                raise BrokeDown(
                    "image_too_slow", "This picture took too long to open. Save it in another format and send it again."
                )
            head, blocks = unpack(self._connection.recv_bytes())
            if "values" in head:
                return task.receive(head["values"], blocks)
            refusal = _refusal(head)
        except (EOFError, OSError, ValueError, KeyError, TypeError) as error:
            self.kill()
            log.warning("a child ended with %s over a picture: %r", self._process.returncode, error)
            raise _crashed() from error
        raise refusal

    def _wait_until_ready(self) -> None:
        if self._ready:
            return
        try:
            if not self._connection.poll(_START_S):
                raise TimeoutError
            self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            self.kill()
            raise Unavailable(
                "decoder_down", "The part that opens pictures does not start. Try again later, or tell the operator."
            ) from error
        self._ready = True

    def kill(self) -> None:
        """End the process; any thread may."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """End the process and the socket; for the thread that uses it."""
        self.kill()
        self._connection.close()


def _refusal(head: dict[str, Any]) -> AtisboError:
    if "error" not in head:
        log.error("opening a picture failed: %s", head["crash"])
        return _crashed()
    said = head["error"]
    return _REFUSALS[said["type"]](said["code"], said["message"], **said["values"])


def _crashed() -> BrokeDown:
    return BrokeDown(
        "image_crashed", "This picture could not be opened safely. Save it in another format and send it again."
    )


def _away() -> Unavailable:
    return Unavailable("decoder_closed", "The service is shutting down. Try again in a moment.")
