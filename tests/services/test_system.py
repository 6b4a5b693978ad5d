"""What the system page tells is so: the queue, the workers, what failed and is done again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text, update

from atisbo.domain.access import Actor, Role
from atisbo.errors import NotAllowed, NotFound
from atisbo.services import system
from atisbo.services.work import Workplace
from atisbo.store.db import now
from atisbo.store.workers import WorkerRecord
from tests.services.asked import answered, ask

Make = Callable[..., Actor]


def report(workplace: Workplace, actor: Actor) -> system.System:
    return workplace.within(lambda s: system.report(s, actor, workplace.settings))


def test_it_tells_of_queue_workers_disk_and_pace(workplace: Workplace, make_actor: Make) -> None:
    root, ana = make_actor("root", Role.ADMINISTRATOR), make_actor("ana")
    answered(workplace, ana)
    ask(workplace, ana, b"waiting")
    worker, dead = uuid4(), uuid4()
    for one in (worker, dead):
        workplace.within(
            lambda s, one=one: system.beat(s, one, versions={"eyes": "v1"}, folders={"derived": 7})  # type: ignore[misc]
        )
    workplace.within(
        lambda s: s.execute(
            update(WorkerRecord).where(WorkerRecord.id == dead).values(seen_at=now() - timedelta(minutes=5))
        )
    )
    said = report(workplace, root)
    kinds = {one.kind: one.waiting for one in said.queue}
    assert kinds["predict"] == 2, "nothing took the jobs, whatever became of the rows"
    assert said.oldest_s is not None
    assert {one.id: one.alive for one in said.workers} == {worker: True, dead: False}
    assert said.workers[0].versions == {"eyes": "v1"}
    assert (said.hour.finished, said.hour.failed, said.day.finished) == (1, 0, 1)
    assert said.disk.kinds["originals"] == len(b"bytes" + b"waiting")
    assert said.disk.kinds["derived"] == 7
    assert 0 < said.disk.free < said.disk.total
    workplace.within(lambda s: system.gone(s, worker))
    assert [one.id for one in report(workplace, root).workers] == [dead]


def test_failed_work_has_a_reason_and_is_done_again(workplace: Workplace, make_actor: Make) -> None:
    root = make_actor("root", Role.ADMINISTRATOR)
    asked = [ask(workplace, root, bytes([n + 1])) for n in range(2)]
    reason = {"exception_type": "ValueError", "exception_message": "no good\n[SQL: SELECT 1]", "traceback": "…"}
    with workplace.transaction() as session:
        session.execute(text("UPDATE pgqueuer SET status = 'failed'"))
        session.execute(
            text(
                "INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority, traceback)"
                " SELECT id, 'failed', entrypoint, priority, CAST(:said AS jsonb) FROM pgqueuer"
            ),
            {"said": json.dumps(reason)},
        )
    failed = report(workplace, root).failed
    assert {job.subject for job in failed} == {f"prediction {one.id}" for one in asked}
    assert {job.reason for job in failed} == {"ValueError no good"}
    assert workplace.within(lambda s: system.retry(s, root, job_id=failed[0].id)) == 1
    with pytest.raises(NotFound):
        workplace.within(lambda s: system.retry(s, root, job_id=failed[0].id))
    assert [job.id for job in report(workplace, root).failed] == [failed[1].id]
    assert workplace.within(lambda s: system.retry(s, root)) == 1
    said = report(workplace, root)
    assert (said.held, said.waiting) == (0, 2)


def test_it_is_for_administrators(workplace: Workplace, make_actor: Make) -> None:
    curator = make_actor("kim", Role.CURATOR)
    with pytest.raises(NotAllowed):
        report(workplace, curator)
    with pytest.raises(NotAllowed):
        workplace.within(lambda s: system.retry(s, curator))
