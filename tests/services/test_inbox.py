"""Who is given which answer, in which order, and what becomes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select, text, update

from atisbo.domain.access import Actor, Role
from atisbo.domain.gallery import Wanted
from atisbo.domain.inbox import RANDOM_SHARE, Drawn, lot, unlike, worth
from atisbo.domain.reviews import Verdict
from atisbo.errors import Conflict, NotAllowed, NotFound
from atisbo.imaging.quarantine import Quarantine
from atisbo.services import (
    corrections,
    deletions,
    gallery,
    images,
    inbox,
    panels,
    predictions,
    reviews,
    versions,
    watching,
)
from atisbo.services.inbox import Reading
from atisbo.services.predictions import Outcome
from atisbo.services.reviews import ReviewView
from atisbo.services.work import Workplace
from atisbo.store import predictions as store
from atisbo.store.collections import CollectionRecord, ItemRecord
from atisbo.store.embeddings import EmbeddingRecord
from atisbo.store.predictions import PredictionRecord
from atisbo.store.readings import ReadingRecord, truth
from tests.services.asked import CARD, DISC_CARD, DISCS, EYES, FINDINGS, answered, ask, outlined
from tests.services.test_corrections import png, work

Make = Callable[..., Actor]


def asked(workplace: Workplace, actor: Actor, uncertainty: float, number: int) -> UUID:
    view = ask(workplace, actor, f"eye {number}".encode())
    attempt = workplace.within(lambda s: store.claim(s, [view.id]))[view.id]
    findings = FINDINGS | {"uncertainty": uncertainty}
    outcome = Outcome(view.id, attempt, "done", version="v", findings=findings, size=(2, 2))
    workplace.within(lambda s: store.finish(s, [outcome]))
    return view.id


def give(workplace: Workplace, actor: Actor, count: int = 1, application: str = "eyes") -> list[Reading]:
    return workplace.within(lambda s: inbox.give(s, actor, application=application, count=count))


def answer(workplace: Workplace, actor: Actor, reading: Reading, verdict: str | None = "right", **more: Any) -> None:
    said: dict[str, Any] = {"application": EYES, "card": CARD} | more
    chosen = Verdict(verdict) if verdict else None
    workplace.within(lambda s: inbox.answer(s, actor, reading_id=reading.id, verdict=chosen, **said))


def expire(workplace: Workplace) -> None:
    with workplace.engine.begin() as connection:
        connection.execute(text("UPDATE readings SET expires_at = now() - interval '1 second'"))


def test_what_is_worth_most_comes_first_and_every_fifth_by_lot(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor(), make_actor("eva", Role.CURATOR)
    doubts = {asked(workplace, ana, number / 40, number): number / 40 for number in range(40)}
    wrong = min((one for one in doubts if lot(one) >= RANDOM_SHARE), key=lambda one: doubts[one])
    workplace.within(
        lambda s: reviews.put(s, ana, application=EYES, card=CARD, prediction_id=wrong, verdict=Verdict.WRONG)
    )
    order = [reading for _ in range(4) for reading in give(workplace, eva, 10)]
    assert {reading.prediction.id for reading in order} == set(doubts)
    by_lot = [reading for reading in order if reading.drawn is Drawn.RANDOM]
    assert {reading.prediction.id for reading in by_lot} == {one for one in doubts if lot(one) < RANDOM_SHARE}
    assert [reading.prediction.id for reading in by_lot] == sorted((r.prediction.id for r in by_lot), key=lot)
    assert {reading.chance for reading in by_lot} == {RANDOM_SHARE}
    assert [n for n, reading in enumerate(order[:20]) if reading.drawn is Drawn.RANDOM] == [4, 9, 14, 19][: len(by_lot)]
    chosen = [reading for reading in order if reading.drawn is Drawn.WORTH]
    assert [reading.worth for reading in chosen] == sorted((reading.worth for reading in chosen), reverse=True)
    said = {reading.prediction.id: reading for reading in order}[wrong]
    assert said.worth == pytest.approx(worth(doubts[wrong], "wrong"))
    assert said.asked is not None
    assert give(workplace, eva) == []


def test_ten_at_once_are_those_that_come_one_by_one(workplace: Workplace, make_actor: Make) -> None:
    """And all answers are put in order once for each kind, not once for each that is given."""
    ana, eva = make_actor(), make_actor("eva", Role.CURATOR)
    for number in range(16):
        asked(workplace, ana, number / 16, number)
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(workplace.engine, "before_cursor_execute", note)
    together = [(one.prediction.id, one.drawn) for one in give(workplace, eva, 10)]
    event.remove(workplace.engine, "before_cursor_execute", note)
    assert len(together) == 10
    assert sum("SKIP LOCKED" in statement for statement in statements) <= len(Drawn) + 1
    with workplace.engine.begin() as connection:
        connection.execute(text("DELETE FROM readings"))
    assert [(one.prediction.id, one.drawn) for _ in range(10) for one in give(workplace, eva)] == together


def test_what_is_unlike_the_collection_comes_before_what_is_like_it(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor(), make_actor("eva", Role.CURATOR)
    ids = [one for one in (asked(workplace, ana, 0.5, number) for number in range(12)) if lot(one) >= RANDOM_SHARE][:3]
    vectors = {ids[0]: (1.0, 0.0), ids[1]: (0.0, 1.0), ids[2]: (0.9, 0.3)}
    with workplace.sessions.begin() as session:
        session.add(CollectionRecord(application="eyes", version="v"))
        item = ItemRecord(application="eyes", file_name="seen.jpg")
        session.add(item)
        session.flush()
        about = {"application": "eyes", "version": "v"}
        session.add(EmbeddingRecord(item_id=item.id, vector=(2.0, 0.0), **about))
        for identity, vector in vectors.items():
            image = session.get_one(PredictionRecord, identity).image_id
            session.add(EmbeddingRecord(prediction_id=identity, image_id=image, vector=vector, **about))
    order = [reading.prediction.id for _ in range(2) for reading in give(workplace, eva, 10)]
    assert [one for one in order if one in vectors] == [ids[1], ids[2], ids[0]]
    assert unlike(0.0) < unlike(1 - 0.9 / (0.9**2 + 0.3**2) ** 0.5) < unlike(1.0) == unlike(None)


def test_only_what_was_drawn_by_lot_is_a_fair_sample(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor(), make_actor("eva", Role.CURATOR)
    for number in range(20):
        asked(workplace, ana, 0.5, number)
    drawn = Counter[bool]()
    for reading in give(workplace, eva, 10) + give(workplace, eva, 10):
        by_lot = reading.drawn is Drawn.RANDOM
        drawn[by_lot] += 1
        answer(workplace, eva, reading, "right" if by_lot else "wrong")
    seen = workplace.within(lambda s: watching.look(s, eva, application="eyes"))
    assert (seen.right.count, seen.right.total) == (drawn[True], 20)
    assert (seen.by_lot.count, seen.by_lot.total) == (drawn[True], drawn[True])


def test_what_a_panel_takes_from_the_lot_stays_in_the_sample(workplace: Workplace, make_actor: Make) -> None:
    """Curators ask two readers about what looks wrong; without those the rest looks better than the network is."""
    ana, curators = make_actor(), [make_actor(name, Role.CURATOR) for name in ("eva", "leo")]
    lots = [one for one in (asked(workplace, ana, 0.5, number) for number in range(60)) if lot(one) < RANDOM_SHARE]
    wrong = set(lots[::2])
    doubtful = sorted(wrong)[: max(1, len(wrong) - 1)]
    panel(workplace, curators[0], count=None, chosen=doubtful)
    for curator in curators:
        while readings := give(workplace, curator, 10):
            for reading in readings:
                said, label = ("wrong", "normal") if reading.prediction.id in wrong else ("right", None)
                answer(workplace, curator, reading, said, label=label)
    for one in doubtful:
        workplace.within(lambda s, one=one: panels.settle(s, prediction_id=one, dice=None))  # type: ignore[misc]
    seen = workplace.within(lambda s: watching.look(s, curators[0], application="eyes"))
    assert (seen.by_lot.count, seen.by_lot.total) == (len(lots) - len(wrong), len(lots))


def test_what_a_curator_chose_to_review_is_still_drawn_by_lot(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor(), make_actor("eva", Role.CURATOR)
    both = [asked(workplace, ana, 0.5, number) for number in range(40)]
    one, other = min(both, key=lot), max(both, key=lot)
    for chosen in (one, other):
        workplace.within(
            lambda s, chosen=chosen: reviews.put(  # type: ignore[misc]
                s, eva, application=EYES, card=CARD, prediction_id=chosen, verdict=Verdict.WRONG
            )
        )

    def by_lot() -> tuple[int, int]:
        found = workplace.within(lambda s: watching.look(s, eva, application="eyes")).by_lot
        return found.count, found.total

    assert by_lot() == (0, 0), "nobody read it who was asked to"
    given = {reading.prediction.id: reading for _ in range(4) for reading in give(workplace, eva, 10)}
    assert (one in given, other in given) == (True, False)
    answer(workplace, eva, given[one], "wrong")
    assert by_lot() == (0, 1)


def test_two_curators_at_once_are_never_given_the_same(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    for number in range(24):
        asked(workplace, ana, 0.5, number)
    curators = [make_actor(name, Role.CURATOR) for name in ("eva", "leo", "mia", "noa")]
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda turn: give(workplace, curators[turn % 4], 2), range(16)))
    seen = Counter(reading.prediction.id for readings in given for reading in readings)
    assert set(seen.values()) == {1}
    assert len(seen) >= 20


def test_an_answer_is_a_review_of_a_reader(workplace: Workplace, make_actor: Make) -> None:
    ana, eva, leo = make_actor(), make_actor("eva", Role.CURATOR), make_actor("leo", Role.CURATOR)
    first, second = asked(workplace, ana, 0.9, 1), asked(workplace, ana, 0.1, 2)
    [reading] = give(workplace, eva)
    answer(workplace, eva, reading, "wrong", label="normal")
    [said] = workplace.within(lambda s: reviews.history(s, eva, prediction_id=reading.prediction.id))
    assert (said.verdict, said.label, said.author_id) == (Verdict.WRONG, "normal", eva.user_id)
    progress = workplace.within(lambda s: inbox.progress(s, eva, application="eyes"))
    assert (progress.answered, progress.waiting, progress.panels) == (1, 1, 0)
    assert [one.prediction.id for one in give(workplace, leo, 5)] == list({first, second} - {reading.prediction.id})
    workplace.within(lambda s: inbox.undo(s, eva, reading_id=reading.id))
    assert workplace.within(lambda s: reviews.history(s, eva, prediction_id=reading.prediction.id)) == []
    assert give(workplace, leo, 5) == [], "it is eva's again"


def test_a_claim_runs_out(workplace: Workplace, make_actor: Make) -> None:
    ana, eva, leo = make_actor(), make_actor("eva", Role.CURATOR), make_actor("leo", Role.CURATOR)
    asked(workplace, ana, 0.9, 1)
    [mine] = give(workplace, eva)
    assert give(workplace, leo) == []
    expire(workplace)
    [theirs] = give(workplace, leo)
    assert theirs.prediction.id == mine.prediction.id
    with pytest.raises(Conflict, match="somebody else"):
        answer(workplace, eva, mine)
    workplace.within(lambda s: inbox.release(s, leo, reading_id=theirs.id))
    answer(workplace, eva, mine)
    assert give(workplace, leo) == []


def test_only_curators_have_an_inbox(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor(), make_actor("eva", Role.CURATOR)
    asked(workplace, ana, 0.9, 1)
    with pytest.raises(NotAllowed):
        give(workplace, ana)
    narrow = Actor(eva.user_id, eva.email, eva.role, scopes=frozenset({"review"}))
    with pytest.raises(NotAllowed):
        give(workplace, narrow)
    [reading] = give(workplace, eva)
    with pytest.raises(NotFound):
        answer(workplace, make_actor("leo", Role.CURATOR), reading)


def panel(workplace: Workplace, actor: Actor, application: str = "eyes", **more: Any) -> int:
    said: dict[str, Any] = {"hidden": False, "count": 10} | more
    return workplace.within(lambda s: panels.ask(s, actor, application=application, **said))


@pytest.fixture(scope="module")
def quarantine() -> Iterator[Quarantine]:
    running = Quarantine(workers=1, timeout_s=20, memory_bytes=2 * 1024**3)
    yield running
    running.close()


def truths(workplace: Workplace) -> dict[UUID, str | None]:
    with workplace.sessions() as session:
        return {one.prediction_id: one.label for one in session.scalars(truth(select(PredictionRecord.id)))}


def judged(workplace: Workplace, actor: Actor) -> tuple[int, int]:
    """How many answers were right, of how many that somebody judged: one image, one verdict."""
    found = workplace.within(lambda s: watching.look(s, actor, application="eyes"))
    (told,) = workplace.within(watching.summary)
    assert told.right == found.right
    assert found.calibration is None or sum(one.right.total for one in found.calibration.bins) == found.right.total
    return found.right.count, found.right.total


def seen(workplace: Workplace, actor: Actor, prediction_id: UUID) -> list[ReviewView]:
    return workplace.within(lambda s: reviews.history(s, actor, prediction_id=prediction_id))


def test_two_read_blind_and_a_third_decides(workplace: Workplace, make_actor: Make, quarantine: Quarantine) -> None:
    ana = make_actor()
    eva, leo, mia = (make_actor(name, Role.CURATOR) for name in ("eva", "leo", "mia"))
    one, other = (answered(workplace, ana, name).id for name in (b"one", b"other"))
    workplace.within(
        lambda s: reviews.put(s, ana, application=EYES, card=CARD, prediction_id=one, verdict=Verdict.RIGHT)
    )
    assert truths(workplace) == {one: "glaucoma"}
    assert panel(workplace, eva, hidden=True) == 2
    assert panel(workplace, eva) == 0, "they were asked for already"
    assert truths(workplace) == {}, "nothing is known while it is read"
    assert judged(workplace, eva) == (0, 0)
    for reader, labels in ((eva, {one: "normal", other: "normal"}), (leo, {one: "glaucoma", other: "normal"})):
        for reading in give(workplace, reader, 5):
            assert (reading.drawn, reading.hidden, reading.asked) == (Drawn.PANEL, True, None)
            identity = reading.prediction.id
            assert seen(workplace, reader, identity) == []
            answer(workplace, reader, reading, None, label=labels[identity])
            assert [said.verdict for said in seen(workplace, reader, identity)] == [Verdict.UNKNOWN], "that would tell"
        assert give(workplace, reader, 5) == []
    assert give(workplace, mia, 5) == []
    work(workplace, quarantine)
    assert truths(workplace) == {other: "normal"}
    assert judged(workplace, eva) == (0, 1), "both readers called the other one wrong"
    [reading] = give(workplace, mia, 5)
    assert (reading.drawn, reading.prediction.id) == (Drawn.ADJUDICATION, one)
    assert [said.label for said in reading.readers] == ["normal", "glaucoma"]
    assert [said.verdict for said in reading.readers] == [Verdict.WRONG, Verdict.RIGHT], "now it may be said"
    answer(workplace, mia, reading, "right")
    assert truths(workplace) == {one: "glaucoma", other: "normal"}
    assert judged(workplace, eva) == (1, 2)
    found = workplace.within(lambda s: panels.agreement(s, mia, application="eyes"))
    assert (found.asked, found.read, found.agreed, found.decided) == (2, 2, 1, 1)
    assert found.table == [("normal", "glaucoma", 1), ("normal", "normal", 1)]
    assert found.kappa is not None
    assert found.kappa.value == 0
    assert [(one.said, one.decided) for one in found.differing] == [(["normal", "glaucoma"], True)]


def test_the_answer_is_hidden_from_all_but_its_owner_until_the_two_are_compared(
    workplace: Workplace, make_actor: Make, quarantine: Quarantine
) -> None:
    ana = make_actor()
    eva, leo, mia = (make_actor(name, Role.CURATOR) for name in ("eva", "leo", "mia"))
    view = answered(workplace, ana)
    panel(workplace, eva, hidden=True)

    def read(actor: Actor) -> str:
        return str(workplace.within(lambda s: predictions.get(s, actor, prediction_id=view.id)).findings)

    def listed(actor: Actor) -> int:
        return workplace.within(lambda s: gallery.list_(s, actor, wanted=Wanted("eyes"))).count

    for reader in (eva, leo):
        [reading] = give(workplace, reader)
        answer(workplace, reader, reading, None, label="normal")
        for curator in (eva, leo, mia):
            with pytest.raises(NotAllowed, match="without knowing"):
                read(curator)
            with pytest.raises(NotAllowed, match="without knowing"):
                workplace.within(
                    lambda s, curator=curator: reviews.put(  # type: ignore[misc]
                        s, curator, application=EYES, card=CARD, prediction_id=view.id, verdict=Verdict.RIGHT
                    )
                )
            assert listed(curator) == 0
        assert "glaucoma" in read(ana)
    deed = workplace.within(lambda s: images.delete(s, ana, image_id=view.image.id))
    work(workplace, quarantine)
    workplace.within(lambda s: deletions.undo(s, ana, deed=deed))
    with pytest.raises(NotAllowed, match="without knowing"):
        read(mia)
    work(workplace, quarantine)
    assert ["glaucoma" in read(curator) for curator in (eva, leo, mia)] == [True, True, True]
    assert listed(mia) == 1


@pytest.mark.parametrize("deleted_before", [False, True])
def test_outlines_of_two_readers_are_compared(
    workplace: Workplace, make_actor: Make, quarantine: Quarantine, deleted_before: bool
) -> None:
    """Also where the image was deleted just then, and brought back."""
    ana, eva, leo = make_actor(), make_actor("eva", Role.CURATOR), make_actor("leo", Role.CURATOR)
    view = outlined(workplace, ana)
    about = {"application": DISCS, "card": DISC_CARD}
    assert panel(workplace, eva, "discs") == 1
    for reader, fill in ((eva, 1), (leo, 3)):
        [reading] = give(workplace, reader, application="discs")
        data = png(fill)
        workplace.within(
            lambda s, reader=reader, data=data: corrections.put(  # type: ignore[misc]
                s, reader, blobs=workplace.blobs, card=DISC_CARD, prediction_id=view.id, data=data
            )
        )
        answer(workplace, reader, reading, "wrong", **about)
    if deleted_before:
        workplace.within(lambda s: versions.install(s, {"discs": (DISCS, DISC_CARD)}))
        workplace.within(lambda s: s.execute(update(PredictionRecord).values(version=DISC_CARD.version)))
        workplace.within(lambda s: s.execute(text("DELETE FROM pgqueuer WHERE entrypoint = 'compare'")))
        work(workplace, quarantine)
        deed = workplace.within(lambda s: images.delete(s, ana, image_id=view.image.id))
        workplace.within(lambda s: deletions.undo(s, ana, deed=deed))
    work(workplace, quarantine)
    found = workplace.within(lambda s: panels.agreement(s, eva, application="discs"))
    assert found.agreed == 0
    assert {layer: figure.value for layer, figure in found.dice.items()} == {"disc": 1.0, "cup": 0.0}
    assert found.differing[0].dice == {"disc": 1.0, "cup": 0.0}


def test_a_share_is_drawn_and_what_is_being_read_is_left_out(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor(), make_actor("eva", Role.CURATOR)
    ids = [asked(workplace, ana, 0.5, number) for number in range(10)]
    [reading] = give(workplace, eva)
    assert panel(workplace, eva, count=None, chosen=[reading.prediction.id]) == 0
    assert panel(workplace, eva, count=None, share=1 / 3) == 3
    rest = next(one for one in ids if one != reading.prediction.id)
    assert panel(workplace, eva, count=None, chosen=[rest]) in (0, 1)
    assert panel(workplace, eva, count=100) >= 5


def test_what_a_reader_said_goes_with_them(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor(), make_actor("eva", Role.CURATOR)
    asked(workplace, ana, 0.5, 1)
    [reading] = give(workplace, eva)
    answer(workplace, eva, reading)
    with workplace.sessions.begin() as session:
        session.execute(update(ReadingRecord).values(expires_at=reading.expires_at))
        session.execute(text("DELETE FROM users WHERE id = :id"), {"id": eva.user_id})
    with workplace.sessions() as session:
        assert session.scalars(select(ReadingRecord)).all() == []
