"""Pictures for people, made when they are first looked at; and the removal of what was deleted."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any
from uuid import UUID

from pgqueuer.models import Job
from sqlalchemy.orm import Session

from atisbo.domain import corrections
from atisbo.domain.images import Limits, Region
from atisbo.errors import BadImage, UserError
from atisbo.imaging.corrections import Outlined
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.registry import Registry
from atisbo.services import images, outlines, predictions, reports, views
from atisbo.services.work import Workplace
from atisbo.store.blobs import derived, original
from atisbo.worker.report import report
from atisbo.worker.versions import answered_with

log = logging.getLogger(__name__)


class Rendering:
    def __init__(self, workplace: Workplace, quarantine: Quarantine, registry: Registry) -> None:
        self._workplace = workplace
        self._registry = registry
        self._quarantine = quarantine
        self._limits = Limits.of(workplace.settings)

    async def run(self, job: Job) -> None:
        """Make every picture of a prediction and say so; a picture that cannot be opened has none."""
        said: dict[str, Any] = json.loads(job.payload or b"{}")
        blobs = self._workplace.blobs
        prediction_id = UUID(said["prediction"])
        data = await asyncio.to_thread(blobs.get, original(said["original"]))
        outlined = await asyncio.to_thread(self._outlined, prediction_id, said) if said["answered"] else None
        if data is not None:
            region = Region(**said["region"]) if said["region"] else None
            try:
                asked = self._quarantine.views(data, region, outlined, self._limits, analysed=bool(said.get("report")))
                pictures = await asyncio.wrap_future(asked)
            except (BadImage, UserError) as error:
                log.info("no pictures for %s: %s", prediction_id, error)
                pictures = {}
            if said.get("report"):
                await asyncio.to_thread(self._report, prediction_id, dict(pictures), said["report"])
            for name, picture in pictures.items():
                await asyncio.to_thread(blobs.put, derived(prediction_id, name), picture)
        await asyncio.to_thread(
            self._workplace.within,
            lambda session: self._rendered(session, prediction_id, said["owner"]),
        )

    def _report(self, prediction_id: UUID, pictures: dict[str, bytes], language: str) -> None:
        """The printed page, beside the pictures that are on it."""
        answered = self._workplace.within(lambda session: reports.answered(session, prediction_id=prediction_id))
        if answered is not None:
            application = self._registry.application(answered.application)
            card = answered_with(self._workplace, self._registry, answered.application, answered.version)
            page = report(answered, application, card, pictures, language)
            self._workplace.blobs.put(derived(prediction_id, f"report.{language}.pdf"), page)

    def _outlined(self, prediction_id: UUID, said: dict[str, Any]) -> Outlined:
        try:
            card = answered_with(self._workplace, self._registry, said["application"], said.get("version"))
            layers = corrections.layers(card) if card is not None else ()
        except UserError:
            layers = ()
        name, shapes = self._workplace.within(
            lambda session: outlines.drawn(session, prediction_id=prediction_id, layers=layers)
        )
        return Outlined(self._workplace.blobs.get(name) if name else None, shapes)

    def _rendered(self, session: Session, prediction_id: UUID, owner_id: str) -> None:
        """Say that the pictures are there; those of a prediction that was deleted meanwhile go."""
        predictions.tidy(session, blobs=self._workplace.blobs, ids=[prediction_id])
        views.rendered(session, owner_id=owner_id, prediction_id=str(prediction_id))

    async def erase(self, job: Job) -> None:
        """Remove the blobs of a deleted image. Doing it twice does no harm."""
        said: dict[str, Any] = json.loads(job.payload or b"{}")
        ids = [UUID(identity) for identity in said["predictions"]]
        await asyncio.to_thread(
            self._workplace.within,
            lambda session: images.erase(
                session,
                blobs=self._workplace.blobs,
                original_name=said["original"],
                predictions=ids,
                deletion_id=UUID(said["deletion"]) if "deletion" in said else None,
            ),
        )
