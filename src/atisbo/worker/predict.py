"""The worker's stretch of the road: claim, open, infer, record."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from sqlalchemy.orm import Session

from atisbo.domain.images import Limits, Region
from atisbo.domain.predictions import Failure, Status
from atisbo.errors import AtisboError, BadImage, BrokeDown, Foreign, NotFound, Unavailable, UserError
from atisbo.imaging.prepared import Prepared
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.registry import Answer, Predictor, Registry
from atisbo.services import predictions, shadows, suspects
from atisbo.services.predictions import Outcome
from atisbo.services.suspects import Hand
from atisbo.services.work import Workplace
from atisbo.store.blobs import answered, original
from atisbo.worker.apart import Apart
from atisbo.worker.groups import Grouped
from atisbo.worker.looks import plain

log = logging.getLogger(__name__)
_MANY: Final = 8
"""Pictures at work from which on answers wait for one another, to be written together."""


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


@dataclass(frozen=True)
class Kept:
    """What comes of a prediction: rows, and the mask where something is outlined."""

    outcome: Outcome
    mask: bytes | None = None


Opening = asyncio.Task[tuple[Predictor, Prepared]]
"""A picture on its way to the network, and whom it is made ready for."""


class Predicting:
    """May run twice for the same job: the attempt number decides whose result is taken.

    Args:
        shadowed: whether candidates are to be asked, too, about what was answered.
        stopping: whether the worker is about to end.
    """

    def __init__(
        self,
        workplace: Workplace,
        quarantine: Quarantine,
        registry: Registry,
        shadowed: Callable[[], bool] = lambda: False,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        settings = workplace.settings
        self._shadowed = shadowed
        self._workplace = workplace
        self._quarantine = quarantine
        self._registry = registry
        self._limits = Limits.of(settings)
        self._max_attempts = settings.max_attempts
        self._apart = Apart(settings, stopping)
        self._owed: list[Hand] = []
        """To be put back when the database is there again."""
        self._take = Grouped(self._take_many)
        self._release = Grouped(self._release_many)
        self._fetch = Grouped(self._workplace.blobs.get_all, largest=16)
        self._at_work = 0
        self._record = Grouped(self._record_many, company=lambda: self._at_work > _MANY)

    async def run(self, job: Job) -> None:
        """Answer one job. Whatever goes wrong around it is tried again; the tries are counted in the database."""
        order = Order.read(job.payload)
        hand: Hand | None = None
        try:
            async with self._opening(order) as opening:
                hand = await self._take(order.prediction_id)
                if hand is not None:
                    await self._answer(opening, hand)
        except RetryRequested:
            raise
        except Unavailable as error:
            await self._put_back(hand)
            raise RetryRequested(timedelta(seconds=1), str(error)) from error
        except Exception as error:
            log.exception("prediction %s could not be recorded", order.prediction_id)
            if hand is None:
                raise RetryRequested(timedelta(seconds=2), repr(error)) from error
            await self._again(hand, error)

    @asynccontextmanager
    async def _opening(self, order: Order) -> AsyncIterator[Opening]:
        """Open the picture while it is being claimed; the version that it is opened for stays until the block ends."""
        fetched = self._fetched(original(order.original))
        await asyncio.wait([fetched])  # two threads at once would be in each other's way; a child is not
        with ExitStack() as held:
            opening = asyncio.create_task(self._open(order, fetched, held))
            try:
                yield opening
            finally:
                if opening.cancel():  # nobody asked for it
                    await asyncio.wait([opening])
                elif not opening.cancelled():
                    opening.exception()

    def _fetched(self, name: str) -> asyncio.Future[bytes | None]:
        if (data := self._workplace.blobs.at_hand(name)) is None:
            return self._fetch(name)
        here: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        here.set_result(data)
        return here

    async def _open(
        self, order: Order, fetched: asyncio.Future[bytes | None], held: ExitStack
    ) -> tuple[Predictor, Prepared]:
        if (data := await fetched) is None:
            raise NotFound("original_gone", "The stored picture is missing. Upload it again.")
        await self._loaded(order.application)
        predictor = held.enter_context(self._registry.hold(order.application))  # one version from pixels to findings
        card = predictor.card
        kept = card.output.embedding is not None
        return predictor, await asyncio.wrap_future(
            self._quarantine.prepare(data, order.region, card.input, self._limits, looks=kept)
        )

    async def _answer(self, opening: Opening, hand: Hand) -> None:
        if hand.tries >= self._max_attempts:
            await self._give_up(hand)
            return
        try:
            with self._counted():
                said = await self._infer(opening, hand)
        except BrokeDown as error:
            await self._again(hand, error)
        except (BadImage, UserError) as error:
            await self._fail(hand, error)
        except Unavailable:
            raise
        except Exception as error:
            log.exception("prediction %s, attempt %d", hand.prediction_id, hand.attempt)
            await self._again(hand, error)
        else:
            if said is not None:
                await self._keep(hand, *said)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1

    async def _again(self, hand: Hand, error: Exception) -> None:
        """What failed may be at fault itself: try it again, apart from others, a few times."""
        tries = hand.tries + 1
        if tries < self._max_attempts:
            await self._put_back(hand._replace(tries=tries))
            raise RetryRequested(timedelta(seconds=tries), repr(error)) from error
        await (self._fail(hand, error) if isinstance(error, AtisboError) else self._give_up(hand))

    async def _put_back(self, hand: Hand | None) -> None:
        """Whoever takes it next finds it waiting, not lost with a worker."""
        if hand is not None:
            try:
                await self._release(hand)
            except Unavailable:
                self._owed.append(hand)

    async def _keep(self, hand: Hand, answer: Answer, prepared: Prepared) -> None:
        vector = plain(answer.embedding)
        outcome = Outcome(
            prediction_id=hand.prediction_id,
            attempt=hand.attempt,
            status=(Status.UNSURE if answer.findings.unsure else Status.DONE).value,
            version=answer.version,
            findings=answer.findings.model_dump(mode="json"),
            size=(prepared.size[1], prepared.size[0]),
            vector=vector,
            palette=vector and plain(prepared.palette),
            grain=vector and plain(prepared.grain),
            tone=prepared.tone,
            brightness=prepared.brightness,
            contrast=prepared.contrast,
        )
        if not await self._record(Kept(outcome, answer.mask)):
            log.info("prediction %s was deleted or answered by another attempt", hand.prediction_id)

    async def _infer(self, opening: Opening, hand: Hand) -> tuple[Answer, Prepared] | None:
        """None where another attempt has taken a suspect over."""
        predictor, prepared = await opening
        try:
            answer = await self._asked(predictor, prepared, hand)
        except Foreign as error:
            error.size = prepared.size
            raise
        return None if answer is None else (answer, prepared)

    async def _loaded(self, application: str) -> None:
        """A network that is loaded for its first picture must not hold the others' up."""
        if not self._registry.has(application):
            await asyncio.to_thread(self._registry.predictor, application)

    async def _asked(self, predictor: Predictor, prepared: Prepared, hand: Hand) -> Answer | None:
        if not hand.tries:
            return await asyncio.wrap_future(predictor.submit(prepared))
        return await self._apart.answer(
            predictor,
            prepared,
            lambda: asyncio.to_thread(self._workplace.within, lambda session: suspects.hold(session, hand)),
        )

    async def _give_up(self, hand: Hand) -> None:
        message = "The analysis failed {count} times and was given up. Try another picture, or ask an administrator."
        await self._fail(hand, AtisboError("gave_up", message, count=self._max_attempts))

    async def _fail(self, hand: Hand, error: AtisboError) -> None:
        """Record why there is no answer; a picture of another kind is refused, and kept like any other."""
        failure = Failure(code=error.code, message=error.message, values=error.values)
        size = error.size if isinstance(error, Foreign) else None
        outcome = Outcome(
            prediction_id=hand.prediction_id,
            attempt=hand.attempt,
            status=(Status.REFUSED if isinstance(error, Foreign) else Status.FAILED).value,
            failure=failure.model_dump(mode="json"),
            size=(size[1], size[0]) if size else None,
        )
        await self._record(Kept(outcome))

    def _take_many(self, ids: Sequence[UUID]) -> list[Hand | None]:
        owed = self._owed.copy()

        def take(session: Session) -> dict[UUID, Hand]:
            suspects.release(session, owed)
            return suspects.take(session, ids)

        hands = self._workplace.within(take)
        del self._owed[: len(owed)]
        return [hands.get(prediction_id) for prediction_id in ids]

    def _release_many(self, hands: Sequence[Hand]) -> list[None]:
        self._workplace.within(lambda session: suspects.release(session, hands))
        return [None] * len(hands)

    def _record_many(self, kept: Sequence[Kept]) -> list[bool]:
        outcomes = [one.outcome for one in kept]
        masks = {
            answered(one.outcome.prediction_id, one.outcome.attempt): one.mask for one in kept if one.mask is not None
        }
        taken = self._workplace.within(lambda session: self._written(session, outcomes, masks))
        lost = [outcome for outcome in outcomes if outcome.prediction_id not in taken]
        if lost:
            ids = [outcome.prediction_id for outcome in lost]
            self._workplace.blobs.delete(*(answered(outcome.prediction_id, outcome.attempt) for outcome in lost))
            self._workplace.within(lambda session: predictions.tidy(session, blobs=self._workplace.blobs, ids=ids))
        return [outcome.prediction_id in taken for outcome in outcomes]

    def _written(self, session: Session, outcomes: Sequence[Outcome], masks: Mapping[str, bytes]) -> set[UUID]:
        with self._workplace.blobs.putting(masks):
            taken = predictions.record(session, outcomes)
            if self._shadowed() and taken:
                shadows.follow(session, list(taken))
        return taken
