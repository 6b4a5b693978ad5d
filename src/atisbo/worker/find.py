"""Looking for the part that matters in a whole picture; the bytes go as soon as there is an answer."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from typing import Any, Final

import numpy as np
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job

from atisbo.domain.images import Limits
from atisbo.errors import AtisboError, BadImage, Unavailable, UserError
from atisbo.imaging.quarantine import Quarantine
from atisbo.imaging.transform import Pixels
from atisbo.inference.finder import Found, find
from atisbo.inference.registry import Registry
from atisbo.services import regions
from atisbo.services.work import Workplace

log = logging.getLogger(__name__)

_LONGEST: Final = 1024
"""Pixels of the longer side of the picture that is searched: a disc is then about as large as the network sees it."""


class Finding:
    """One at a time; may run twice for the same job."""

    def __init__(self, workplace: Workplace, quarantine: Quarantine, registry: Registry) -> None:
        self._workplace = workplace
        self._quarantine = quarantine
        self._registry = registry
        self._limits = Limits.of(workplace.settings)
        self._hands = asyncio.Lock()
        regions.sweep(workplace.blobs)

    async def run(self, job: Job) -> None:
        """Answer one question. Where the bytes are gone nobody waits for the answer any more."""
        if self._hands.locked():
            raise RetryRequested(timedelta(seconds=0.3), "another picture is being searched")
        said: dict[str, Any] = json.loads(job.payload or b"{}")
        async with self._hands:
            data = await asyncio.to_thread(self._workplace.blobs.get, said["blob"])
            if data is not None:
                await self._answer(said, data)

    async def _answer(self, said: dict[str, Any], data: bytes) -> None:
        try:
            answer = await self._find(said["application"], data)
        except (BadImage, UserError) as error:
            answer = _problem(error)
        except Unavailable:
            raise
        except Exception:
            log.exception("nothing was found for %s", said["number"])
            answer = _problem(AtisboError("internal", regions.BROKEN))
        await asyncio.to_thread(self._settle, said, answer)

    async def _find(self, application: str, data: bytes) -> dict[str, Any]:
        wanted = self._registry.application(application).input.find
        assert wanted is not None
        small, size = await asyncio.wrap_future(
            self._quarantine.submit("reduced", data, _LONGEST, self._limits, receive=_received)
        )
        with self._registry.hold(application) as predictor:
            found = await asyncio.to_thread(find, small, size, predictor.look, predictor.card, wanted)
        gate = predictor.card.gate
        return _told(found, size, sure=found is not None and gate is not None and found.probability >= gate.threshold)

    def _settle(self, said: dict[str, Any], answer: dict[str, Any]) -> None:
        if not said["kept"]:
            self._workplace.blobs.delete(said["blob"])
        self._workplace.within(
            lambda session: regions.propose(session, owner_id=said["owner"], number=said["number"], answer=answer)
        )


def _received(values: dict[str, Any], blocks: dict[str, memoryview]) -> tuple[Pixels, tuple[int, int]]:
    """(height, width, 3), uint8, RGB; and height and width of the original, pixels."""
    height, width = values["size"]
    return np.frombuffer(blocks["pixels"], np.uint8).reshape(*values["shape"], 3), (int(height), int(width))


def _told(found: Found | None, size: tuple[int, int], *, sure: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"height": size[0], "width": size[1], "region": None, "probability": None, "sure": sure}
    if found is not None:
        told |= {"region": found.region.model_dump(), "probability": round(found.probability, 4)}
    return told


def _problem(error: AtisboError) -> dict[str, Any]:
    return {"failure": {"code": error.code, "message": error.message, "values": error.values}}
