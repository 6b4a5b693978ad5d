"""Jobs: PgQueuer's tables in the same database, written on the caller's connection, in the caller's transaction."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from pgqueuer.adapters.drivers.psycopg import PsycopgDriver
from pgqueuer.adapters.persistence.queries import SyncQueries
from pgqueuer.models import Job
from pgqueuer.ports.driver import NotifyCallback, SyncDriver
from psycopg import AsyncConnection, Connection, RawCursor
from psycopg.rows import dict_row
from sqlalchemy import text
from sqlalchemy.orm import Session

PREDICT = "predict"
RENDER = "render"
ERASE = "erase"
DELIVER = "deliver"
CORRECT = "correct"
SWEEP = "sweep"
TIDY = "tidy"
MAP = "map"
SNAPSHOT = "snapshot"
EMBED = "embed"
TAKE_OUT = "take_out"
DISCARD = "discard"
PROVE = "prove"
EXPLAIN = "explain"
FIND = "find"
COMPARE = "compare"
EVALUATE = "evaluate"
LEARN = "learn"
SHADOW = "shadow"
TRY = "try"
ANNOUNCE = "announce"
TENSORS = "tensors"
URGENT = 10
"""Above the ordinary priority of 0: somebody is looking at the page."""
PATIENT = -10
"""Below it: answers go first."""


class CallersConnection(SyncDriver):
    """PgQueuer's door onto a connection that is in a transaction of ours: the job is born with its business row."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        cursor = RawCursor(self._connection, row_factory=dict_row)
        cursor.execute(query.encode(), args or None)
        return cursor.fetchall() if cursor.description else []


class Listening(PsycopgDriver):
    """A worker's driver: it listens on one connection and works on another.

    psycopg holds a connection while it waits for notifications, a second at a time; on a single connection every
    statement that arrives in the meantime waits for that second.
    """

    def __init__(self, listening: AsyncConnection[Any], working: AsyncConnection[Any]) -> None:
        super().__init__(listening)
        self._working = PsycopgDriver(working)
        self._hears = asyncio.Event()

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        await super().add_listener(channel, callback)
        self._hears.set()

    async def hear(self, channel: str, callback: Callable[[str], None]) -> None:
        """Listen to a channel of our own, once PgQueuer's is heard."""
        await self._hears.wait()
        await super().add_listener(channel, lambda payload: callback(str(payload)))

    async def notify(self, channel: str, payload: str) -> None:
        """Waits for the first listener: PgQueuer's check of its own hearing must not speak before it can hear."""
        await self._hears.wait()
        await super().notify(channel, payload)

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        return await self._working.fetch(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        return await self._working.execute(query, *args)


def inherit(session: Session, manager: UUID, *, died: bool) -> None:
    """Offer at once what this worker has in hand, who is gone or begins anew, instead of when its lease ends.

    With ``died``, each job notes that a worker was lost with it, see :func:`deaths`.
    """
    session.execute(_INHERIT, {"manager": manager, "died": int(died)})


_INHERIT = text(
    """
    UPDATE pgqueuer SET heartbeat = now() - interval '1 day',
        headers = CASE WHEN jsonb_typeof(headers) = 'object' THEN headers ELSE '{}' END
            || jsonb_build_object('deaths', coalesce((headers ->> 'deaths')::int, 0) + :died)
    WHERE status = 'picked' AND queue_manager_id = :manager
    """
)


def deaths(job: Job) -> int:
    """How many workers were lost with this job in hand."""
    return int(str((job.headers or {}).get("deaths", 0)))


def enqueue(
    session: Session,
    entrypoint: str,
    payload: dict[str, Any],
    *,
    priority: int = 0,
    dedupe: str | None = None,
    after: timedelta | None = None,
) -> None:
    """Add a job to the caller's transaction, not to be done before ``after``. With ``dedupe``, a job of that key still
    waiting is enough.
    """
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, Connection)
    SyncQueries(CallersConnection(connection)).enqueue(
        entrypoint, json.dumps(payload).encode(), priority, after, dedupe, on_conflict="skip"
    )


def enqueue_all(
    session: Session,
    entrypoint: str,
    payloads: list[dict[str, Any]],
    *,
    priority: int = 0,
    after: timedelta | None = None,
) -> None:
    """Add many jobs of one priority to the caller's transaction, in one statement; not to be done before ``after``."""
    if not payloads:
        return
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, Connection)
    count = len(payloads)
    SyncQueries(CallersConnection(connection)).enqueue(
        [entrypoint] * count,
        [json.dumps(payload).encode() for payload in payloads],
        [priority] * count,
        [after] * count if after else None,
    )


def waiting(session: Session, entrypoint: str, *, most: int) -> int:
    """How many jobs of a kind wait, counted up to ``most``."""
    return session.scalar(_WAITING, {"kind": entrypoint, "most": most}) or 0


_WAITING: Final = text(
    "SELECT count(*) FROM (SELECT 1 FROM pgqueuer WHERE entrypoint = :kind AND status = 'queued' LIMIT :most) AS found"
)
