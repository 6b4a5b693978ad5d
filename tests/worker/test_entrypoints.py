"""What is away for the moment costs no job, and nothing that was deleted stays because of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import psycopg
import pytest
from pgqueuer import PgQueuer
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from sqlalchemy import text

from atisbo.domain.access import Actor
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.registry import Registry
from atisbo.services import images
from atisbo.services.work import Workplace
from atisbo.store.blobs import derived, digest, original
from atisbo.store.queue import Listening
from atisbo.worker import main
from atisbo.worker.versions import Versions
from tests.applications_for_tests.networks import HERE
from tests.services.asked import answered

Make = Callable[..., Actor]
NOBODY = "00000000-0000-0000-0000-000000000001"
PAYLOAD: dict[str, Any] = {
    **dict.fromkeys(("prediction", "owner", "author", "webhook", "deletion", "tensor", "trial"), NOBODY),
    **dict.fromkeys(("dataset", "version", "run", "number"), NOBODY),
    **{
        "original": digest(b"bytes that are not there"),
        "predictions": [NOBODY],
        "items": [NOBODY],
        "blob": "x",
        "kept": False,
    },
    **{"application": "eye", "region": None, "answered": False, "sent": "0" * 64, "layers": [], "size": [1, 1]},
    **{"label": "a", "file": "x.png", "turn": 0, "since": "2026-01-01T00:00:00+00:00"},
    **{"picture": None, "masks": ["0" * 64]},
}
"""What any job may say, of things that do not exist."""
WITHOUT = {"correct", "explain", "find", "take_out"}
"""Kinds that have nothing to ask the database where there are no bytes."""


@pytest.fixture(scope="module")
def quarantine() -> Iterator[Quarantine]:
    running = Quarantine(workers=1, timeout_s=20, memory_bytes=2 * 1024**3)
    yield running
    running.close()


async def said(workplace: Workplace, quarantine: Quarantine, database_url: str, **jobs: Any) -> dict[str, object]:
    """What the queue hears of a job of each of these kinds, or of every kind that a worker takes."""
    registry, stop = Registry.open([HERE]), asyncio.Event()
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        queue = PgQueuer(Listening(connection, connection))
        main._answers(queue, workplace, quarantine, registry, Versions(workplace, registry), stop)
        main._learns(queue, workplace, registry, stop)
        heard: dict[str, object] = {}
        for kind, executor in queue.qm.entrypoint_registry.items():
            if not jobs or kind in jobs:
                payload = jobs.get(kind) or (PAYLOAD if kind != "map" else {"application": "eye", "version": "v1"})
                job = Job.model_construct(payload=json.dumps(payload).encode(), headers=None, attempts=0)
                heard[kind] = await ending(executor.parameters.func(job))  # type: ignore[attr-defined]
    registry.close()
    return heard


async def ending(run: Awaitable[None]) -> object:
    try:
        return await run
    except Exception as error:
        return error


def test_no_job_is_lost_while_the_database_is_away(
    workplace: Workplace, quarantine: Quarantine, database_url: str
) -> None:
    away = workplace.settings.model_copy(update={"database_url": "postgresql://postgres:@127.0.0.1:1/postgres"})
    nowhere = Workplace.open(away)
    heard = asyncio.run(said(nowhere, quarantine, database_url))
    nowhere.close()
    assert {kind for kind, outcome in heard.items() if isinstance(outcome, RetryRequested)} == set(heard) - WITHOUT
    assert [heard[kind] for kind in WITHOUT] == [None] * len(WITHOUT)


def due(workplace: Workplace) -> dict[str, Any]:
    """What the job that erases says."""
    query = text("SELECT convert_from(payload, 'UTF8') FROM pgqueuer WHERE entrypoint = 'erase'")
    payload: dict[str, Any] = json.loads(workplace.within(lambda s: s.execute(query).scalar_one()))
    return payload


def test_what_was_deleted_is_erased_once_the_storage_is_back(
    workplace: Workplace, make_actor: Make, quarantine: Quarantine, database_url: str
) -> None:
    ana = make_actor()
    view = answered(workplace, ana)
    mask, picture = derived(view.id, "mask.png"), original(digest(b"bytes"))
    workplace.blobs.put(mask, b"mask")
    workplace.within(lambda s: images.delete(s, ana, image_id=view.image.id))
    stuck = workplace.settings.data_dir / "blobs" / picture
    stuck.unlink()
    stuck.mkdir()  # no storage removes a folder as if it were a file
    job = due(workplace)
    rows = text("SELECT count(*) FROM deletions")
    heard = asyncio.run(said(workplace, quarantine, database_url, erase=job))
    assert isinstance(heard["erase"], RetryRequested)
    assert workplace.within(lambda s: s.scalar(rows)) == 1
    stuck.rmdir()
    workplace.blobs.put(picture, b"bytes")
    assert asyncio.run(said(workplace, quarantine, database_url, erase=job)) == {"erase": None}
    assert workplace.within(lambda s: s.scalar(rows)) == 0
    assert not any(workplace.blobs.has(name) for name in (mask, picture))
