"""Small engines that obey the protocol and can be told to wait or to choke."""

from __future__ import annotations

import threading

import numpy as np

from atisbo.imaging.transform import Pixels
from atisbo.inference.answers import Answers

POISON = 66


class Summing:
    """Each picture's sum; notes the groups it was given, and which had the machine to themselves; refuses a group that
    holds a poisoned picture."""

    def __init__(self, *, parallel: int = 1, group: int = 4, gate: bool = False) -> None:
        self._parallel = parallel
        self._group = group
        self.open = threading.Event()
        self.groups: list[int] = []
        self.alone: list[bool] = []
        self.entered = threading.Semaphore(0)
        if not gate:
            self.open.set()

    @property
    def parallel(self) -> int:
        return self._parallel

    @property
    def group(self) -> int:
        return self._group

    def infer(self, batch: Pixels, *, alone: bool = False) -> Answers:
        self.groups.append(len(batch))
        self.alone.append(alone)
        self.entered.release()
        assert self.open.wait(10)
        if batch.shape[1:] != (4, 4, 3):
            raise ValueError("another shape was expected")
        if (batch[:, 0, 0, 0] == POISON).any():
            raise RuntimeError("choked")
        return {"scores": batch.reshape(len(batch), -1).sum(axis=1, keepdims=True).astype(np.float32)}


def picture(value: int, shape: tuple[int, int, int] = (4, 4, 3)) -> Pixels:
    return np.full(shape, value, np.uint8)
