from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from atisbo.domain.access import Actor, Role
from atisbo.domain.reviews import Verdict
from atisbo.errors import Conflict, Invalid, NotAllowed, NotFound, Outdated, UserError
from atisbo.services import accounts, images, reviews
from atisbo.services.reviews import ReviewView
from atisbo.services.work import Workplace
from atisbo.store.accounts import UserRecord
from tests.services.asked import CARD, EYES, answered, ask

Make = Callable[..., Actor]


def put(workplace: Workplace, actor: Actor, prediction_id: UUID, verdict: str = "right", **more: Any) -> ReviewView:
    return workplace.within(
        lambda s: reviews.put(
            s,
            actor,
            application=EYES,
            card=CARD,
            prediction_id=prediction_id,
            verdict=Verdict(verdict),
            **more,
        )
    )


def history(workplace: Workplace, actor: Actor, prediction_id: UUID) -> list[ReviewView]:
    return workplace.within(lambda s: reviews.history(s, actor, prediction_id=prediction_id))


def test_a_review_is_written_and_read(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    asked = answered(workplace, ana)
    metadata = {"eye": "OD", "pressure": 24, "comment": " hazy "}
    written = put(workplace, ana, asked.id, "wrong", label="normal", metadata=metadata)
    read = workplace.within(lambda s: reviews.get(s, ana, prediction_id=asked.id))
    assert read == written
    assert (read.version, read.verdict, read.label, read.current) == (1, Verdict.WRONG, "normal", True)
    assert read.metadata == {"eye": "OD", "pressure": 24, "comment": "hazy"}
    assert (read.application, read.author_id) == ("eyes", ana.user_id)


def test_every_version_is_kept_and_the_newest_counts(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    asked = answered(workplace, ana)
    for verdict in ("right", "unknown", "wrong"):
        put(workplace, ana, asked.id, verdict)
    said = history(workplace, ana, asked.id)
    assert [(r.version, r.verdict.value, r.current) for r in said] == [
        (3, "wrong", True),
        (2, "unknown", False),
        (1, "right", False),
    ]


def test_saying_the_same_again_makes_no_version(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    asked = answered(workplace, ana)
    first = put(workplace, ana, asked.id, metadata={"eye": "OD"})
    assert put(workplace, ana, asked.id, metadata={"eye": "OD"}) == first
    assert len(history(workplace, ana, asked.id)) == 1


def test_what_was_changed_meanwhile_is_not_overwritten(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    asked = answered(workplace, ana)
    put(workplace, ana, asked.id, expected=0)
    put(workplace, ana, asked.id, "wrong", expected=1)
    for stale in (0, 1, 3):
        with pytest.raises(Outdated):
            put(workplace, ana, asked.id, "unknown", expected=stale)
    assert put(workplace, ana, asked.id, "unknown").version == 3


def test_of_many_who_write_at_once_one_is_first(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    asked = answered(workplace, ana)

    def write(number: int) -> int | str:
        try:
            return put(workplace, ana, asked.id, metadata={"pressure": number}, expected=0).version
        except UserError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(write, range(8)))
    assert sorted(map(str, said)) == ["1"] + ["review_changed"] * 7


def test_who_may_review(workplace: Workplace, make_actor: Make) -> None:
    ana, eva, kim = make_actor(), make_actor("eva"), make_actor("kim", Role.CURATOR)
    asked = answered(workplace, ana)
    with pytest.raises(NotFound):
        put(workplace, eva, asked.id)
    with pytest.raises(NotFound):
        history(workplace, eva, asked.id)
    put(workplace, ana, asked.id)
    put(workplace, kim, asked.id, "wrong")
    assert [r.verdict.value for r in history(workplace, ana, asked.id)] == ["right"], "readers are not told of others"
    assert len(history(workplace, kim, asked.id)) == 2
    blind = accounts.actor_of(_user(workplace, kim), scopes=frozenset({"predict", "read_all"}))
    with pytest.raises(NotAllowed):
        put(workplace, blind, asked.id)
    narrow = accounts.actor_of(_user(workplace, ana), scopes=frozenset({"predict", "review"}))
    assert put(workplace, narrow, asked.id, "unknown").version == 2


def _user(workplace: Workplace, actor: Actor) -> Any:
    return workplace.within(lambda s: s.get(UserRecord, actor.user_id))


def test_there_has_to_be_an_answer(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    waiting = ask(workplace, ana)
    with pytest.raises(Conflict):
        put(workplace, ana, waiting.id)
    with pytest.raises(NotFound):
        put(workplace, ana, uuid4())


def test_a_class_that_was_confirmed_is_written_down(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    asked = answered(workplace, ana)
    assert put(workplace, ana, asked.id, "right").label == "glaucoma"
    assert put(workplace, ana, asked.id, "wrong").label is None
    assert put(workplace, ana, asked.id, "unknown", label="glaucoma").label == "glaucoma"


@pytest.mark.parametrize(
    ("verdict", "label", "code"),
    [
        ("right", "normal", "review_contradicts"),
        ("wrong", "glaucoma", "review_contradicts_itself"),
        ("wrong", "cataract", "label_unknown"),
    ],
)
def test_a_label_that_cannot_be(workplace: Workplace, make_actor: Make, verdict: str, label: str, code: str) -> None:
    ana = make_actor()
    asked = answered(workplace, ana)
    with pytest.raises(Invalid) as refused:
        put(workplace, ana, asked.id, verdict, label=label)
    assert refused.value.code == code


def test_metadata_is_held_to_the_form(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    asked = answered(workplace, ana)
    with pytest.raises(Invalid, match="pressure"):
        put(workplace, ana, asked.id, metadata={"pressure": 500})
    with pytest.raises(NotFound):
        workplace.within(lambda s: reviews.get(s, ana, prediction_id=asked.id))


def test_listing_goes_page_by_page_over_ones_own(workplace: Workplace, make_actor: Make) -> None:
    ana, kim = make_actor(), make_actor("kim", Role.CURATOR)
    asked = [answered(workplace, ana, bytes([n])).id for n in range(3)]
    for one in asked:
        put(workplace, ana, one)
        put(workplace, ana, one, "unknown")
        put(workplace, kim, one)
    first = workplace.within(lambda s: reviews.list_(s, ana, limit=2))
    second = workplace.within(lambda s: reviews.list_(s, ana, limit=2, before=first.next))
    assert [r.prediction_id for r in first.items + second.items] == asked[::-1]
    assert second.next is None
    assert workplace.within(lambda s: reviews.list_(s, ana, application="polyp")).items == []
    of_two = workplace.within(lambda s: reviews.mine(s, ana, prediction_ids=[*asked[:2], uuid4()]))
    assert set(of_two) == set(asked[:2])


def test_what_should_not_have_been_written_can_be_taken_out(workplace: Workplace, make_actor: Make) -> None:
    ana, kim = make_actor(), make_actor("kim", Role.CURATOR)
    asked = answered(workplace, ana)
    put(workplace, kim, asked.id)
    for comment in ("Ana Ruiz", "nobody"):
        put(workplace, ana, asked.id, metadata={"comment": comment})
    workplace.within(lambda s: reviews.forget(s, ana, prediction_id=asked.id))
    left = workplace.within(lambda s: s.execute(text("SELECT author_id, answers FROM reviews")).all())
    assert [tuple(row) for row in left] == [(kim.user_id, {})]
    with pytest.raises(NotFound):
        workplace.within(lambda s: reviews.forget(s, ana, prediction_id=asked.id))
    assert put(workplace, ana, asked.id).version == 1


def test_reviews_go_with_their_image(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    asked = answered(workplace, ana)
    put(workplace, ana, asked.id)
    workplace.within(lambda s: images.delete(s, ana, image_id=asked.image.id))
    assert workplace.within(lambda s: s.scalar(text("SELECT count(*) FROM reviews"))) == 0
