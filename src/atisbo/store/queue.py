"""Jobs: PgQueuer's tables in the same database, written on the caller's connection, in the caller's transaction."""

from __future__ import annotations

import json
from typing import Any

from pgqueuer.adapters.persistence.queries import SyncQueries
from pgqueuer.ports.driver import SyncDriver
from psycopg import Connection, RawCursor
from psycopg.rows import dict_row
from sqlalchemy.orm import Session

PREDICT = "predict"
RENDER = "render"
ERASE = "erase"
URGENT = 10
"""Above the ordinary priority of 0: somebody is looking at the page."""


class CallersConnection(SyncDriver):
    """PgQueuer's door onto a connection that is in a transaction of ours: the job is born with its business row."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        cursor = RawCursor(self._connection, row_factory=dict_row)
        cursor.execute(query.encode(), args or None)
        return cursor.fetchall()


def enqueue(
    session: Session,
    entrypoint: str,
    payload: dict[str, Any],
    *,
    priority: int = 0,
    dedupe: str | None = None,
) -> None:
    """Add a job to the caller's transaction. With ``dedupe``, a job of that key still waiting is enough."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, Connection)
    SyncQueries(CallersConnection(connection)).enqueue(
        entrypoint, json.dumps(payload).encode(), priority, dedupe_key=dedupe, on_conflict="skip"
    )
