"""Keeping business cases, and what this installation has measured of itself for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.finance import Case, Plan, plan
from atisbo.errors import Conflict, Invalid, NotFound
from atisbo.services import deletions
from atisbo.services.deletions import Kind
from atisbo.store.db import now
from atisbo.store.predictions import PredictionRecord
from atisbo.store.scenarios import ScenarioRecord

MOST = 50
"""Scenarios that one person may keep."""
WINDOW = timedelta(days=7)
FEWEST_A_MINUTE = 30
"""A minute in which less was answered says nothing about what the machine can do."""


@dataclass(frozen=True)
class ScenarioView:
    id: UUID
    name: str
    currency: str
    plan: Plan


def list_(session: Session, actor: Actor) -> list[ScenarioView]:
    """One's own, by name."""
    actor.require(Right.MANAGE_ACCOUNT)
    query = select(ScenarioRecord).where(ScenarioRecord.owner_id == actor.user_id).order_by(ScenarioRecord.name)
    return [
        ScenarioView(record.id, record.name, record.currency, plan(Case.model_validate(record.assumptions)))
        for record in session.scalars(query)
    ]


def save(session: Session, actor: Actor, *, name: str, currency: str, case: Case) -> None:
    """Keep a case under a name; an older one of that name is replaced.

    Raises:
        Invalid: there is no name.
        Conflict: there are too many already.
    """
    actor.require(Right.MANAGE_ACCOUNT)
    name = " ".join(name.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise Invalid("scenario_name", "Give the scenario a name of at most 80 characters.")
    names = set(session.scalars(select(ScenarioRecord.name).where(ScenarioRecord.owner_id == actor.user_id)))
    if name not in names and len(names) >= MOST:
        raise Conflict("scenarios_many", "You keep {count} scenarios already. Delete one first.", count=MOST)
    values = {"currency": currency, "assumptions": case.model_dump(mode="json"), "saved_at": now()}
    session.execute(
        insert(ScenarioRecord)
        .values(owner_id=actor.user_id, name=name, **values)
        .on_conflict_do_update(index_elements=["owner_id", "name"], set_=values)
    )


def delete(session: Session, actor: Actor, *, scenario_id: UUID) -> UUID:
    """Returns what ``deletions.undo`` takes. Raises NotFound for what is not one's own."""
    actor.require(Right.MANAGE_ACCOUNT)
    mine = ScenarioRecord.id == scenario_id, ScenarioRecord.owner_id == actor.user_id
    record = session.scalar(select(ScenarioRecord).where(*mine).with_for_update())
    if record is None:
        raise NotFound("scenario_unknown", "There is no such scenario.")
    deed = deletions.keep(session, actor, Kind.SCENARIO, [record])
    session.delete(record)
    session.flush()
    return deed


def measured_throughput(session: Session) -> float | None:
    """Images a second in the busiest minute of the last week, on all machines together; None: it was never busy."""
    minute = func.date_trunc("minute", PredictionRecord.finished_at)
    busiest = (
        select(func.count().label("answered"))
        .where(PredictionRecord.finished_at > now() - WINDOW, PredictionRecord.version.is_not(None))
        .group_by(minute)
        .order_by(func.count().desc())
        .limit(1)
    )
    answered = session.scalar(busiest) or 0
    return answered / 60 if answered >= FEWEST_A_MINUTE else None
