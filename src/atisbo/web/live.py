"""What happens in the database, told to whoever waits for it: one listening connection a process."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import psycopg

from atisbo.services.live import CHANNEL, PATIENCE

log = logging.getLogger(__name__)

_REMEMBERED = 4096


@dataclass(frozen=True)
class Event:
    """``status`` is a prediction's state, ``rendered``, or ``refresh`` after a gap in which events may be missing."""

    owner_id: UUID | None
    prediction_id: UUID | None
    status: str


REFRESH = Event(None, None, "refresh")


@dataclass(eq=False)
class _Listener:
    owner_id: UUID | None
    prediction_id: UUID | None
    queue: asyncio.Queue[Event] = field(default_factory=lambda: asyncio.Queue(maxsize=1000))

    def wants(self, event: Event) -> bool:
        if event is REFRESH:
            return True
        return event.prediction_id == self.prediction_id or event.owner_id == self.owner_id

    def offer(self, event: Event) -> None:
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            event = REFRESH
        self.queue.put_nowait(event)


class Hub:
    """Hands database notifications to the requests of this process that wait for them.

    Args:
        others: channel → what to do with its payload, in a thread; with "" after a gap in which some may be missing.
    """

    def __init__(self, url: str, others: Mapping[str, Callable[[str], None]] | None = None) -> None:
        self._url = url
        self._others = others or {}
        self._listeners: set[_Listener] = set()
        self._recent: OrderedDict[UUID, Event] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        self.heard = 0
        """Rises with every event of anybody's: while it stays, no place in the queue has moved."""
        self.stopping = asyncio.Event()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        self.end_streams()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def end_streams(self) -> None:
        """Let every waiting reader go, so that the server can finish their requests."""
        self.stopping.set()
        self._tell(REFRESH)

    @contextmanager
    def listening(
        self, *, owner_id: UUID | None = None, prediction_id: UUID | None = None
    ) -> Iterator[asyncio.Queue[Event]]:
        """A queue of the events of one owner, or of one prediction: its latest, if that is recent, and all to come.

        So whoever has just made a prediction cannot miss its end.
        """
        listener = _Listener(owner_id, prediction_id)
        if prediction_id is not None and prediction_id in self._recent:
            listener.offer(self._recent[prediction_id])
        self._listeners.add(listener)
        try:
            yield listener.queue
        finally:
            self._listeners.discard(listener)

    async def _listen(self) -> None:
        while True:
            try:
                async for event in self._events():
                    self._tell(event)
            except psycopg.OperationalError as error:
                log.warning("listening again in a second: %s", error)
            await asyncio.sleep(1)

    async def _events(self) -> AsyncIterator[Event]:
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, **PATIENCE)
        async with connection:
            for channel in (CHANNEL, *self._others):
                await connection.execute(f"LISTEN {channel}".encode())
            for channel in self._others:
                await self._pass_on(channel, "")
            yield REFRESH
            async for message in connection.notifies():
                if message.channel in self._others:
                    await self._pass_on(message.channel, message.payload)
                    continue
                owner, prediction, status = message.payload.split(" ", 2)
                yield Event(UUID(owner), UUID(prediction), status)

    async def _pass_on(self, channel: str, payload: str) -> None:
        try:
            await asyncio.to_thread(self._others[channel], payload)
        except Exception:
            log.exception("%s %s", channel, payload)

    def _tell(self, event: Event) -> None:
        self.heard += 1
        if event.prediction_id is not None:
            self._recent[event.prediction_id] = event
            self._recent.move_to_end(event.prediction_id)
            if len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
        for listener in self._listeners:
            if listener.wants(event):
                listener.offer(event)
