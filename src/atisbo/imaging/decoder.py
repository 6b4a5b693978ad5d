"""The process in which untrusted bytes are opened: ``python -m atisbo.imaging.decoder FD MEMORY JOBS``.

It holds no secrets, imports no network, has limits on memory and files, and gives up root before the first picture.
It may crash: the worker starts another one, and only the picture at hand is lost.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from atisbo.domain.cards import TensorSpec
from atisbo.domain.images import Limits, Region
from atisbo.errors import AtisboError, BadImage, UserError
from atisbo.imaging import draw
from atisbo.imaging.decode import decode
from atisbo.imaging.transform import Pixels, fit
from atisbo.imaging.wire import Closed, receive, send

Reply = tuple[dict[str, Any], Sequence[bytes | memoryview]]
Job = Callable[[dict[str, Any], Sequence[memoryview]], Reply]
_NOBODY = 65534
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
"""From <linux/prctl.h>."""


def opened(order: dict[str, Any], data: memoryview) -> tuple[Pixels, Region]:
    """The upright picture and the part that is to be looked at."""
    pixels = decode(bytes(data), Limits(**order["limits"]))
    height, width = pixels.shape[:2]
    if order["region"] is None:
        return pixels, Region(x=0, y=0, width=width, height=height)
    return pixels, Region(**order["region"]).inside(width, height)


def cut(pixels: Pixels, box: Region) -> Pixels:
    return pixels[box.y : box.y + box.height, box.x : box.x + box.width]


def prepare(order: dict[str, Any], blobs: Sequence[memoryview]) -> Reply:
    """Bytes to pixels of the card's size."""
    pixels, box = opened(order, blobs[0])
    fitted = fit(cut(pixels, box), TensorSpec.model_validate(order["spec"]))
    said = {"size": pixels.shape[:2], "box": box.model_dump(), "fitted": fitted.shape}
    return said, [np.ascontiguousarray(fitted).data.cast("B")]


def views(order: dict[str, Any], blobs: Sequence[memoryview]) -> Reply:
    """Pictures for people, re-encoded; with a second blob, the mask, an overlay too."""
    pixels, box = opened(order, blobs[0])
    pictures = {
        "preview.jpg": draw.preview(pixels),
        "thumbnail.jpg": draw.thumbnail(pixels),
        "crop.png": draw.png(cut(pixels, box)),
    }
    if len(blobs) > 1:
        mask = cv2.imdecode(np.frombuffer(blobs[1], np.uint8), cv2.IMREAD_GRAYSCALE)
        pictures["overlay.png"] = draw.overlay(pixels, np.asarray(mask, np.uint8))
    return {"names": list(pictures)}, list(pictures.values())


JOBS: dict[str, Job] = {"prepare": prepare, "views": views}


def answer(job: Job, order: dict[str, Any], blobs: Sequence[memoryview]) -> Reply:
    """What to send back; an expected refusal is an answer too."""
    try:
        return job(order, blobs)
    except (BadImage, UserError) as error:
        return _refusal(error), ()
    except MemoryError:
        return _refusal(BadImage("image_memory", "This picture needs too much memory to open. Send a smaller one.")), ()


def _refusal(error: AtisboError) -> dict[str, Any]:
    return {"refusal": {"code": error.code, "message": error.message, "values": error.values}}


def confine(memory_bytes: int) -> None:
    """Give up what a decoder does not need."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main(descriptor: str, memory_bytes: str, jobs_module: str) -> None:
    """Answer orders until the worker is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs: dict[str, Job] = importlib.import_module(jobs_module).JOBS
    cv2.setNumThreads(1)
    link = socket.socket(fileno=int(descriptor))
    confine(int(memory_bytes))
    send(link, {"ready": True})
    while True:
        try:
            order, blobs = receive(link)
        except Closed:
            return
        said, parts = answer(jobs[order["job"]], order, blobs)
        send(link, said, parts)


if __name__ == "__main__":
    main(*sys.argv[1:4])
