"""Asks a candidate what the active version has answered already; nobody waits, and nobody hears but curators."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import numpy as np
from pgqueuer.models import Job

from atisbo.domain.images import Limits
from atisbo.domain.predictions import Status
from atisbo.domain.shadows import agreement
from atisbo.errors import BadImage, Foreign, Misconfigured, UserError
from atisbo.imaging.corrections import Outlined
from atisbo.imaging.draw import read_mask_png
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.predictor import Answer
from atisbo.inference.registry import Registry
from atisbo.services import shadows
from atisbo.services.shadows import Question
from atisbo.services.work import Workplace
from atisbo.store.blobs import original
from atisbo.worker.spare import Spare


class Shadowing:
    def __init__(self, workplace: Workplace, quarantine: Quarantine, registry: Registry) -> None:
        self._workplace = workplace
        self._quarantine = quarantine
        self._limits = Limits.of(workplace.settings)
        self._spare = Spare(workplace, registry)

    async def run(self, job: Job) -> None:
        """May run twice for the same job: the first answer counts."""
        said: dict[str, Any] = json.loads(job.payload or b"{}")
        await asyncio.to_thread(self._ask, UUID(said["prediction"]), UUID(said["version"]))

    def _ask(self, prediction_id: UUID, version_id: UUID) -> None:
        asked = self._workplace.within(
            lambda session: shadows.question(session, prediction_id=prediction_id, version_id=version_id)
        )
        data = self._workplace.blobs.get(original(asked.original)) if asked else None
        if asked is None or data is None:
            return
        status, answer, size = Status.FAILED, None, (0, 0)
        try:
            with self._spare.hold(asked.application, asked.card) as predictor:
                prepared = self._quarantine.prepare(data, asked.region, predictor.card.input, self._limits).result()
                answer, size = predictor.predict(prepared), prepared.size
            status = Status.UNSURE if answer.findings.unsure else Status.DONE
        except Foreign:
            status = Status.REFUSED
        except (BadImage, UserError, Misconfigured):
            pass
        self._keep(prediction_id, version_id, asked, status, answer, size, data)

    def _keep(
        self,
        prediction_id: UUID,
        version_id: UUID,
        asked: Question,
        status: Status,
        answer: Answer | None,
        size: tuple[int, int],
        data: bytes,
    ) -> None:
        found = answer.findings.model_dump(mode="json") if answer else None
        dice = self._dice(asked.mask, answer, size)
        share, same = agreement(asked.status, asked.findings, status.value, found, dice)
        if not same and answer is not None and answer.mask is not None:
            outlined = Outlined(answer.mask, ())
            pictures = self._quarantine.views(data, asked.region, outlined, self._limits).result()
            if "overlay.png" in pictures:
                name = shadows.picture_name(prediction_id, version_id)
                self._workplace.blobs.put(name, pictures["overlay.png"])
        said = {"beside": asked.beside, "status": status.value, "findings": found, "agreement": share, "same": same}
        self._workplace.within(
            lambda session: shadows.record(session, prediction_id=prediction_id, version_id=version_id, **said)
        )

    def _dice(self, name: str, answer: Answer | None, size: tuple[int, int]) -> float | None:
        """Of the two masks, whatever their labels; None where one of them is not there."""
        mask = self._workplace.blobs.get(name)
        if mask is None or answer is None or answer.mask is None:
            return None
        one, other = (read_mask_png(data, size) > 0 for data in (mask, answer.mask))
        total = int(np.count_nonzero(one)) + int(np.count_nonzero(other))
        return 2 * int(np.count_nonzero(one & other)) / total if total else 1.0
