from __future__ import annotations

import asyncio
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from atisbo.errors import Unavailable
from atisbo.services.work import Workplace
from atisbo.store.queue import PREDICT, Listening, enqueue, inherit


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


@pytest.mark.parametrize("headers", ["NULL", "'null'", "'{\"deaths\": 1}'"])
def test_who_inherits_may_have_the_jobs_at_once(workplace: Workplace, headers: str) -> None:
    gone, other = uuid4(), uuid4()
    with workplace.transaction() as session:
        for manager in (gone, other):
            enqueue(session, PREDICT, {"manager": str(manager)})
        pick = f"""
            UPDATE pgqueuer SET status = 'picked', heartbeat = now(), headers = {headers},
                queue_manager_id = (convert_from(payload, 'UTF8')::jsonb ->> 'manager')::uuid
        """
        session.execute(text(pick))
        inherit(session, gone, died=True)
        query = "SELECT heartbeat < now() - interval '1 hour', headers ->> 'deaths' FROM pgqueuer ORDER BY id"
        rows = [tuple(row) for row in session.execute(text(query))]
    before = 1 if "deaths" in headers else 0
    assert rows[0] == (True, str(before + 1))
    assert rows[1][0] is False


def test_what_the_queue_hears_of_a_full_disk_is_that_the_database_is_away(workplace: Workplace) -> None:
    """The queue's own statements do not go through SQLAlchemy, which would have wrapped the error."""
    refuse = """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER refusing BEFORE INSERT ON pgqueuer FOR EACH ROW EXECUTE FUNCTION refuse();
    """
    with workplace.engine.begin() as connection:
        connection.exec_driver_sql(refuse)
    try:
        with pytest.raises(Unavailable), workplace.transaction() as session:
            enqueue(session, PREDICT, {"n": 1})
    finally:
        with workplace.engine.begin() as connection:
            connection.exec_driver_sql("DROP FUNCTION refuse CASCADE")
