from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest
from sqlalchemy import NullPool, create_engine, select, text

from atisbo.services.work import Workplace
from atisbo.store.datasets import AssignmentRecord
from atisbo.store.db import among, hold

_HELD = text("SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND granted ORDER BY objid")
_OTHERS = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY(:pids)")
_OWN = text("SELECT pg_backend_pid()")
_WAITED_FOR = text("SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


def test_several_numbers_are_held_in_one_order(workplace: Workplace) -> None:
    """Whoever waits for the smallest holds none of the others, so that two cannot wait for each other."""
    with workplace.transaction() as first:
        hold(first, [3])
        other = threading.Thread(target=lambda: workplace.within(lambda session: hold(session, [9, 3, 5, 9])))
        other.start()
        with workplace.transaction() as watcher:
            deadline = time.monotonic() + 10
            while not watcher.scalars(_WAITED_FOR).all() and time.monotonic() < deadline:
                time.sleep(0.01)
            assert watcher.scalars(_WAITED_FOR).all() == [3]
            assert watcher.scalars(_HELD).all() == [3]
    other.join(10)
    assert not other.is_alive()


def test_a_value_can_be_among_more_than_a_statement_has_parameters(workplace: Workplace) -> None:
    many = [number.to_bytes(32) for number in range(66_000)]
    with workplace.transaction() as session:
        for key in (many[0], many[-1], b"other"):
            session.add(AssignmentRecord(application="eyes", key=key, split="test"))
        session.flush()
        keys = select(AssignmentRecord.key)
        assert set(session.scalars(keys.where(among(AssignmentRecord.key, many)))) == {many[0], many[-1]}
        assert session.scalars(keys.where(~among(AssignmentRecord.key, many))).all() == [b"other"]
        assert session.scalars(keys.where(among(AssignmentRecord.key, []))).all() == []


@pytest.mark.parametrize("rested_s", [0.0, 1.2])
def test_connections_that_the_server_closed_are_replaced_unnoticed(workplace: Workplace, rested_s: float) -> None:
    """At once, too: nobody asks a connection that was in use a moment ago, but that the server hung up is heard."""
    with ExitStack() as held:
        pids = [held.enter_context(workplace.transaction()).scalar(_OWN) for _ in range(4)]
    with create_engine(
        (workplace.settings.database_url or "").replace("postgresql", "postgresql+psycopg", 1), poolclass=NullPool
    ).connect() as other:
        other.execute(_OTHERS, {"pids": pids})
    time.sleep(0.1 + rested_s)
    with ExitStack() as held:
        after = [held.enter_context(workplace.transaction()).scalar(_OWN) for _ in range(4)]
    assert not set(after) & set(pids)
