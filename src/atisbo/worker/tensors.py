"""Answering a program's tensors: the bare network, without gate, findings or pictures."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AbstractContextManager
from uuid import UUID

import numpy as np
from pgqueuer.models import Job

from atisbo.domain.predictions import Failure
from atisbo.errors import AtisboError, Unavailable
from atisbo.inference.predictor import Predictor
from atisbo.inference.registry import Registry
from atisbo.services import tensors
from atisbo.services.tensors import Order
from atisbo.services.work import Workplace
from atisbo.worker.spare import Spare

log = logging.getLogger(__name__)


class Answering:
    def __init__(self, workplace: Workplace, registry: Registry) -> None:
        self._workplace = workplace
        self._registry = registry
        self._spare = Spare(workplace, registry)

    async def run(self, job: Job) -> None:
        """Answer, and hand the answer to whoever waits; if nobody does, nothing is done."""
        tensor_id = UUID(json.loads(job.payload or b"{}")["tensor"])
        await asyncio.to_thread(self._run, tensor_id)

    def _run(self, tensor_id: UUID) -> None:
        order = self._workplace.within(lambda session: tensors.to_do(session, tensor_id))
        if order is None:
            return
        try:
            said, data = self._answered(order)
        except AtisboError as error:
            log.warning("tensors for %s: %s", order.application, error)
            failure = Failure(code=error.code, message=error.message, values=error.values)
            said, data = {"failure": failure.model_dump(mode="json")}, b""
        self._workplace.within(lambda session: tensors.give(session, tensor_id, said, data))

    def _answered(self, order: Order) -> tuple[dict[str, object], bytes]:
        """What each output is, and the bytes of all, one after the other."""
        pixels = np.frombuffer(order.pixels, np.uint8).reshape(order.shape)
        with self._holding(order) as predictor:
            if pixels.shape[1:3] != predictor.card.input.size:
                raise Unavailable("version_changed", "Another version has just become active. Ask again.")
            each = list(predictor.look(pixels))
            version = predictor.card.version
        outputs = {name: np.stack([one[name] for one in each]).astype("<f4", copy=False) for name in each[0]}
        shapes = [{"name": name, "shape": list(values.shape)} for name, values in outputs.items()]
        return {"version": version, "outputs": shapes}, b"".join(values.tobytes() for values in outputs.values())

    def _holding(self, order: Order) -> AbstractContextManager[Predictor]:
        if order.card is None:
            return self._registry.hold(order.application)
        return self._spare.hold(order.application, order.card)
