"""Answering about a shipped sample for a visitor."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

from pgqueuer.models import Job

from atisbo.domain.images import Limits
from atisbo.domain.predictions import Failure
from atisbo.errors import BadImage, NotFound, UserError
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.registry import Registry
from atisbo.services import trials
from atisbo.services.work import Workplace


class Trying:
    def __init__(self, workplace: Workplace, quarantine: Quarantine, registry: Registry) -> None:
        self._workplace = workplace
        self._quarantine = quarantine
        self._registry = registry
        self._limits = Limits.of(workplace.settings)

    async def run(self, job: Job) -> None:
        """Answer, and hand the answer to whoever waits; if nobody does, it is dropped."""
        said: dict[str, Any] = json.loads(job.payload or b"{}")
        try:
            answer = await self._answer(said["application"], said["file"])
        except (BadImage, UserError) as error:
            failure = Failure(code=error.code, message=error.message, values=error.values)
            answer = {"failure": failure.model_dump(mode="json")}
        await asyncio.to_thread(
            self._workplace.within, lambda session: trials.give(session, UUID(said["trial"]), answer)
        )

    async def _answer(self, name: str, file: str) -> dict[str, Any]:
        application = self._registry.application(name)
        chosen = trials.sample(application, file)
        path = application.folder / "samples" / chosen.file
        try:
            data = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise NotFound("sample_unknown", "There is no such sample picture.") from error
        with self._registry.hold(name) as predictor:
            prepared = await asyncio.wrap_future(
                self._quarantine.prepare(data, chosen.region, predictor.card.input, self._limits)
            )
            answer = await asyncio.wrap_future(predictor.submit(prepared))
        return {
            "version": answer.version,
            "size": [prepared.size[1], prepared.size[0]],
            "findings": answer.findings.model_dump(mode="json"),
        }
