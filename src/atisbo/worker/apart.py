"""Suspects: pictures that failed before are answered one at a time, each in a child process that may die of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from atisbo.config import Settings
from atisbo.errors import BrokeDown, Unavailable
from atisbo.imaging.prepared import Prepared
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.apart import received
from atisbo.inference.registry import Answer, Predictor

_MEMORY_BYTES: Final = 8 << 30
"""Address space of the child; the libraries alone reserve about two GiB of it."""


class Apart:
    """Has a child only while somebody needs it: it holds a second copy of a network.

    Args:
        stopping: whether the worker is about to end; who waits for a turn then goes back into the queue.
    """

    def __init__(self, settings: Settings, stopping: Callable[[], bool]) -> None:
        self._settings = settings
        self._stopping = stopping
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._room: Quarantine | None = None

    async def answer(
        self, predictor: Predictor, prepared: Prepared, hold: Callable[[], Awaitable[bool]]
    ) -> Answer | None:
        """Wait for a turn and answer.

        Args:
            hold: asked when the turn has come; False where the answer is not wanted any more.

        Raises:
            RuntimeError: the child died of it, or was too slow.
            Unavailable: the worker is about to end.
            Foreign, BadImage: see :func:`atisbo.inference.predictor.answer`.
        """
        self._waiting += 1
        try:
            async with self._turn:
                if self._stopping():
                    raise Unavailable("engine_closed", "The service is shutting down. Try again in a moment.")
                if predictor.network is None:
                    return await _here(predictor, prepared) if await hold() else None
                room = await self._opened(predictor, predictor.network)
                if not await hold():
                    return None
                asked = room.submit("answer", predictor.card.sha256, prepared, predictor.asked, receive=received)
                return await asyncio.wrap_future(asked)
        except BrokeDown as error:
            raise RuntimeError(f"the network failed apart from others: {error.code}") from error
        finally:
            self._waiting -= 1
            if not self._waiting and self._room is not None:
                room, self._room = self._room, None
                await asyncio.to_thread(room.close)

    async def _opened(self, predictor: Predictor, network: Path | bytes) -> Quarantine:
        """A child with this network."""
        if self._room is None:
            self._room = Quarantine(1, self._settings.hang_s, _MEMORY_BYTES, jobs_module="atisbo.inference.apart")
        room, card = self._room, predictor.card
        if not await asyncio.wrap_future(room.submit("holds", card.sha256, receive=_held)):
            data = await asyncio.to_thread(network.read_bytes) if isinstance(network, Path) else network
            precision = self._settings.engine_precision
            await asyncio.wrap_future(room.submit("load", card, data, precision, receive=_held))
        return room


async def _here(predictor: Predictor, prepared: Prepared) -> Answer:
    """The network is not ours to start: it runs on a server elsewhere."""
    return await asyncio.wrap_future(predictor.submit(prepared))


def _held(values: dict[str, Any], _blocks: dict[str, memoryview]) -> bool:
    return bool(values.get("holds"))
