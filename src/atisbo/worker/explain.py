"""What an answer rests on, found by hiding one part of the picture after the other; answers go first."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job

from atisbo.domain.heatmaps import Heatmap, State
from atisbo.domain.images import Limits, Region
from atisbo.errors import BadImage, Misconfigured, NotFound, UserError
from atisbo.imaging.heat import heat_png
from atisbo.imaging.prepared import Prepared
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.occlusion import occlude
from atisbo.inference.registry import Predictor, Registry
from atisbo.services import heatmaps
from atisbo.services.work import Workplace
from atisbo.store.blobs import original
from atisbo.worker.spare import Spare
from atisbo.worker.versions import answered_with

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """What a job says: which answer, to which pixels, by which network."""

    prediction_id: UUID
    owner_id: str
    original: str
    application: str
    region: Region | None
    version: str
    label: str

    @classmethod
    def read(cls, payload: bytes | None) -> Order:
        said: dict[str, Any] = json.loads(payload or b"{}")
        region = Region(**said["region"]) if said["region"] else None
        plain = {name: said[name] for name in ("original", "application", "version", "label")}
        return cls(prediction_id=UUID(said["prediction"]), owner_id=said["owner"], region=region, **plain)


class Explaining:
    """One at a time, so that heat maps never take the places of answers; may run twice for the same job."""

    def __init__(self, workplace: Workplace, quarantine: Quarantine, registry: Registry) -> None:
        self._workplace = workplace
        self._quarantine = quarantine
        self._registry = registry
        self._limits = Limits.of(workplace.settings)
        self._spare = Spare(workplace, registry)
        self._hands = asyncio.Lock()

    async def run(self, job: Job) -> None:
        """Make the heat map of one answer, keep it and say so; a picture that is gone or does not open has none."""
        if self._hands.locked():
            raise RetryRequested(timedelta(seconds=1), "another heat map is being made")
        order = Order.read(job.payload)
        async with self._hands:
            try:
                heatmap, picture = await self._explain(order)
            except (BadImage, UserError) as error:
                log.info("no heat map for %s: %s", order.prediction_id, error)
                return
        await asyncio.to_thread(self._keep, order, heatmap, picture)

    async def _explain(self, order: Order) -> tuple[Heatmap, bytes | None]:
        data = await asyncio.to_thread(self._workplace.blobs.get, original(order.original))
        if data is None:
            raise NotFound("original_gone", "The stored picture is missing. Upload it again.")
        with self._registry.hold(order.application) as predictor:
            if predictor.card.version == order.version:
                return await asyncio.to_thread(self._look, order, data, predictor)
        return await asyncio.to_thread(self._look_back, order, data)

    def _look_back(self, order: Order, data: bytes) -> tuple[Heatmap, bytes | None]:
        """By the version that answered, which another one has replaced since."""
        card = answered_with(self._workplace, self._registry, order.application, order.version)
        try:
            if card is not None:
                with self._spare.hold(order.application, card) as predictor:
                    return self._look(order, data, predictor)
        except (NotFound, Misconfigured) as error:
            log.info("%s cannot explain its answers any more: %s", order.version, error)
        return Heatmap(state=State.OUTDATED, label=order.label), None

    def _look(self, order: Order, data: bytes, predictor: Predictor) -> tuple[Heatmap, bytes | None]:
        prepared = self._quarantine.prepare(data, order.region, predictor.card.input, self._limits).result()
        return explain(prepared, predictor, order.label)

    def _keep(self, order: Order, heatmap: Heatmap, picture: bytes | None) -> None:
        blobs = self._workplace.blobs
        heatmaps.keep(blobs, prediction_id=order.prediction_id, heatmap=heatmap, picture=picture)
        self._workplace.within(
            lambda session: heatmaps.kept(
                session, blobs=blobs, owner_id=order.owner_id, prediction_id=order.prediction_id
            )
        )


def explain(prepared: Prepared, predictor: Predictor, label: str) -> tuple[Heatmap, bytes | None]:
    """The heat map of an answer, and its picture unless nothing in the analysed part matters by itself."""
    heat = occlude(prepared.pixels, predictor.look, predictor.card.output.labels.index(label))
    largest = round(max(heat.largest, 0.0), 4)
    if heat.flat:
        return Heatmap(state=State.FLAT, label=label, largest_drop=largest), None
    box = prepared.box
    return Heatmap(state=State.READY, label=label, largest_drop=largest), heat_png(heat.drop, (box.height, box.width))
