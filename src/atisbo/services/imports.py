"""Bringing labelled images in: each is asked about like any upload, and then reviewed with what its data set says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.datasets import Plan, Split, key
from atisbo.domain.predictions import Status
from atisbo.domain.reviews import Verdict
from atisbo.errors import AtisboError, Conflict, Invalid
from atisbo.imaging.annotations import Brought, Size, mask_png
from atisbo.imaging.folders import Mask
from atisbo.services import asking, audit, corrections, datasets, predictions, reviews
from atisbo.services.asking import Upload
from atisbo.services.predictions import PredictionView
from atisbo.services.work import Workplace
from atisbo.store.blobs import digest
from atisbo.store.datasets import AssignmentRecord, DivisionRecord
from atisbo.store.predictions import PredictionRecord
from atisbo.store.reviews import ReviewRecord

_AT_ONCE: Final = 500


@dataclass
class Import:
    """One data set on its way in; running it again goes on where it stopped."""

    workplace: Workplace
    actor: Actor
    application: Application
    card: Card
    asked: dict[UUID, Brought] = field(default_factory=dict)
    problems: list[tuple[str, AtisboError]] = field(default_factory=list)
    """File and why it was not taken."""

    @property
    def plan(self) -> Plan:
        return Plan.of(self.application, self.card, ())

    def check(self, brought: Sequence[Brought]) -> None:
        """Raises Invalid: a class or an outline is none of the application's, or an image has no label at all."""
        plan = self.plan
        for one in brought:
            if plan.classes and one.label not in plan.classes:
                raise Invalid(
                    "import_class",
                    "{file} is of class {label}; the application's are {labels}.",
                    file=one.path.name,
                    label=one.label or "–",
                    labels=", ".join(plan.classes),
                )
            strange = set(one.outlined) - set(plan.outlines)
            if strange or not (plan.classes or one.outlined):
                raise Invalid(
                    "import_outline",
                    "{file} has the outlines {found}; the application's are {labels}.",
                    file=one.path.name,
                    found=", ".join(sorted(one.outlined)) or "–",
                    labels=", ".join(plan.outlines),
                )

    def ask(self, brought: Iterable[Brought]) -> Iterator[Brought]:
        """Store and queue each picture, with the yes to learning from it; tells of each."""
        self.actor.require(Right.CURATE)
        for one in brought:
            try:
                view = self.workplace.within(lambda session, one=one: self._ask(session, one))  # type: ignore[misc]
                self.asked[view.id] = one
            except AtisboError as error:
                self.problems.append((one.path.name, error))
            yield one

    def _ask(self, session: Session, one: Brought) -> PredictionView:
        data = one.path.read_bytes()
        name = digest(data)
        if one.split is not None:
            self._remember(session, name, Split(one.split))
        return asking.ask(
            session,
            self.actor,
            blobs=self.workplace.blobs,
            application=self.application,
            upload=Upload(data, one.path.name),
            training_consent=True,
            idempotency_key=f"import {self.application.name} {name}",
        )

    def _remember(self, session: Session, original: str, split: Split) -> None:
        """The side that it had; one that was given here before stays."""
        datasets.ensure_salt(session, self.application.name)
        salt = session.scalars(
            select(DivisionRecord.salt).where(DivisionRecord.application == self.application.name)
        ).one()
        row = {"application": self.application.name, "key": key(salt, "original", original), "split": split.value}
        session.execute(insert(AssignmentRecord).values(row).on_conflict_do_nothing())

    def open(self) -> int:
        """How many pictures still wait for their answer."""
        return sum(self.workplace.within(lambda session, ids=ids: _open(session, ids)) for ids in _parts(self.asked))  # type: ignore[misc]

    def checking(self) -> int:
        """How many masks have still to be looked at."""
        return sum(
            self.workplace.within(lambda session, ids=ids: _checking(session, self.actor, ids))  # type: ignore[misc]
            for ids in _parts(self.asked)
        )

    def say(self) -> int:
        """Write the reviews; returns how many images have one."""
        said = 0
        for prediction_id, one in self.asked.items():
            try:
                self.workplace.within(lambda session, p=prediction_id, one=one: self._say(session, p, one))  # type: ignore[misc]
                said += 1
            except AtisboError as error:
                self.problems.append((one.path.name, error))
        self.workplace.within(self._note)
        return said

    def _note(self, session: Session) -> None:
        audit.note(
            session, self.actor, "dataset.imported", f"application:{self.application.name}", images=len(self.asked)
        )

    def _say(self, session: Session, prediction_id: UUID, one: Brought) -> None:
        view = predictions.get(session, self.actor, prediction_id=prediction_id)
        if view.status is Status.FAILED and view.failure is not None:
            raise Conflict(view.failure.code, view.failure.message, **view.failure.values)
        about: dict[str, Any] = {"card": self.card, "prediction_id": prediction_id}
        if one.label is not None:
            answered = (view.findings or {}).get("label")
            verdict = Verdict.RIGHT if answered == one.label else Verdict.WRONG
            reviews.put(session, self.actor, application=self.application, verdict=verdict, label=one.label, **about)
        if one.outlined:
            data = self._mask(one, (view.image.height or 0, view.image.width or 0))
            corrections.put(session, self.actor, blobs=self.workplace.blobs, data=data, **about)

    def _mask(self, one: Brought, size: Size) -> bytes:
        try:
            return mask_png([_made(one, label, size) for label in self.plan.outlines])
        except ValueError as error:
            raise Invalid(
                "import_mask", "The outline of {file} does not fit its picture.", file=one.path.name
            ) from error


def _made(one: Brought, label: str, size: Size) -> Mask:
    return one.outlined[label](size) if label in one.outlined else np.zeros(size, np.bool_)


def _parts(asked: dict[UUID, Brought]) -> Iterator[list[UUID]]:
    ids = list(asked)
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))


def _open(session: Session, ids: Sequence[UUID]) -> int:
    query = select(func.count()).where(
        PredictionRecord.id.in_(ids), PredictionRecord.status.in_((Status.WAITING.value, Status.RUNNING.value))
    )
    return session.scalar(query) or 0


def _checking(session: Session, actor: Actor, ids: Sequence[UUID]) -> int:
    query = select(func.count()).where(
        ReviewRecord.prediction_id.in_(ids),
        ReviewRecord.author_id == actor.user_id,
        ReviewRecord.superseded_at.is_(None),
        ReviewRecord.mask_state == "checking",
    )
    return session.scalar(query) or 0
