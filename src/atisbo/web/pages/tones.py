"""How the brightness of red, green and blue is drawn, class by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from atisbo.services.tones import STEPS, Channel, Tones

NAMES: Final = ("red", "green", "blue")
_LEVELS: Final = 256
_TALLEST: Final = 62
"""Of the 64 units of the drawing."""


def drawn(classes: Sequence[Tones], word: Callable[[str | None], str]) -> list[dict[str, Any]]:
    """What ``tones.html`` shows; every class at its own height, so that a small one can be read, too."""
    return [_class(one, word(one.label)) for one in classes]


def _class(one: Tones, word: str) -> dict[str, Any]:
    top = max(count for channel in one.channels for count in channel.counts)
    channels = [_channel(name, channel, top) for name, channel in zip(NAMES, one.channels, strict=True)]
    return {"word": word, "count": one.count, "channels": channels, "rows": _rows(one)}


def _channel(name: str, channel: Channel, top: int) -> dict[str, Any]:
    width = _LEVELS // STEPS
    steps = [f"V{64 - _TALLEST * count / top:.1f}H{(at + 1) * width}" for at, count in enumerate(channel.counts)]
    return {
        "name": name,
        "path": f"M0 64{''.join(steps)}V64Z",
        "mean": round(channel.mean),
        "deviation": round(channel.deviation),
    }


def _rows(one: Tones) -> list[dict[str, Any]]:
    """The steps at which there is anything: first and last level, and the counts of red, green and blue."""
    width = _LEVELS // STEPS
    steps = enumerate(zip(*(channel.counts for channel in one.channels), strict=True))
    return [{"from": at * width, "to": (at + 1) * width - 1, "counts": counts} for at, counts in steps if any(counts)]
