"""A map is asked for when it is looked at, computed beside the work, and shown as far as each may see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pgqueuer.models import Job
from sqlalchemy import select, text, update

from atisbo.domain.access import Actor
from atisbo.services import images, maps
from atisbo.services.maps import MapView
from atisbo.services.work import Workplace
from atisbo.store.maps import MapRecord, PointRecord
from atisbo.worker.maps import Charting
from tests.services.test_neighbours import NEW, answered, collect, complete

Make = Callable[..., Actor]


def seen(workplace: Workplace, actor: Actor) -> MapView:
    return workplace.within(lambda session: maps.get(session, actor, application="eyes"))


def asked(workplace: Workplace) -> list[dict[str, str]]:
    query = text("SELECT payload FROM pgqueuer WHERE entrypoint = 'map' AND status = 'queued'")
    return [json.loads(one) for one in workplace.within(lambda session: list(session.scalars(query)))]


def chart(workplace: Workplace) -> None:
    """Do what is queued, as a worker would."""
    (payload,) = asked(workplace)
    past = datetime.now(UTC)
    job = Job(
        id=1,
        priority=0,
        created=past,
        updated=past,
        heartbeat=past,
        execute_after=past,
        status="picked",
        entrypoint="map",
        payload=json.dumps(payload).encode(),
        queue_manager_id=None,
        headers=None,
    )
    asyncio.run(Charting(workplace).run(job))
    workplace.within(lambda session: session.execute(text("DELETE FROM pgqueuer WHERE entrypoint = 'map'")))


@pytest.fixture
def filled(workplace: Workplace, make_actor: Make) -> tuple[Actor, Actor]:
    """Twelve pictures of the collection in two heaps; one of ana's, one of bea's that she keeps to herself."""
    collect(workplace, 0, 1, 2, 3, 4, 5, label="normal")
    collect(workplace, 80, 81, 82, 83, 84, 85, label="glaucoma")
    ana, bea = make_actor("ana"), make_actor("bea")
    answered(workplace, ana, 2.5)
    answered(workplace, bea, 84.5)
    complete(workplace)
    return ana, bea


def rest(workplace: Workplace) -> None:
    """Let the map be five minutes old."""
    earlier = datetime.now(UTC) - timedelta(minutes=5)
    workplace.within(lambda session: session.execute(update(MapRecord).values(computed_at=earlier)))


def placed(workplace: Workplace) -> set[UUID]:
    return workplace.within(lambda session: set(session.scalars(select(PointRecord.embedding_id))))


def test_nothing_embedded_asks_for_nothing(workplace: Workplace, make_actor: Make) -> None:
    view = seen(workplace, make_actor())
    assert (view.version, view.computing, list(view.points)) == (None, False, [])
    assert asked(workplace) == []


def test_a_map_is_computed_once_and_shown_to_each_as_far_as_they_may_see(
    workplace: Workplace, filled: tuple[Actor, Actor]
) -> None:
    ana, bea = filled
    first = seen(workplace, ana)
    assert (first.computing, first.waiting, list(first.points)) == (True, 14, [])
    seen(workplace, bea)
    assert asked(workplace) == [{"application": "eyes", "version": NEW}]
    chart(workplace)
    view = seen(workplace, ana)
    assert (view.version, view.count, view.waiting, view.computing) == (NEW, 14, 0, False)
    assert sorted(point.source for point in view.points) == ["collection"] * 12 + ["mine"]
    (mine,) = (point for point in view.points if point.source == "mine")
    assert (mine.answer, mine.label, mine.kin, mine.reviewed) == ("glaucoma", "glaucoma", "normal", False)
    assert [len(place) for place in (mine.pca, mine.umap, mine.flat)] == [3, 3, 2]
    assert sum(view.explained) == pytest.approx(1, abs=0.01)
    assert asked(workplace) == []


def test_what_is_deleted_leaves_the_map_and_what_comes_waits_for_the_next(
    workplace: Workplace, filled: tuple[Actor, Actor]
) -> None:
    ana, _ = filled
    seen(workplace, ana)
    chart(workplace)
    (mine,) = (point for point in seen(workplace, ana).points if point.source == "mine")
    gone = text("SELECT image_id FROM predictions WHERE id = :id")
    image_id = workplace.within(lambda session: session.scalar(gone, {"id": mine.subject_id}))
    workplace.within(lambda session: images.delete(session, ana, image_id=image_id))
    answered(workplace, ana, 40)
    view = seen(workplace, ana)
    assert {point.source for point in view.points} == {"collection"}
    assert (view.waiting, view.computing) == (2, False), "a map has just been made"

    rest(workplace)
    assert seen(workplace, ana).computing
    chart(workplace)
    view = seen(workplace, ana)
    assert (view.count, view.waiting, len(view.points)) == (14, 0, 13)


def test_of_more_than_a_map_shows_always_the_same_are_on_it(
    workplace: Workplace, filled: tuple[Actor, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "MOST", 10)
    ana, _ = filled
    assert seen(workplace, ana).waiting == 10
    chart(workplace)
    before = placed(workplace)
    assert len(before) == 10
    rest(workplace)
    view = seen(workplace, ana)
    assert (view.count, view.waiting, view.computing) == (10, 0, False), "the other four wait for nothing"

    nobody = UUID(int=0)
    collect(workplace, 40)
    first = text("UPDATE embeddings SET id = :id WHERE created_at = (SELECT max(created_at) FROM embeddings)")
    workplace.within(lambda session: session.execute(first, {"id": nobody}))
    assert seen(workplace, ana).computing
    chart(workplace)
    assert placed(workplace) == {nobody, *before} - {max(before)}, "none of an earlier map is left between them"
    rest(workplace)
    view = seen(workplace, ana)
    assert (view.count, view.waiting, view.computing) == (10, 0, False)
