"""What belongs to nothing goes; what anybody needs stays, whatever else is going on."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, text, update

from atisbo.config import Settings
from atisbo.domain.access import Actor, Role
from atisbo.domain.reviews import Verdict
from atisbo.services import asking, images, predictions, retention, reviews, snapshots, sweeps, system
from atisbo.services.asking import Upload
from atisbo.services.predictions import PredictionView
from atisbo.services.work import Workplace
from atisbo.store import blobs as names
from atisbo.store.audit import AuditRecord
from atisbo.store.db import now
from atisbo.store.deletions import DeletionRecord
from atisbo.store.predictions import PredictionRecord
from atisbo.store.sweeps import SweepRecord
from tests.services.asked import CARD, DISCS, EYES, answered, ask
from tests.services.curated import snapshot, spotted

Make = Callable[..., Actor]
HASH = "ab" * 32


@pytest.fixture(autouse=True)
def _nothing_from_before(workplace: Workplace) -> None:
    """The blobs of earlier tests have no rows any more."""
    workplace.blobs.delete_folder("")


def age(workplace: Workplace, *which: str, days: float = 3) -> None:
    """Have blobs lie there for longer; all of them unless some are named."""
    then = time.time() - days * 86_400
    for name in which or list(workplace.blobs.names("")):
        os.utime(workplace.settings.data_dir / "blobs" / name, (then, then))


def left(workplace: Workplace) -> set[str]:
    return set(workplace.blobs.names(""))


def test_blobs_without_a_row_go_once_they_are_old(workplace: Workplace) -> None:
    orphans = [
        names.original(HASH),
        names.derived(uuid4(), "mask.png"),
        names.picture(HASH),
        names.mask(HASH),
        names.outlines(HASH),
        names.network(HASH),
        names.evaluated(uuid4(), "worst.webp"),
        names.collected(uuid4(), "original"),
    ]
    others = ["originals/README", "somewhere/else", "derived/notes.txt"]
    for name in [*orphans, *others]:
        workplace.blobs.put(name, b"12345")
    age(workplace)
    young = names.original("cd" * 32)
    workplace.blobs.put(young, b"just now")

    told = sweeps.sweep(workplace, by="operator", dry_run=True)
    assert (sorted(told.blobs), told.bytes) == (sorted(orphans), 5 * len(orphans))
    assert left(workplace) == {*orphans, *others, young}, "a dry run removes nothing"
    assert sorted(sweeps.sweep(workplace, by="operator").blobs) == sorted(orphans)
    assert left(workplace) == {*others, young}
    assert sweeps.sweep(workplace, by="operator").blobs == []
    noted = workplace.within(lambda s: s.scalars(select(AuditRecord).order_by(AuditRecord.number)).all())
    assert [(one.action, one.facts["blobs"]) for one in noted] == [("storage.swept", len(orphans))]


def test_nothing_that_a_row_needs_is_swept(
    workplace: Workplace, make_actor: Make, describe: snapshots.Describe
) -> None:
    ana, curator = make_actor("ana"), make_actor("root", Role.ADMINISTRATOR)
    ask(workplace, ana, b"waiting")
    done = answered(workplace, ana, b"done")
    workplace.blobs.put(names.derived(done.id, "mask.png"), b"mask")
    for seed in range(1, 9):
        spotted(workplace, ana, seed)
    snapshot(workplace, curator, describe, spots=True)
    before = left(workplace)
    assert {name.split("/")[0] for name in before} == {"originals", "derived", "pictures", "masks", "outlines"}
    age(workplace)
    assert sweeps.sweep(workplace, by="worker").blobs == []
    assert left(workplace) == before


def test_what_is_being_uploaded_is_never_swept(workplace: Workplace, make_actor: Make) -> None:
    """Its bytes lie there since long ago, without a row; the sweep finds them just when they are uploaded again."""
    ana, name = make_actor("ana"), names.original(names.digest(b"again"))
    workplace.blobs.put(name, b"again")
    swept = list[sweeps.Swept]()
    sweeping = threading.Thread(target=lambda: swept.append(sweeps.sweep(workplace, by="worker")))
    with workplace.transaction() as session:
        asking.ask(session, ana, blobs=workplace.blobs, application=EYES, upload=Upload(b"again", "eye.jpg"))
        age(workplace, name)
        sweeping.start()
        sweeping.join(1)
        assert sweeping.is_alive(), "the sweep waits for the upload"
        assert workplace.blobs.has(name)
    sweeping.join(10)
    assert swept[0].blobs == []
    assert workplace.blobs.has(name)


def test_bytes_that_were_stored_anew_since_they_were_listed_stay(workplace: Workplace) -> None:
    """Whoever stored them may be about to write the row."""
    name = names.network(HASH)
    workplace.blobs.put(name, b"network")
    age(workplace)
    assert sweeps.sweep(workplace, by="worker", dry_run=True).blobs == [name]
    workplace.blobs.put(name, b"network")
    assert not workplace.within(lambda s: sweeps._remove(s, workplace, "networks/", name))
    assert workplace.blobs.has(name)


def test_a_worker_is_asked_once_a_day(workplace: Workplace, make_actor: Make) -> None:
    root = make_actor("root", Role.ADMINISTRATOR)

    def jobs() -> int:
        workplace.within(lambda s: sweeps.ask(s, timedelta(days=1)))
        query = text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'tidy'")
        return int(workplace.within(lambda s: s.scalar(query)) or 0)

    assert [jobs(), jobs()] == [1, 1]
    sweeps.sweep(workplace, by="worker")
    workplace.within(lambda s: s.execute(text("DELETE FROM pgqueuer")))
    assert jobs() == 0
    assert workplace.within(lambda s: system.report(s, root, workplace.settings)).swept is not None
    workplace.within(lambda s: s.execute(update(SweepRecord).values(at=now() - timedelta(days=2))))
    assert jobs() == 1


def keeping(workplace: Workplace, **days: int) -> Workplace:
    """The same with times to keep images for."""
    said = {name.replace("others", "*"): count for name, count in days.items()}
    settings = workplace.settings.model_copy(update={"retention_days": said})
    return Workplace(settings, workplace.secrets, workplace.blobs, workplace.engine, workplace.sessions)


def finish_earlier(workplace: Workplace, *views: PredictionView, days: float) -> None:
    moment = now() - timedelta(days=days)
    query = update(PredictionRecord).where(PredictionRecord.id.in_([view.id for view in views]))
    workplace.within(lambda s: s.execute(query.values(finished_at=moment)))


def kept(workplace: Workplace, actor: Actor) -> set[object]:
    return {view.id for view in workplace.within(lambda s: predictions.list_(s, actor)).items}


def test_only_images_that_nobody_needs_any_more_pass_their_time(
    workplace: Workplace, make_actor: Make, describe: snapshots.Describe
) -> None:
    ana = make_actor("ana")
    plain, young = answered(workplace, ana, b"plain"), answered(workplace, ana, b"young")
    other = answered(workplace, ana, b"other", application=DISCS)
    consented = answered(workplace, ana, b"consented", training_consent=True)
    shared = answered(workplace, ana, b"shared", sharing_consent=True)
    reviewed = answered(workplace, ana, b"reviewed")
    workplace.within(
        lambda s: reviews.put(s, ana, application=EYES, card=CARD, prediction_id=reviewed.id, verdict=Verdict.RIGHT)
    )
    waiting = ask(workplace, ana, b"waiting")
    old = (plain, other, consented, shared, reviewed)
    finish_earlier(workplace, *old, days=40)
    finish_earlier(workplace, young, days=20)
    everything = {view.id for view in (*old, young, waiting)}

    assert retention.expire(keeping(workplace, others=0, eyes=50)) == 0
    assert retention.expire(keeping(workplace, eyes=30), dry_run=True) == 1
    assert kept(workplace, ana) == everything
    assert sweeps.sweep(keeping(workplace, eyes=30), by="worker").images == 1
    assert kept(workplace, ana) == everything - {plain.id}
    assert retention.expire(keeping(workplace, others=30, eyes=0)) == 1
    assert kept(workplace, ana) == everything - {plain.id, other.id}
    assert retention.expire(keeping(workplace, others=30)) == 0
    orders = text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'erase'")
    assert workplace.within(lambda s: s.scalar(orders)) == 2


def test_a_picture_asked_about_again_keeps_its_image(workplace: Workplace, make_actor: Make) -> None:
    """Its second answer is young, or of an application that keeps images for ever."""
    ana = make_actor("ana")
    first, second = answered(workplace, ana, b"one"), answered(workplace, ana, b"two", application=DISCS)
    query = update(PredictionRecord).where(PredictionRecord.id == second.id)
    workplace.within(lambda s: s.execute(query.values(image_id=first.image.id)))
    finish_earlier(workplace, first, second, days=40)
    assert retention.expire(keeping(workplace, eyes=30)) == 0
    assert retention.expire(keeping(workplace, eyes=30, discs=50)) == 0
    assert retention.expire(keeping(workplace, eyes=30, discs=30)) == 1


def test_a_review_that_comes_at_that_moment_saves_it(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor("ana")
    view = answered(workplace, ana, b"plain")
    finish_earlier(workplace, view, days=40)
    expired = list[int]()
    expiring = threading.Thread(target=lambda: expired.append(retention.expire(keeping(workplace, eyes=30))))
    with workplace.transaction() as session:
        reviews.put(session, ana, application=EYES, card=CARD, prediction_id=view.id, verdict=Verdict.RIGHT)
        session.flush()
        expiring.start()
        expiring.join(1)
        assert expiring.is_alive(), "it waits for whoever is at work with the row"
    expiring.join(10)
    assert expired == [0]
    assert kept(workplace, ana) == {view.id}


@pytest.mark.parametrize(
    ("said", "days"), [("polyp=365, *=730", {"polyp": 365, "*": 730}), ("", {}), ("a=0", {"a": 0})]
)
def test_times_are_read(said: str, days: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATISBO_RETENTION_DAYS", said)
    assert Settings().retention_days == days


@pytest.mark.parametrize("said", ["polyp", "polyp=", "=3", "polyp=-1", "polyp=a year"])
def test_a_time_that_is_none_is_refused(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATISBO_RETENTION_DAYS", said)
    with pytest.raises(ValueError, match="polyp=365"):
        Settings()


def test_deleting_and_sweeping_do_not_cross(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor("ana")
    one, same = ask(workplace, ana, b"same"), ask(workplace, ana, b"same")
    workplace.within(lambda s: images.delete(s, ana, image_id=one.image.id))
    age(workplace)
    assert sweeps.sweep(workplace, by="worker").blobs == []
    workplace.blobs.put(names.derived(same.id, "mask.png"), b"mask")
    workplace.within(lambda s: images.delete(s, ana, image_id=same.image.id))
    age(workplace)
    assert sweeps.sweep(workplace, by="worker").blobs == [], "it can still be brought back"
    workplace.within(lambda s: s.execute(delete(DeletionRecord)))
    assert sweeps.sweep(workplace, by="worker").blobs == [
        names.original(names.digest(b"same")),
        names.derived(same.id, "mask.png"),
    ]
