"""The worker's stretch of the road: claim, open, infer, record."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from sqlalchemy.orm import Session

from atisbo.domain.images import Limits, Region
from atisbo.domain.predictions import Failure, Status
from atisbo.errors import AtisboError, BadImage, Foreign, NotFound, Unavailable, UserError
from atisbo.imaging.prepared import Prepared
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.registry import Answer, Registry
from atisbo.services import predictions, shadows
from atisbo.services.predictions import Outcome
from atisbo.services.work import Workplace
from atisbo.store.blobs import answered, original
from atisbo.worker.groups import Grouped
from atisbo.worker.looks import plain

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """What a job says: which bytes, which application, which part."""

    prediction_id: UUID
    original: str
    application: str
    region: Region | None

    @classmethod
    def read(cls, payload: bytes | None) -> Order:
        said: dict[str, Any] = json.loads(payload or b"{}")
        region = said["region"]
        return cls(
            UUID(said["prediction"]),
            said["original"],
            said["application"],
            Region(**region) if region else None,
        )


class Predicting:
    """May run twice for the same job: the attempt number decides whose result is taken.

    Args:
        shadowed: whether candidates are to be asked, too, about what was answered.
    """

    def __init__(
        self,
        workplace: Workplace,
        quarantine: Quarantine,
        registry: Registry,
        shadowed: Callable[[], bool] = lambda: False,
    ) -> None:
        settings = workplace.settings
        self._shadowed = shadowed
        self._workplace = workplace
        self._quarantine = quarantine
        self._registry = registry
        self._limits = Limits.of(settings)
        self._max_attempts = settings.max_attempts
        self._claim = Grouped(self._claim_many)
        self._record = Grouped(self._record_many)

    async def run(self, job: Job) -> None:
        """Answer one job. Whatever goes wrong around it is tried again; the attempts are counted in the database."""
        order = Order.read(job.payload)
        try:
            attempt = await self._claim(order.prediction_id)
            if attempt is not None:
                await self._answer(order, attempt)
        except RetryRequested:
            raise
        except Unavailable as error:
            raise RetryRequested(timedelta(seconds=1), str(error)) from error
        except Exception as error:
            log.exception("prediction %s could not be recorded", order.prediction_id)
            raise RetryRequested(timedelta(seconds=2), repr(error)) from error

    async def _answer(self, order: Order, attempt: int) -> None:
        if attempt > self._max_attempts:
            await self._give_up(order, attempt)
            return
        try:
            answer, prepared = await self._infer(order)
        except (BadImage, UserError) as error:
            await self._fail(order, attempt, error)
            return
        except Unavailable:
            raise
        except Exception as error:
            log.exception("prediction %s, attempt %d", order.prediction_id, attempt)
            if attempt < self._max_attempts:
                raise RetryRequested(timedelta(seconds=attempt), repr(error)) from error
            await (
                self._fail(order, attempt, error) if isinstance(error, AtisboError) else self._give_up(order, attempt)
            )
            return
        if answer.mask is not None:
            name = answered(order.prediction_id, attempt)
            await asyncio.to_thread(self._workplace.blobs.put, name, answer.mask)
        outcome = Outcome(
            prediction_id=order.prediction_id,
            attempt=attempt,
            status=(Status.UNSURE if answer.findings.unsure else Status.DONE).value,
            version=answer.version,
            findings=answer.findings.model_dump(mode="json"),
            size=(prepared.size[1], prepared.size[0]),
            vector=plain(answer.embedding),
            palette=plain(prepared.palette),
            grain=plain(prepared.grain),
            tone=prepared.tone,
            brightness=prepared.brightness,
            contrast=prepared.contrast,
        )
        if not await self._record(outcome):
            log.info("prediction %s was deleted or answered by another attempt", order.prediction_id)

    async def _infer(self, order: Order) -> tuple[Answer, Prepared]:
        data = await asyncio.to_thread(self._workplace.blobs.get, original(order.original))
        if data is None:
            raise NotFound("original_gone", "The stored picture is missing. Upload it again.")
        with self._registry.hold(order.application) as predictor:  # one version from pixels to findings
            prepared = await asyncio.wrap_future(
                self._quarantine.prepare(data, order.region, predictor.card.input, self._limits)
            )
            try:
                return await asyncio.wrap_future(predictor.submit(prepared)), prepared
            except Foreign as error:
                error.size = prepared.size
                raise

    async def _give_up(self, order: Order, attempt: int) -> None:
        message = "The analysis failed {count} times and was given up. Try another picture, or ask an administrator."
        await self._fail(order, attempt, AtisboError("gave_up", message, count=self._max_attempts))

    async def _fail(self, order: Order, attempt: int, error: AtisboError) -> None:
        """Record why there is no answer; a picture of another kind is refused, and kept like any other."""
        failure = Failure(code=error.code, message=error.message, values=error.values)
        size = error.size if isinstance(error, Foreign) else None
        await self._record(
            Outcome(
                prediction_id=order.prediction_id,
                attempt=attempt,
                status=(Status.REFUSED if isinstance(error, Foreign) else Status.FAILED).value,
                failure=failure.model_dump(mode="json"),
                size=(size[1], size[0]) if size else None,
            )
        )

    def _claim_many(self, ids: Sequence[UUID]) -> list[int | None]:
        attempts = self._workplace.within(lambda session: predictions.claim(session, ids))
        return [attempts.get(prediction_id) for prediction_id in ids]

    def _record_many(self, outcomes: Sequence[Outcome]) -> list[bool]:
        taken = self._workplace.within(lambda session: self._written(session, outcomes))
        lost = [outcome for outcome in outcomes if outcome.prediction_id not in taken]
        if lost:
            ids = [outcome.prediction_id for outcome in lost]
            self._workplace.blobs.delete(*(answered(outcome.prediction_id, outcome.attempt) for outcome in lost))
            self._workplace.within(lambda session: predictions.tidy(session, blobs=self._workplace.blobs, ids=ids))
        return [outcome.prediction_id in taken for outcome in outcomes]

    def _written(self, session: Session, outcomes: Sequence[Outcome]) -> set[UUID]:
        taken = predictions.record(session, outcomes)
        if self._shadowed() and taken:
            shadows.follow(session, list(taken))
        return taken
