"""The worker process: claims jobs until told to stop, and comes back by itself when the database does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import psycopg
from pgqueuer import PgQueuer
from pgqueuer.types import QueueManagerId
from sqlalchemy.orm import Session

from atisbo.config import Settings
from atisbo.domain.applications import roots
from atisbo.errors import Unavailable
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.registry import Registry
from atisbo.inference.remote import Server
from atisbo.services import suspects
from atisbo.services.work import Workplace
from atisbo.store.db import PATIENCE
from atisbo.store.queue import (
    ANNOUNCE,
    COMPARE,
    CORRECT,
    DELIVER,
    DISCARD,
    EMBED,
    ERASE,
    EVALUATE,
    EXPLAIN,
    FIND,
    LEARN,
    MAP,
    PREDICT,
    PROVE,
    RENDER,
    SHADOW,
    SNAPSHOT,
    SWEEP,
    TAKE_OUT,
    TENSORS,
    TIDY,
    TRY,
    Listening,
    inherit,
)
from atisbo.store.versions import CHANNEL
from atisbo.worker.announce import Announcing
from atisbo.worker.corrections import Correcting
from atisbo.worker.embed import Embedding, begin
from atisbo.worker.entrypoints import LATER, take, wary
from atisbo.worker.evaluate import Evaluating
from atisbo.worker.explain import Explaining
from atisbo.worker.find import Finding
from atisbo.worker.heartbeat import Heartbeat
from atisbo.worker.learn import Learning
from atisbo.worker.maps import Charting
from atisbo.worker.predict import Predicting
from atisbo.worker.render import Rendering
from atisbo.worker.shadow import Shadowing
from atisbo.worker.snapshots import Snapshotting
from atisbo.worker.sweep import AGAIN, Sweeping
from atisbo.worker.tensors import Answering
from atisbo.worker.trials import Trying
from atisbo.worker.versions import Proving, Versions
from atisbo.worker.watch import watch
from atisbo.worker.webhooks import Delivering

log = logging.getLogger(__name__)
DELIVERIES_AT_ONCE = 4
"""A slow receiver must not keep a worker from its pictures."""

_REVIVE_S: Final = 10.0
_LOOK_AGAIN: Final = timedelta(seconds=0.2)
"""For more work, while more waits than may be in hand."""

ANSWERS: Final = "answers"
LEARNS: Final = "learn"


@dataclass(frozen=True)
class Place:
    """Whose work this worker goes on with, as its supervisor says; by itself it is a new one."""

    identity: UUID = field(default_factory=uuid4)
    after: UUID | None = None
    """Of the worker before it, which died: what that one had in hand need not wait for the end of its lease."""
    ready: Callable[[], None] = lambda: None
    """Called when it takes jobs."""


async def run(settings: Settings, place: Place | None = None) -> None:
    """Work until SIGTERM or SIGINT."""
    place = place or Place()
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    workplace = Workplace.open(settings)
    quarantine = Quarantine(
        workers=settings.decoder_processes,
        timeout_s=settings.decode_timeout_s,
        memory_bytes=settings.decoder_memory_bytes,
    )
    registry = Registry.open(
        roots(settings.applications_dir), precision=settings.engine_precision, server=_server(settings)
    )
    versions = Versions(workplace, registry)
    versions.install()
    if ANSWERS in settings.queues:
        versions.follow_now()
    heartbeat = Heartbeat(workplace, registry)
    beside = [
        asyncio.create_task(heartbeat.run()),
        asyncio.create_task(watch(registry, settings.hang_s)),
    ]
    if ANSWERS in settings.queues:
        beside.append(asyncio.create_task(asyncio.to_thread(_load, registry)))
    try:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await _until_disconnected(workplace, quarantine, registry, versions, stop, place)
                await asyncio.wait_for(stop.wait(), 1.0)
    finally:
        for task in beside:
            task.cancel()
        heartbeat.end()
        registry.close()
        quarantine.close()
        workplace.close()


def _server(settings: Settings) -> Server | None:
    if settings.engine_url is None:
        return None
    return Server(settings.engine_url, settings.engine_token, settings.engine_timeout_s, settings.engine_requests)


def _load(registry: Registry) -> None:
    """Beside the first jobs, which load what they need themselves."""
    registry.load()
    log.info("every network is loaded: %s", ", ".join(registry.names()) or "no application")


async def _until_disconnected(
    workplace: Workplace,
    quarantine: Quarantine,
    registry: Registry,
    versions: Versions,
    stop: asyncio.Event,
    place: Place,
) -> None:
    settings = workplace.settings
    try:
        async with await _connect(settings) as listening, await _connect(settings) as working:
            driver = Listening(listening, working)
            queue = PgQueuer(driver)
            queue.qm.queue_manager_id = QueueManagerId(place.identity)
            queue.qm.min_dequeue_poll_interval = _LOOK_AGAIN
            await asyncio.to_thread(workplace.within, lambda session: _begin(session, place))
            tasks = [asyncio.create_task(_pass_on(stop, queue))]
            if ANSWERS in settings.queues:
                _answers(queue, workplace, quarantine, registry, versions, stop)
                await asyncio.to_thread(begin, workplace, registry)
                sweeping = Sweeping(workplace)
                take(queue, TIDY, sweeping.run, hold=True, at_once=1, pause=AGAIN)
                tasks += [asyncio.create_task(_follow(driver, versions)), asyncio.create_task(sweeping.keep())]
                tasks.append(asyncio.create_task(_revive(workplace)))
            if LEARNS in settings.queues:
                _learns(queue, workplace, registry, stop)
            place.ready()
            log.info("at work: %s", ", ".join(sorted(settings.queues)))
            try:
                await queue.qm.run(
                    batch_size=settings.claim_size,
                    max_concurrent_tasks=4 * settings.claim_size,
                    dequeue_timeout=timedelta(seconds=2),
                    heartbeat_timeout=timedelta(seconds=settings.lease_s),
                    shutdown_on_listener_failure=True,
                )
            finally:
                for task in tasks:
                    task.cancel()
    except (psycopg.Error, OSError, Unavailable) as error:
        log.warning("no database, trying again in a second: %s", error)
    except Exception:
        log.exception("the queue stopped; starting it again in a second")


async def _revive(workplace: Workplace) -> None:
    """Until it is cancelled: no open prediction stays without a job."""
    while True:
        try:
            if count := await asyncio.to_thread(workplace.within, suspects.revive):
                log.warning("%d predictions had been given up by the queue; they are tried again", count)
        except Unavailable as error:
            log.warning("nobody looked for what was given up: %s", error)
        await asyncio.sleep(_REVIVE_S)


def _begin(session: Session, place: Place) -> None:
    """Take over from the worker before, and from oneself before the database was away."""
    if place.after is not None:
        inherit(session, place.after, died=True)
    inherit(session, place.identity, died=False)


async def _connect(settings: Settings) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(settings.database_url or "", autocommit=True, **PATIENCE)


async def _pass_on(stop: asyncio.Event, queue: PgQueuer) -> None:
    await stop.wait()
    queue.qm.shutdown.set()


async def _follow(driver: Listening, versions: Versions) -> None:
    """Hear of every activation from now on, and make up for those that were missed."""
    await driver.hear(CHANNEL, versions.hear)
    await versions.follow()
    await versions.keep()


def _learns(queue: PgQueuer, workplace: Workplace, registry: Registry, stop: asyncio.Event) -> None:
    """Long work, one run at a time on all machines together."""
    proving, evaluating = Proving(workplace), Evaluating(workplace, stop)
    applications = {name: application for name, (application, _) in registry.installed.items()}
    learning = Learning(workplace, applications, stop)
    take(queue, PROVE, proving.run, hold=True, pause=LATER)
    take(queue, EVALUATE, evaluating.run, hold=True, at_once=1, pause=LATER)
    take(queue, LEARN, learning.run, hold=True, at_once=1, pause=LATER)


def _answers(
    queue: PgQueuer,
    workplace: Workplace,
    quarantine: Quarantine,
    registry: Registry,
    versions: Versions,
    stop: asyncio.Event,
) -> None:
    predicting = Predicting(workplace, quarantine, registry, lambda: versions.shadowed, stop.is_set)
    rendering = Rendering(workplace, quarantine, registry)
    correcting = Correcting(workplace, quarantine)
    snapshotting = Snapshotting(workplace)
    embedding = Embedding(workplace, quarantine, registry)
    take(queue, PREDICT, predicting.run, hold=True)
    take(queue, RENDER, rendering.run)
    take(queue, FIND, wary(Finding(workplace, quarantine, registry).run))
    take(queue, EXPLAIN, wary(Explaining(workplace, quarantine, registry).run))
    take(queue, CORRECT, correcting.run, hold=True)
    take(queue, COMPARE, correcting.compare, hold=True)
    take(queue, TRY, wary(Trying(workplace, quarantine, registry).run))
    take(queue, TENSORS, Answering(workplace, registry).run)
    take(queue, DELIVER, Delivering(workplace).run, hold=True, at_once=DELIVERIES_AT_ONCE, pause=LATER)
    take(queue, SNAPSHOT, snapshotting.run, hold=True, at_once=1)
    take(queue, EMBED, wary(embedding.run), pause=LATER)
    take(queue, SHADOW, wary(Shadowing(workplace, quarantine, registry).run), at_once=1, pause=LATER)
    take(queue, ANNOUNCE, Announcing(workplace).run, pause=LATER)
    take(queue, MAP, Charting(workplace).run, at_once=1, pause=LATER)
    for kind, removing in (
        (ERASE, rendering.erase),
        (SWEEP, correcting.sweep),
        (DISCARD, snapshotting.discard),
        (TAKE_OUT, embedding.take_out),
    ):
        take(queue, kind, removing, hold=True, pause=LATER)
