from __future__ import annotations

import asyncio

import psycopg

from atisbo.services.work import Workplace
from atisbo.store.queue import PREDICT, Listening, enqueue


def test_a_worker_listens_on_one_connection_and_works_on_another(workplace: Workplace) -> None:
    """On a single one, each statement would wait for the pause between two notifications."""
    url = workplace.settings.database_url or ""

    async def go() -> tuple[int, object, str]:
        async with (
            await psycopg.AsyncConnection.connect(url, autocommit=True) as first,
            await psycopg.AsyncConnection.connect(url, autocommit=True) as second,
        ):
            heard: asyncio.Queue[str] = asyncio.Queue()
            driver = Listening(first, second)
            async with driver:
                early = asyncio.create_task(driver.notify("test", "hello"))
                rows = await driver.fetch("SELECT pg_backend_pid() AS pid")
                await driver.add_listener("test", lambda payload: heard.put_nowait(str(payload)))
                await early
                return first.info.backend_pid, rows[0]["pid"], await asyncio.wait_for(heard.get(), 10)

    listener, worker, heard = asyncio.run(go())
    assert listener != worker
    assert heard == "hello"


def test_a_job_of_a_key_that_waits_is_enough(workplace: Workplace) -> None:
    with workplace.transaction() as session:
        for _ in range(3):
            enqueue(session, PREDICT, {"n": 1}, dedupe="same")
        enqueue(session, PREDICT, {"n": 2}, dedupe="other")
        rows = session.connection().exec_driver_sql("SELECT count(*) FROM pgqueuer").scalar()
    assert rows == 2
