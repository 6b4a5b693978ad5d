from __future__ import annotations

import threading
import time

from sqlalchemy import text

from atisbo.services.work import Workplace
from atisbo.store.db import hold

_HELD = text("SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND granted ORDER BY objid")
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
