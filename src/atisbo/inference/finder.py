"""Where in a whole photograph the part lies that a network is for, found with that network alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from atisbo.domain.cards import Card, OutputSpec
from atisbo.domain.finding import FindSection
from atisbo.domain.images import Region
from atisbo.imaging.transform import Pixels, fit
from atisbo.inference.answers import Answers

Look = Callable[[Iterable[Pixels]], Iterator[Answers]]
"""The network's answers to fitted pictures, one for each, in order."""

_SHARE: Final = 0.25
"""Side of a window, of the photograph's shorter side; half of it lies between one window and the next."""
_CANDIDATES: Final = 4
_STEPS: Final = 3
_NARROWER: Final = 0.75
_HELD: Final = 0.04
"""Share of a window that the structure which a real one holds has at least."""
FAINTEST: Final = 0.1
"""Below this probability nothing is proposed. Lower than the gate's threshold: a person looks at the proposal."""
_EMPTY: Final = 12
"""A window whose mean value is below this is the dark around a photograph; of 255."""


@dataclass(frozen=True)
class Found:
    """A square and how sure the network is that it is of the kind looked for, 0..1."""

    region: Region
    probability: float


@dataclass(frozen=True)
class _Square:
    """Pixels of the photograph that is searched."""

    x: float
    y: float
    side: float

    def within(self, width: int, height: int) -> _Square:
        side = min(self.side, width, height)
        return _Square(min(max(self.x, 0), width - side), min(max(self.y, 0), height - side), side)

    def cut(self, photograph: Pixels) -> Pixels:
        left, top, side = round(self.x), round(self.y), max(round(self.side), 8)
        return np.ascontiguousarray(photograph[top : top + side, left : left + side])

    def scaled(self, factor: float, size: tuple[int, int]) -> Region:
        """In the original's pixels; ``size`` is its height and width."""
        side = min(max(round(self.side * factor), 1), *size)
        x, y = round(self.x * factor), round(self.y * factor)
        return Region(x=min(max(x, 0), size[1] - side), y=min(max(y, 0), size[0] - side), width=side, height=side)


@dataclass(frozen=True)
class _Sight:
    """What the network says of one square."""

    square: _Square
    probability: float
    """That it is of the kind looked for; less where what a real one holds is missing."""
    around: tuple[float, float, float] | None
    """See :func:`_around`."""

    @classmethod
    def of(cls, square: _Square, answers: Answers, card: Card, wanted: FindSection) -> _Sight:
        assert card.gate is not None
        assert card.structures is not None
        output, maps = card.structures.output, answers["structures"]
        probability = float(answers["kinds"][card.gate.kinds.index(wanted.kind)])
        if wanted.holds is not None:
            held = float((maps[output.labels.index(wanted.holds)] >= output.reach).mean())
            probability *= min(held / _HELD, 1.0)
        return cls(square, probability, _around(maps, output, wanted.outline))

    def merit(self) -> tuple[float, float]:
        """The more probable is better; among equals the one whose outline is nearer to its middle."""
        across, down, _ = self.around or (0.0, 0.0, 0.0)
        return round(self.probability, 4), -float(np.hypot(across - 0.5, down - 0.5))

    def closer(self, photograph: Pixels, margin: float) -> list[_Square]:
        """Squares around the middle of the outline: of the side that it asks for, and narrower than this one."""
        if self.around is None:
            return []
        height, width = photograph.shape[:2]
        across, down, extent = self.around
        x, y = self.square.x + across * self.square.side, self.square.y + down * self.square.side
        sides = (margin * extent * self.square.side, _NARROWER * self.square.side)
        return [_Square(x - side / 2, y - side / 2, side).within(width, height) for side in sides]


def find(photograph: Pixels, size: tuple[int, int], look: Look, card: Card, wanted: FindSection) -> Found | None:
    """Slide a window, take those that the gate holds most for the kind, and move each to what it outlines.

    Args:
        photograph: (height, width, 3), uint8, RGB, all of it, perhaps smaller than the original.
        size: height and width of the original, pixels.
        card: with a gate and structures.

    Returns:
        The best square in the original's pixels; None where even that one hardly looks like the kind.
    """
    squares = [square for square in _windows(photograph) if square.cut(photograph).mean() >= _EMPTY]
    sights = [_Sight.of(square, answers, card, wanted) for square, answers in _asked(squares, photograph, look, card)]
    best = sorted(sights, key=_Sight.merit, reverse=True)[:_CANDIDATES]
    climbed = [_climbed(sight, photograph, look, card, wanted) for sight in best]
    chosen = max(climbed, key=_Sight.merit, default=None)
    if chosen is None or chosen.probability < FAINTEST:
        return None
    chosen = _framed(chosen, photograph, look, card, wanted)
    return Found(chosen.square.scaled(size[0] / photograph.shape[0], size), chosen.probability)


def _windows(photograph: Pixels) -> list[_Square]:
    height, width = photograph.shape[:2]
    side = _SHARE * min(height, width)

    def places(length: int) -> NDArray[np.float64]:
        return np.linspace(0, length - side, max(1, round(2 * length / side) - 1))

    return [_Square(float(x), float(y), side) for y in places(height) for x in places(width)]


def _asked(squares: Sequence[_Square], photograph: Pixels, look: Look, card: Card) -> Iterator[tuple[_Square, Answers]]:
    return zip(squares, look(fit(square.cut(photograph), card.input) for square in squares), strict=True)


def _climbed(sight: _Sight, photograph: Pixels, look: Look, card: Card, wanted: FindSection) -> _Sight:
    """Centred on what is outlined in it, and narrowed, as long as the gate likes it better."""
    for _ in range(_STEPS):
        asked = _asked(sight.closer(photograph, wanted.margin), photograph, look, card)
        better = [_Sight.of(square, answers, card, wanted) for square, answers in asked]
        best = max(better, key=lambda one: one.probability, default=sight)
        if best.probability <= sight.probability:
            break
        sight = best
    return sight


def _framed(sight: _Sight, photograph: Pixels, look: Look, card: Card, wanted: FindSection) -> _Sight:
    """With the margin that the application asks for, which the gate may like a little less, but not much."""
    for square, answers in _asked(sight.closer(photograph, wanted.margin)[:1], photograph, look, card):
        framed = _Sight.of(square, answers, card, wanted)
        if framed.probability > sight.probability / 2:
            return framed
    return sight


def _around(maps: NDArray[np.float32], output: OutputSpec, label: str) -> tuple[float, float, float] | None:
    """The middle (across, down) and the height of the largest outlined region, as shares of the window."""
    mask = (maps[output.labels.index(label)] >= output.reach).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if len(stats) < 2:
        return None
    left, top, wide, high = (int(value) for value in max(stats[1:], key=lambda row: row[cv2.CC_STAT_AREA])[:4])
    rows, columns = mask.shape
    return (left + wide / 2) / columns, (top + high / 2) / rows, high / rows
