from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from atisbo.domain.access import Actor, Role
from atisbo.domain.neighbours import Neighbours
from atisbo.domain.reviews import Verdict
from atisbo.errors import NotFound
from atisbo.services import collections, consents, embeddings, images, neighbours, predictions, reviews
from atisbo.services.collections import Entry
from atisbo.services.embeddings import Look
from atisbo.services.neighbours import Wish
from atisbo.services.predictions import Outcome, PredictionView
from atisbo.services.work import Workplace
from atisbo.store import nearest
from atisbo.store.nearest import Place
from tests.services.asked import CARD, EYES, FINDINGS, ask

Make = Callable[..., Actor]
OLD, NEW = "eyes-old", "eyes-new"


def at(degrees: float) -> tuple[float, ...]:
    """A direction in the plane."""
    return (math.cos(math.radians(degrees)), math.sin(math.radians(degrees)))


def collect(workplace: Workplace, *angles: float, label: str = "normal", version: str = NEW) -> list[UUID]:
    """Items of the collection, each looking in its direction, with colours in the opposite order."""
    ids = []
    for angle in angles:
        look = Look(uuid4(), at(angle), at(90 - angle), None)
        entry = Entry(f"{angle}.jpg", label, "Source", "Licence", f"shelf {angle}")
        sha = uuid4().hex + uuid4().hex
        assert workplace.within(
            lambda s, look=look, entry=entry, sha=sha: collections.add(  # type: ignore[misc]
                s, application="eyes", version=version, sha256=sha, entry=entry, look=look
            )
        )
        ids.append(look.subject_id)
    return ids


def answered(
    workplace: Workplace,
    actor: Actor,
    angle: float,
    *,
    data: bytes | None = None,
    version: str = NEW,
    grain: tuple[float, ...] | None = None,
    tone: tuple[float, ...] | None = None,
    **more: bool,
) -> PredictionView:
    view = ask(workplace, actor, data or f"{actor.email} {angle}".encode(), **more)
    attempt = workplace.within(lambda s: predictions.claim(s, [view.id]))[view.id]
    looks = {"vector": at(angle), "palette": at(angle), "grain": grain, "tone": tone}
    outcome = Outcome(view.id, attempt, "done", version=version, findings=FINDINGS, **looks)  # type: ignore[arg-type]
    assert workplace.within(lambda s: predictions.record(s, [outcome])) == {view.id}
    return view


def find(workplace: Workplace, actor: Actor, picture_id: UUID, **wish: object) -> Neighbours:
    return workplace.within(
        lambda s: neighbours.find(s, actor, picture_id=picture_id, wish=Wish(**wish))  # type: ignore[arg-type]
    )


def ids(found: Neighbours) -> list[UUID]:
    return [one.id for one in found.items]


def complete(workplace: Workplace, version: str = NEW) -> bool:
    return workplace.within(lambda s: embeddings.finish(s, application="eyes", version=version))


def test_the_most_alike_come_first_with_their_sources(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    items = collect(workplace, 0, 10, 20, 30, 40, 50, 60)
    asked = answered(workplace, ana, 12)
    complete(workplace)
    found = find(workplace, ana, asked.id)
    assert ids(found) == [items[number] for number in (1, 2, 0, 3, 4)]
    assert [one.position for one in found.items] == [1, 2, 3, 4, 5]
    assert found.items[0].similarity == pytest.approx(math.cos(math.radians(2)), abs=1e-6)
    first = found.items[0]
    assert (first.kind, first.label, first.source, first.location) == ("collection", "normal", "Source", "shelf 10")
    assert found.complete
    more = find(workplace, ana, items[6], k=2)
    assert ids(more) == [items[5], items[4]], "more like any picture that was found"


def test_alike_and_of_the_same_colours_are_two_questions(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    items = collect(workplace, 0, 90)
    asked = answered(workplace, ana, 5)
    complete(workplace)
    assert ids(find(workplace, ana, asked.id)) == [items[0], items[1]]
    assert ids(find(workplace, ana, asked.id, by="palette")) == [items[1], items[0]]


def test_others_find_an_image_only_while_its_owner_agrees(workplace: Workplace, make_actor: Make) -> None:
    ana, eva, kim = make_actor(), make_actor("eva"), make_actor("kim", Role.CURATOR)
    theirs = answered(workplace, eva, 1)
    asked, curators = answered(workplace, ana, 2), answered(workplace, kim, 3)
    complete(workplace)
    assert ids(find(workplace, ana, asked.id)) == []
    assert ids(find(workplace, kim, curators.id)) == [], "nobody agreed to being found by curators"
    workplace.within(lambda s: consents.share(s, eva, image_id=theirs.image.id))
    found = find(workplace, ana, asked.id)
    assert ids(found) == [theirs.id]
    assert (found.items[0].title, found.items[0].asked_at, found.items[0].mine) == ("", None, False)
    assert ids(find(workplace, ana, theirs.id)) == [asked.id], "more like it"
    with workplace.sessions() as s:
        consents.unshare(s, eva, image_id=theirs.image.id)
        assert neighbours.find(s, ana, picture_id=asked.id, wish=Wish()).items == [], "in the same transaction"
        s.rollback()
    workplace.within(lambda s: consents.unshare(s, eva, image_id=theirs.image.id))
    assert ids(find(workplace, ana, asked.id)) == []
    with pytest.raises(NotFound):
        find(workplace, ana, theirs.id)


def test_agreeing_with_the_upload_is_written_down(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor(), make_actor("eva")
    theirs = answered(workplace, eva, 1, sharing_consent=True)
    asked = answered(workplace, ana, 2)
    assert ids(find(workplace, ana, asked.id)) == [theirs.id]
    given = [one for one in workplace.within(lambda s: consents.list_(s, eva)) if one.kind == "sharing"]
    assert [(one.image_id, one.withdrawn_at) for one in given] == [(theirs.image.id, None)]


def test_a_user_always_finds_their_own(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    earlier = answered(workplace, ana, 30)
    asked = answered(workplace, ana, 31)
    collect(workplace, *range(25, 40))
    found = find(workplace, ana, asked.id, k=20)
    mine = [one for one in found.items if one.mine]
    assert [(one.id, one.title) for one in mine] == [(earlier.id, "eye.jpg")]
    assert ids(find(workplace, ana, asked.id, mine=True)) == [earlier.id]


def test_a_deleted_image_leaves_every_search_in_the_same_transaction(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    earlier, asked = answered(workplace, ana, 30), answered(workplace, ana, 31)
    with workplace.sessions() as s:
        images.delete(s, ana, image_id=earlier.image.id)
        assert neighbours.find(s, ana, picture_id=asked.id, wish=Wish()).items == []
        s.rollback()
    assert ids(find(workplace, ana, asked.id)) == [earlier.id]
    workplace.within(lambda s: images.delete(s, ana, image_id=earlier.image.id))
    assert ids(find(workplace, ana, asked.id)) == []
    assert workplace.within(lambda s: s.scalar(text("SELECT count(*) FROM embeddings"))) == 1


def test_deleting_while_it_is_searched(workplace: Workplace, make_actor: Make) -> None:
    """Whoever searches meets whole answers: never an error, never a picture that was gone before they asked."""
    ana = make_actor()
    doomed = [answered(workplace, ana, angle) for angle in range(40)]
    asked = answered(workplace, ana, 50)
    gone: list[UUID] = []

    def search(_: int) -> bool:
        before = set(gone)
        return before.isdisjoint(ids(find(workplace, ana, asked.id, k=40)))

    def delete(view: PredictionView) -> bool:
        workplace.within(lambda s: images.delete(s, ana, image_id=view.image.id))
        gone.append(view.id)
        return True

    with ThreadPoolExecutor(4) as pool:
        deleting = pool.map(delete, doomed)
        assert all(pool.map(search, range(40)))
        assert all(deleting)
    assert ids(find(workplace, ana, asked.id)) == []


def test_versions_are_never_mixed_and_the_search_is_never_empty(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    items = collect(workplace, 0, 10, 20, version=OLD)
    early = answered(workplace, ana, 5, version=OLD)
    assert complete(workplace, OLD)
    assert len(find(workplace, ana, early.id).items) == 3
    # A new network, which sees everything turned by 90 degrees, begins to look.
    late = answered(workplace, ana, 95, version=NEW)
    unseen = workplace.within(lambda s: embeddings.some(s, application="eyes", version=NEW))
    assert {one.subject_id for one in unseen} == {*items, early.id}
    some, rest = unseen[:2], unseen[2:]
    turned = {picture.subject_id: Look(picture.subject_id, at(90 + 10 * n), at(0)) for n, picture in enumerate(unseen)}

    def write(pictures: Sequence[embeddings.Unseen]) -> None:
        looks = [turned[picture.subject_id] for picture in pictures]
        workplace.within(lambda s: embeddings.write(s, application="eyes", version=NEW, pictures=pictures, looks=looks))

    write(some)
    assert not complete(workplace)
    old, new = find(workplace, ana, early.id), find(workplace, ana, late.id)
    assert (old.version, len(old.items), old.complete) == (OLD, 3, True), "the complete one goes on"
    assert (new.version, len(new.items), new.complete) == (NEW, 2, False)
    assert (new.ready, new.total) == (3, 5), "and says how far it is"
    write(rest)
    write(rest)  # a job may run twice
    assert complete(workplace)
    old, new = find(workplace, ana, early.id), find(workplace, ana, late.id)
    assert (old.version, new.version) == (NEW, NEW)
    assert len(old.items) == len(new.items) == 4
    assert (
        workplace.within(lambda s: s.scalar(text("SELECT count(*) FROM embeddings WHERE version = :v"), {"v": OLD}))
        == 0
    )


def test_a_picture_that_a_version_cannot_see_is_not_tried_again(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    asked = answered(workplace, ana, 5, version=OLD)
    pictures = workplace.within(lambda s: embeddings.some(s, application="eyes", version=NEW))
    workplace.within(
        lambda s: embeddings.write(
            s, application="eyes", version=NEW, pictures=pictures, looks=[Look(asked.id, None, None)]
        )
    )
    assert complete(workplace)
    found = find(workplace, ana, asked.id)
    assert (found.items, found.complete) == ([], True)


@pytest.mark.parametrize("indexed", [False, True])
def test_filters_never_starve(
    workplace: Workplace, make_actor: Make, monkeypatch: pytest.MonkeyPatch, indexed: bool
) -> None:
    """Six far away among two thousand close by: the walk through the index ends long before them."""
    ana = make_actor()
    asked = answered(workplace, ana, 0)
    rare = collect(workplace, *range(170, 176), label="glaucoma")
    workplace.within(
        lambda s: s.execute(
            text(
                "WITH i AS (INSERT INTO collection_items (id, application, sha256, file_name, label, source, licence, "
                "location, created_at) SELECT gen_random_uuid(), 'eyes', md5(n::text), '', 'normal', '', '', '', now() "
                "FROM generate_series(1, 2000) n RETURNING id, sha256) "
                "INSERT INTO embeddings (id, application, version, item_id, label, vector, created_at) "
                "SELECT gen_random_uuid(), 'eyes', :v, id, 'normal', "
                "('[1,' || (row_number() OVER ()) / 4000.0 || ']')::vector, now() FROM i"
            ),
            {"v": NEW},
        )
    )
    complete(workplace)
    place = Place("eyes", NEW)
    if indexed:
        monkeypatch.setattr(nearest, "INDEX_FROM", 1000)
        embeddings.index(workplace, application="eyes", version=NEW)
        with workplace.sessions() as s:
            assert nearest.has_index(s, place, "embedding")
            # Among two thousand the planner may sort as well, as its statistics are at the moment.
            s.execute(text("SET LOCAL enable_sort = off"))
            plan = (
                s.execute(
                    text(
                        f"EXPLAIN SELECT id FROM embeddings WHERE application = 'eyes' AND version = '{NEW}' "
                        "AND vector IS NOT NULL ORDER BY (vector::halfvec(2)) <=> '[1,0]'::halfvec(2) LIMIT 5"
                    )
                )
                .scalars()
                .all()
            )
            assert any(place.index("embedding") in line for line in plan)
    assert len(ids(find(workplace, ana, asked.id))) == 5
    assert set(ids(find(workplace, ana, asked.id, same_class=True))) < set(rare)
    assert len(ids(find(workplace, ana, asked.id, same_class=True))) == 5
    assert len(find(workplace, ana, asked.id, same_class=True, k=50).items) == 6
    # Another version's index goes with it.
    nearest.drop_earlier(workplace.engine, Place("eyes", "another"))
    with workplace.sessions() as s:
        assert not nearest.has_index(s, place, "embedding")


def test_reviewed_cases_come_with_what_was_said(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor(), make_actor("eva")
    theirs = [answered(workplace, eva, angle, sharing_consent=True) for angle in (1, 2, 3)]
    for view, verdict, label in ((theirs[1], Verdict.WRONG, "normal"), (theirs[2], Verdict.RIGHT, "glaucoma")):
        workplace.within(
            lambda s, view=view, verdict=verdict, label=label: reviews.put(  # type: ignore[misc]
                s,
                eva,
                application=EYES,
                card=CARD,
                prediction_id=view.id,
                verdict=verdict,
                label=label,
                metadata={"comment": "a name, perhaps"},
            )
        )
    asked = answered(workplace, ana, 0)
    found = find(workplace, ana, asked.id, reviewed=True)
    assert [(one.id, one.review and one.review.verdict) for one in found.items] == [
        (theirs[1].id, "wrong"),
        (theirs[2].id, "right"),
    ]
    assert found.items[0].label == "normal", "what the review says, not what the network took it for"
    assert "a name" not in repr(found)


def test_the_same_picture_is_known_again(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor(), make_actor("eva")
    same, alike, other = (at(0) + at(0)), (at(10) + at(0)), (at(90) + at(90))
    first = answered(workplace, ana, 1, data=b"one", grain=same)
    copied = answered(workplace, ana, 1, data=b"one", grain=same)
    answered(workplace, ana, 1.5, data=b"other", grain=other)
    answered(workplace, eva, 1, data=b"one", grain=same, sharing_consent=True)
    saved_anew = answered(workplace, ana, 2, data=b"saved anew", grain=alike)
    assert [(one.prediction_id, one.same_file) for one in find(workplace, ana, copied.id).seen] == [(first.id, True)]
    seen = find(workplace, ana, saved_anew.id).seen
    assert [(one.prediction_id, one.same_file) for one in seen] == [(copied.id, False), (first.id, False)]
    assert find(workplace, ana, first.id).seen == [], "nothing was asked before it"
    assert len(find(workplace, ana, saved_anew.id).items) == 2, "copies of one original count once"


def test_what_cannot_be_compared_says_so(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    open_one = ask(workplace, ana)
    for unknown in (open_one.id, uuid4()):
        with pytest.raises(NotFound):
            find(workplace, ana, unknown)
