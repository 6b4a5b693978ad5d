"""What an answer rests on: where hiding a part of the picture weakens it, whatever the network.

Occlusion, after Zeiler and Fergus, "Visualizing and understanding convolutional networks" (ECCV 2014). It asks the
network as it is and needs no gradients, so that every application has it. Some maps look right even when the weights
are random (Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018); tests see to it that this one does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from atisbo.imaging.transform import Pixels
from atisbo.inference.answers import Answers

Look = Callable[[Iterable[Pixels]], Iterator[Answers]]
"""The network's answers to fitted pictures, one for each, in order."""

PLACES: Final = 8
"""Patches a side; the network is asked once for each, and once for the whole picture."""
_PATCH: Final = 0.3
"""Diameter of a patch, of the picture's side: wide enough to hide an object, not only an edge of it."""
FLAT: Final = 0.2
"""Where no patch lowers the log-odds by more, that is the odds by a fifth, nothing in the picture matters by itself."""
_CERTAIN: Final = 1e-6


@dataclass(frozen=True)
class Heat:
    """How much the answer rests on each place."""

    drop: NDArray[np.float32]
    """(height, width), float32, at the network's size: by how much the answer's log-odds fall, on average over the
    patches that hide the place; 0 where hiding it does no harm."""
    largest: float
    """The largest fall by a single patch."""

    @property
    def flat(self) -> bool:
        return self.largest < FLAT


def occlude(pixels: Pixels, look: Look, label: int) -> Heat:
    """Hide one patch after the other behind the picture's mean colour and note by how much the answer falls.

    Args:
        pixels: (height, width, 3), uint8, RGB, fitted to the card's size.
        label: the answer's place among the classes.
    """
    patches = list(_patches(pixels.shape[0], pixels.shape[1]))
    mean = pixels.reshape(-1, 3).mean(axis=0)
    hidden = (_hide(pixels, mean, patch) for patch in patches)
    odds = [_log_odds(answers, label) for answers in look(_after(pixels, hidden))]
    falls = np.asarray(odds[0] - np.array(odds[1:]), np.float32)
    cover = np.stack(patches)
    drop = np.tensordot(falls, cover, axes=1) / np.maximum(cover.sum(axis=0), _CERTAIN)
    return Heat(np.maximum(drop, 0).astype(np.float32), float(falls.max()))


def _after(first: Pixels, others: Iterable[Pixels]) -> Iterator[Pixels]:
    yield first
    yield from others


def _patches(height: int, width: int) -> Iterator[NDArray[np.float32]]:
    """Round patches with a soft edge, (height, width), 1 where all is hidden: a hard edge would itself be seen."""
    rows = (np.arange(height, dtype=np.float32) + 0.5)[:, np.newaxis] / height
    columns = (np.arange(width, dtype=np.float32) + 0.5)[np.newaxis] / width
    places = (np.arange(PLACES, dtype=np.float32) + 0.5) / PLACES
    for down in places:
        for across in places:
            distance = np.hypot(rows - down, columns - across) / (_PATCH / 2)
            yield np.clip(2 * (1 - distance), 0, 1).astype(np.float32)


def _hide(pixels: Pixels, colour: NDArray[np.float64], patch: NDArray[np.float32]) -> Pixels:
    share = patch[..., np.newaxis]
    return np.rint(pixels * (1 - share) + colour * share).astype(np.uint8)


def _log_odds(answers: Answers, label: int) -> float:
    probability = float(np.clip(answers["scores"][label], _CERTAIN, 1 - _CERTAIN))
    return float(np.log(probability / (1 - probability)))
