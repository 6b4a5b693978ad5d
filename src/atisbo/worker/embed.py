"""Embeddings made in the background: of collections that came with applications, and of what a version has not seen."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any
from uuid import UUID

from pgqueuer.models import Job

from atisbo.domain.images import Limits, Region
from atisbo.errors import BadImage, NotFound, Unavailable, UserError
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.registry import Registry
from atisbo.services import collections, embeddings, versions
from atisbo.services.embeddings import Look, Unseen
from atisbo.services.work import Workplace
from atisbo.worker.collect import Collector
from atisbo.worker.looks import Eyes, look

log = logging.getLogger(__name__)
SIDE_BY_SIDE = 2
"""Pictures in work at a time: answers that somebody waits for go on beside them."""


def begin(workplace: Workplace, registry: Registry) -> None:
    """Ask for what is missing in every application whose network gives embeddings."""
    names = [name for name in registry.names() if registry.card(name).output.embedding]
    with workplace.transaction() as session:
        for name in names:
            embeddings.ask(session, name)


class Embedding:
    """Takes in the collections that came with applications, and catches up with new versions of networks."""

    def __init__(self, workplace: Workplace, quarantine: Quarantine, registry: Registry) -> None:
        self._workplace = workplace
        self._quarantine = quarantine
        self._registry = registry
        self._limits = Limits.of(workplace.settings)

    async def run(self, job: Job) -> None:
        """Look at a few pictures and ask for the next few; search among all once none is missing."""
        said: dict[str, Any] = json.loads(job.payload or b"{}")
        application = str(said["application"])
        try:
            with self._registry.hold(application) as predictor:
                eyes = Eyes(self._quarantine, predictor, self._limits)
                await self._catch_up(application, eyes, turn=1 - int(said["turn"]))
        except NotFound:
            log.info("%s is no longer installed", application)

    async def _catch_up(self, application: str, eyes: Eyes, *, turn: int) -> None:
        version = eyes.predictor.card.version
        if not await asyncio.to_thread(self._is_active, application, version):
            raise Unavailable("version_changes", "Another version is about to answer. Try again in a moment.")
        folder = self._registry.application(application).folder
        await asyncio.to_thread(Collector(self._workplace, eyes, application).take_shipped, folder)
        pictures = await asyncio.to_thread(
            self._workplace.within, lambda session: embeddings.some(session, application=application, version=version)
        )
        looks = await self._look(pictures, eyes)
        if await asyncio.to_thread(self._keep, application, version, pictures, looks, turn):
            await asyncio.to_thread(embeddings.index, self._workplace, application=application, version=version)

    def _is_active(self, application: str, version: str) -> bool:
        """Only the active version looks: one that is on its way out would undo what the next one does."""
        active = self._workplace.within(versions.answering).get(application)
        return active is None or active.card.version == version

    async def take_out(self, job: Job) -> None:
        """Remove the pictures of items that left their collection. Doing it twice does no harm."""
        said: dict[str, Any] = json.loads(job.payload or b"{}")
        ids = [UUID(identity) for identity in said["items"]]
        await asyncio.to_thread(collections.forget, self._workplace.blobs, ids)

    def _keep(self, application: str, version: str, pictures: list[Unseen], looks: list[Look], turn: int) -> bool:
        with self._workplace.transaction() as session:
            embeddings.write(session, application=application, version=version, pictures=pictures, looks=looks)
            done = embeddings.finish(session, application=application, version=version)
            if not done:
                embeddings.ask(session, application, turn=turn)
        if pictures:
            log.info("%s: %s looked at %d pictures%s", application, version, len(pictures), ", all" if done else "")
        return done

    async def _look(self, pictures: list[Unseen], eyes: Eyes) -> list[Look]:
        turns = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(picture: Unseen) -> Look:
            async with turns:
                return await asyncio.to_thread(self._look_at, picture, eyes)

        return await asyncio.gather(*(one(picture) for picture in pictures))

    def _look_at(self, picture: Unseen, eyes: Eyes) -> Look:
        """A picture that can no longer be opened has no look, and is not tried again."""
        data = self._workplace.blobs.get(embeddings.address(picture))
        if data is None:
            return Look(picture.subject_id)
        region = Region(**picture.region) if picture.region else None
        try:
            return look(picture.subject_id, data, region, eyes)
        except (BadImage, UserError) as error:
            log.info("%s has no embedding: %s", picture.subject_id, error)
            return Look(picture.subject_id)
