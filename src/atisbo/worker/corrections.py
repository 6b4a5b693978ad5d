"""Looking at the masks that people drew: untrusted bytes, opened in quarantine."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job

from atisbo.domain.predictions import Failure
from atisbo.errors import BadImage
from atisbo.imaging.corrections import Outlined
from atisbo.imaging.quarantine import Quarantine
from atisbo.services import corrections, outlines, panels
from atisbo.services.work import Workplace
from atisbo.store.blobs import sent


class Correcting:
    """May run twice for the same job: the second time there is nothing left to check."""

    def __init__(self, workplace: Workplace, quarantine: Quarantine) -> None:
        self._workplace = workplace
        self._quarantine = quarantine

    async def run(self, job: Job) -> None:
        """Check one mask, and keep it or say why not."""
        said: dict[str, Any] = json.loads(job.payload or b"{}")
        await self._check(UUID(said["prediction"]), UUID(said["author"]), said)

    async def _check(self, prediction_id: UUID, author_id: UUID, said: dict[str, Any]) -> None:
        blobs = self._workplace.blobs
        about: dict[str, Any] = {
            "blobs": blobs,
            "prediction_id": prediction_id,
            "author_id": author_id,
            "came": said["sent"],
        }
        data = await asyncio.to_thread(blobs.get, sent(prediction_id, said["sent"]))
        if data is None:
            return
        outlined = await asyncio.to_thread(self._outlined, prediction_id, said["layers"])
        try:
            mask, dice = await asyncio.wrap_future(self._quarantine.correct(data, outlined, tuple(said["size"])))
        except BadImage as error:
            failure = Failure(code=error.code, message=error.message, values=error.values)
            await asyncio.to_thread(self._workplace.within, lambda s: corrections.refuse(s, failure=failure, **about))
            return
        agreed = dict(zip(said["layers"], dice, strict=True))
        await asyncio.to_thread(self._workplace.within, lambda s: corrections.keep(s, mask=mask, dice=agreed, **about))

    def _outlined(self, prediction_id: UUID, layers: list[str]) -> Outlined:
        name, shapes = self._workplace.within(
            lambda session: outlines.drawn(session, prediction_id=prediction_id, layers=layers)
        )
        return Outlined(self._workplace.blobs.get(name) if name else None, shapes)

    async def compare(self, job: Job) -> None:
        """Hold what two readers said beside one another; the outlines, where both have one."""
        said: dict[str, Any] = json.loads(job.payload or b"{}")
        prediction_id = UUID(said["prediction"])
        dice = await self._between(prediction_id, said["layers"])
        await asyncio.to_thread(
            self._workplace.within, lambda s: panels.settle(s, prediction_id=prediction_id, dice=dice)
        )

    async def _between(self, prediction_id: UUID, layers: list[str]) -> dict[str, float] | None:
        """Dice by layer; None where a reader said of no outline that it is the true one."""
        blobs = self._workplace.blobs
        sides = await asyncio.to_thread(
            self._workplace.within, lambda s: panels.sides(s, blobs=blobs, prediction_id=prediction_id)
        )
        if sides is None or not layers:
            return None
        if sides.checking:
            raise RetryRequested(timedelta(seconds=1), "a mask is still being checked")
        network = await asyncio.to_thread(self._outlined, prediction_id, layers)
        one, other = (network if side is None else side for side in sides.masks)
        agreed = await asyncio.wrap_future(self._quarantine.compare(one, other, sides.size, len(layers)))
        return dict(zip(layers, agreed, strict=True))

    async def sweep(self, job: Job) -> None:
        """Remove the masks of reviews that were taken back."""
        prediction_id = UUID(json.loads(job.payload or b"{}")["prediction"])
        await asyncio.to_thread(
            self._workplace.within,
            lambda session: corrections.sweep(session, blobs=self._workplace.blobs, prediction_id=prediction_id),
        )
