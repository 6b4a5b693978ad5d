from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import event, text

from atisbo.domain.access import Actor
from atisbo.services import predictions, waiting
from atisbo.services.waiting import Place
from atisbo.services.work import Workplace
from atisbo.store import waiting as store
from tests.services.asked import answered, ask

Make = Callable[..., Actor]


def worked(workplace: Workplace, actor: Actor, *times: tuple[float, float]) -> None:
    """Predictions that were in hand from so many to so many seconds ago."""
    for number, (start, end) in enumerate(times):
        done = answered(workplace, actor, f"worked {number}".encode())
        statement = text(
            "UPDATE predictions SET started_at = now() - make_interval(secs => :start), "
            "finished_at = now() - make_interval(secs => :end) WHERE id = :id"
        )
        with workplace.transaction() as session:
            session.execute(statement, {"id": done.id, "start": start, "end": end})


def test_work_that_overlaps_is_counted_once_and_a_pause_not_at_all(workplace: Workplace, make_actor: Make) -> None:
    worked(workplace, make_actor(), (100, 98), (99, 97), (99.5, 98.5), (50, 49))
    pace = workplace.within(store.pace)
    assert pace.finished == 4
    assert pace.busy_s == pytest.approx(4.0, abs=0.5)


def test_what_is_long_past_says_nothing(workplace: Workplace, make_actor: Make) -> None:
    worked(workplace, make_actor(), *((4000 + n, 3999 + n) for n in range(5)))
    assert workplace.within(store.pace).finished == 0


def test_everybody_is_told_their_own_places_in_one_queue(workplace: Workplace, make_actor: Make) -> None:
    ana, ben = make_actor("ana"), make_actor("ben")
    worked(workplace, ana, (20, 18), (18, 16), (16, 14), (14, 12))
    first, second, third = ask(workplace, ana), ask(workplace, ben), ask(workplace, ana)
    assert workplace.within(lambda s: waiting.mine(s, ana)) == {first.id: Place(1, 2), third.id: Place(3, 6)}
    assert workplace.within(lambda s: predictions.get(s, ben, prediction_id=second.id)).place == Place(2, 4)


def test_without_a_pace_there_is_a_place_and_no_promise(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    asked = ask(workplace, ana)
    assert workplace.within(lambda s: waiting.mine(s, ana)) == {asked.id: Place(1, None)}


def test_a_queue_that_stands_still_promises_nothing(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    worked(workplace, ana, (90, 89), (89, 88), (88, 87))
    asked = ask(workplace, ana)
    assert workplace.within(lambda s: waiting.mine(s, ana))[asked.id].expected_s == 1
    older = text("UPDATE predictions SET created_at = now() - interval '60 seconds' WHERE status = 'waiting'")
    workplace.within(lambda s: s.execute(older))
    assert workplace.within(lambda s: waiting.mine(s, ana))[asked.id].expected_s is None


def test_a_page_of_many_that_wait_counts_the_queue_once(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    for number in range(12):
        ask(workplace, ana, f"{number}".encode())
    said: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(workplace.engine, "before_cursor_execute", hear)
    try:
        page = workplace.within(lambda s: predictions.list_(s, ana))
    finally:
        event.remove(workplace.engine, "before_cursor_execute", hear)
    assert [one.place and one.place.position for one in page.items] == list(range(12, 0, -1))
    assert len([one for one in said if "'running'" in one or "status IN" in one]) <= 2, "its pace and its places"
