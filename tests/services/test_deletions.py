"""A deletion is gone from every query at once, can be taken back as it was for a while, and is erased then."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from atisbo.domain.access import Actor, Role
from atisbo.domain.finance import Case
from atisbo.domain.reviews import Verdict
from atisbo.errors import Conflict, NotFound
from atisbo.services import consents, deletions, erasure, images, inbox, predictions, reviews, scenarios, sweeps
from atisbo.services.deletions import Kind
from atisbo.services.work import Workplace
from atisbo.store.blobs import derived, digest, original
from tests.conftest import PASSWORD
from tests.services.asked import CARD, EYES, answered, ask

Make = Callable[..., Actor]
APART = {"audit", "audit_head", "audit_addresses", "alembic_version"}


def everything(workplace: Workplace) -> dict[str, list[Any]]:
    """Every row of every table but the log's and the queue's."""
    with workplace.transaction() as session:
        names = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        query = "SELECT to_jsonb(row) FROM {} row"
        found = {
            name: session.scalars(text(query.format(name))).all()
            for name in names
            if name not in APART and not name.startswith("pgqueuer")
        }
    return {name: sorted(rows, key=json.dumps) for name, rows in found.items() if rows}


def delete(workplace: Workplace, actor: Actor, image_id: UUID) -> UUID:
    return workplace.within(lambda s: images.delete(s, actor, image_id=image_id))


def undo(workplace: Workplace, actor: Actor, deed: UUID) -> None:
    workplace.within(lambda s: deletions.undo(s, actor, deed=deed))


def jobs(workplace: Workplace, kind: str) -> list[dict[str, Any]]:
    """The jobs of a kind, taken out of the queue whenever they are due."""
    query = text("DELETE FROM pgqueuer WHERE entrypoint = :kind RETURNING payload")
    rows = workplace.within(lambda s: s.scalars(query, {"kind": kind}).all())
    return [json.loads(bytes(row)) for row in rows]


def work(workplace: Workplace) -> None:
    """What a worker does with the jobs that erase."""
    for said in jobs(workplace, "erase"):
        ids = [UUID(one) for one in said["predictions"]]
        deletion = UUID(said["deletion"]) if "deletion" in said else None
        with workplace.transaction() as session:
            images.erase(
                session,
                blobs=workplace.blobs,
                original_name=said["original"],
                predictions=ids,
                deletion_id=deletion,
            )


def blobs(workplace: Workplace, view: predictions.PredictionView) -> list[str]:
    """What is stored for an image and its answer."""
    names = [*workplace.blobs.names(derived(view.id, "")), original(digest(b"bytes"))]
    return [name for name in names if workplace.blobs.has(name)]


@pytest.fixture
def kept(workplace: Workplace, make_actor: Make) -> tuple[Actor, predictions.PredictionView]:
    """An image with an answer, a curator's and an owner's review, a reading, consents, an embedding and a mask."""
    ana, kim = make_actor("ana"), make_actor("kim", Role.CURATOR)
    view = answered(workplace, ana, training_consent=True, idempotency_key="key")
    workplace.blobs.put(derived(view.id, "mask.png"), b"mask")
    with workplace.transaction() as s:
        for verdict in (Verdict.WRONG, Verdict.RIGHT):
            reviews.put(s, ana, application=EYES, card=CARD, prediction_id=view.id, verdict=verdict)
        consents.share(s, ana, image_id=view.image.id)
        inbox.give(s, kim, application=EYES.name, count=1)
    return ana, view


def test_it_comes_back_as_it_was(workplace: Workplace, kept: tuple[Actor, predictions.PredictionView]) -> None:
    ana, view = kept
    before = everything(workplace)
    assert {"images", "predictions", "reviews", "consents", "embeddings", "readings"} <= set(before)
    deed = delete(workplace, ana, view.image.id)
    without = everything(workplace)
    holding = {name for name, rows in without.items() if str(view.image.id) in json.dumps(rows)}
    assert holding == {"deletions"}
    assert {"images", "predictions", "reviews", "embeddings", "readings"} & set(without) == set()
    with pytest.raises(NotFound):
        workplace.within(lambda s: predictions.get(s, ana, prediction_id=view.id))
    undo(workplace, ana, deed)
    assert everything(workplace) == before
    work(workplace)
    assert blobs(workplace, view) == [derived(view.id, "mask.png"), original(digest(b"bytes"))]


def test_when_the_time_is_over_nothing_is_left(
    workplace: Workplace, kept: tuple[Actor, predictions.PredictionView]
) -> None:
    ana, view = kept
    deed = delete(workplace, ana, view.image.id)
    assert workplace.within(lambda s: deletions.recent(s, ana, kind=Kind.IMAGE)).count == 1  # type: ignore[union-attr]
    work(workplace)
    assert str(view.image.id) not in json.dumps(everything(workplace))
    assert blobs(workplace, view) == []
    assert workplace.within(lambda s: deletions.recent(s, ana, kind=Kind.IMAGE)) is None
    with pytest.raises(NotFound):
        undo(workplace, ana, deed)


def test_it_waits_for_its_time(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    delete(workplace, ana, ask(workplace, ana).image.id)
    due = "SELECT extract(epoch FROM execute_after - now()) FROM pgqueuer WHERE entrypoint = 'erase'"
    assert workplace.within(lambda s: s.scalar(text(due))) == pytest.approx(300, abs=30)


def test_nothing_stays_because_its_job_was_given_up_or_is_gone(
    workplace: Workplace, kept: tuple[Actor, predictions.PredictionView]
) -> None:
    ana, view = kept
    delete(workplace, ana, view.image.id)
    count = text("SELECT status, count(*) FROM pgqueuer WHERE entrypoint = 'erase' GROUP BY status")

    def swept(*changes: str) -> list[tuple[Any, ...]]:
        for change in changes:
            workplace.within(lambda s, change=change: s.execute(text(change)))  # type: ignore[misc]
        sweeps.sweep(workplace, by="worker")
        return [tuple(row) for row in workplace.within(lambda s: s.execute(count).all())]

    assert swept("DELETE FROM pgqueuer WHERE entrypoint = 'erase'") == [], "it can still be brought back"
    assert swept("UPDATE deletions SET until = now()") == [("queued", 1)]
    assert swept("UPDATE pgqueuer SET status = 'failed' WHERE entrypoint = 'erase'") == [("queued", 1)]
    work(workplace)
    assert blobs(workplace, view) == []
    assert "deletions" not in everything(workplace)


def test_who_did_not_delete_it_cannot_bring_it_back(workplace: Workplace, make_actor: Make) -> None:
    ana, kim = make_actor(), make_actor("kim", Role.CURATOR)
    deed = delete(workplace, kim, ask(workplace, ana).image.id)
    with pytest.raises(NotFound):
        undo(workplace, ana, deed)
    undo(workplace, kim, deed)
    assert workplace.within(lambda s: predictions.list_(s, ana)).items


def test_what_was_unanswered_is_asked_again(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    view = ask(workplace, ana)
    workplace.within(lambda s: predictions.claim(s, [view.id]))
    jobs(workplace, "predict")
    undo(workplace, ana, delete(workplace, ana, view.image.id))
    assert [job["prediction"] for job in jobs(workplace, "predict")] == [str(view.id)]
    assert workplace.within(lambda s: predictions.get(s, ana, prediction_id=view.id)).status == "waiting"


def test_the_bytes_stay_while_a_twin_may_come_back(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor("ana"), make_actor("eva")
    hers, theirs = ask(workplace, ana, b"twin"), ask(workplace, eva, b"twin")
    delete(workplace, ana, hers.image.id)
    job = jobs(workplace, "erase")
    deed = delete(workplace, eva, theirs.image.id)
    for said in job:
        with workplace.transaction() as session:
            images.erase(
                session,
                blobs=workplace.blobs,
                original_name=said["original"],
                predictions=[hers.id],
                deletion_id=UUID(said["deletion"]),
            )
    assert workplace.blobs.has(original(digest(b"twin")))
    undo(workplace, eva, deed)
    work(workplace)
    assert workplace.blobs.has(original(digest(b"twin")))


def test_whoever_leaves_cannot_come_back_that_way(
    workplace: Workplace, kept: tuple[Actor, predictions.PredictionView], make_actor: Make
) -> None:
    ana, view = kept
    root = make_actor("root", Role.ADMINISTRATOR)
    delete(workplace, root, view.image.id)
    workplace.within(lambda s: erasure.erase(s, ana, password=PASSWORD))
    assert "deletions" not in everything(workplace)
    work(workplace)
    assert blobs(workplace, view) == []


def test_something_newer_is_not_overwritten(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()

    def save(price: float) -> None:
        workplace.within(lambda s: scenarios.save(s, ana, name="one", currency="USD", case=Case(price=price)))

    save(30)
    before = everything(workplace)
    one = workplace.within(lambda s: scenarios.list_(s, ana))[0]
    deed = workplace.within(lambda s: scenarios.delete(s, ana, scenario_id=one.id))
    assert workplace.within(lambda s: scenarios.list_(s, ana)) == []
    save(40)
    with pytest.raises(Conflict):
        undo(workplace, ana, deed)
    other = workplace.within(lambda s: scenarios.list_(s, ana))[0]
    workplace.within(lambda s: scenarios.delete(s, ana, scenario_id=other.id))
    undo(workplace, ana, deed)
    assert everything(workplace)["scenarios"] == before["scenarios"]
