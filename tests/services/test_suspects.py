"""Who is lost with a prediction makes it a suspect; who puts it back does not."""

from __future__ import annotations

import json
from collections.abc import Callable

from sqlalchemy import text

from atisbo.domain.access import Actor
from atisbo.services import predictions, suspects
from atisbo.services.predictions import Outcome
from atisbo.services.suspects import Hand
from atisbo.services.work import Workplace
from tests.services.asked import FINDINGS, answered, ask

Make = Callable[..., Actor]


def take(workplace: Workplace, *views: predictions.PredictionView) -> list[Hand]:
    hands = workplace.within(lambda s: suspects.take(s, [view.id for view in views]))
    return [hands[view.id] for view in views]


def test_one_that_was_lost_with_its_worker_is_tried_apart(workplace: Workplace, make_actor: Make) -> None:
    asked = ask(workplace, make_actor())
    (first,) = take(workplace, asked)
    assert (first.attempt, first.tries) == (1, 0)
    (second,) = take(workplace, asked)
    assert (second.attempt, second.tries) == (2, 1)
    (third,) = take(workplace, asked)
    assert (third.attempt, third.tries) == (3, 1), "it was waiting for its turn: that is no try"
    assert workplace.within(lambda s: suspects.hold(s, third))
    assert not workplace.within(lambda s: suspects.hold(s, second)), "its lease is lost"
    assert take(workplace, asked)[0].tries == 2


def test_one_that_was_put_back_is_as_before(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    one, other = ask(workplace, ana, b"one"), ask(workplace, ana, b"other")
    hands = take(workplace, one, other)
    workplace.within(lambda s: suspects.release(s, [hands[0], hands[1]._replace(tries=1)]))
    assert [hand.tries for hand in take(workplace, one, other)] == [0, 1]


def test_a_late_release_of_a_lost_lease_changes_nothing(workplace: Workplace, make_actor: Make) -> None:
    asked = ask(workplace, make_actor())
    (lost,) = take(workplace, asked)
    (present,) = take(workplace, asked)
    workplace.within(lambda s: suspects.release(s, [lost]))
    assert take(workplace, asked)[0].tries == present.tries


def test_an_open_prediction_does_not_stay_without_a_job(workplace: Workplace, make_actor: Make) -> None:
    """Its job is held, as the queue does where it cannot write down that it is to be tried again."""
    ana = make_actor()
    asked, _ = ask(workplace, ana, b"open"), answered(workplace, ana, b"finished")
    workplace.within(lambda s: s.execute(text("UPDATE pgqueuer SET status = 'failed', queue_manager_id = NULL")))
    assert workplace.within(suspects.revive) == 1
    query = text("SELECT convert_from(payload, 'UTF8') FROM pgqueuer WHERE status = 'queued'")
    (job,) = workplace.within(lambda s: s.scalars(query).all())
    assert json.loads(job)["prediction"] == str(asked.id)
    assert workplace.within(suspects.revive) == 0


def test_a_suspect_is_answered_like_any_other(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    asked = ask(workplace, ana)
    take(workplace, asked)
    (hand,) = take(workplace, asked)
    workplace.within(lambda s: suspects.hold(s, hand))
    outcome = Outcome(asked.id, hand.attempt, "done", version="v", findings=FINDINGS, size=(2, 2))
    assert workplace.within(lambda s: predictions.record(s, [outcome])) == {asked.id}
    assert workplace.within(lambda s: suspects.take(s, [asked.id])) == {}
