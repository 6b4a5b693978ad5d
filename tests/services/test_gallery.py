"""Every image of an application: each filter finds what it says, pages follow on, what is done to many is told."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import select, text

from atisbo.domain.access import Actor, Role
from atisbo.domain.gallery import Certainty, Reviewed, Wanted
from atisbo.domain.predictions import Status
from atisbo.domain.reviews import Verdict
from atisbo.errors import NotAllowed, Outdated, TooLarge
from atisbo.services import gallery, gallery_archive, images, reviews
from atisbo.services.work import Workplace
from atisbo.store.audit import AuditRecord
from atisbo.store.blobs import derived
from tests.services.asked import CARD, EYES, answered, ask

Make = Callable[..., Actor]
TODAY = datetime.now(UTC).date()


def names(workplace: Workplace, actor: Actor, **wanted: Any) -> list[str]:
    found = workplace.within(lambda s: gallery.list_(s, actor, wanted=Wanted("eyes", **wanted)))
    assert found.count == len(found.items)
    return sorted(item.owner.split("@")[0] + item.prediction.status[0] for item in found.items)


FOUND: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["anad", "anaw", "evad"]),
    ({"status": Status.WAITING}, ["anaw"]),
    ({"answer": "glaucoma"}, ["anad", "evad"]),
    ({"answer": ""}, []),
    ({"certainty": Certainty.LOW}, ["evad"]),
    ({"certainty": Certainty.HIGH}, ["anad"]),
    ({"reviewed": Reviewed.NOT}, ["anaw", "evad"]),
    ({"reviewed": Reviewed.ANY}, ["anad"]),
    ({"reviewed": Reviewed.WRONG}, ["anad"]),
    ({"reviewed": Reviewed.RIGHT}, []),
    ({"consent": True}, ["evad"]),
    ({"consent": False}, ["anad", "anaw"]),
    ({"owner": "EVA@"}, ["evad"]),
    ({"owner": "%"}, []),
    ({"version": "v"}, ["anad", "evad"]),
    ({"version": "other"}, []),
    ({"since": TODAY, "until": TODAY}, ["anad", "anaw", "evad"]),
    ({"since": TODAY + timedelta(2)}, []),
    ({"until": TODAY - timedelta(2)}, []),
    ({"status": Status.DONE, "reviewed": Reviewed.NOT, "consent": True}, ["evad"]),
]


def test_each_filter_finds_what_it_says(workplace: Workplace, make_actor: Make) -> None:
    ana, eva, curator = make_actor("ana"), make_actor("eva"), make_actor("kim", Role.CURATOR)
    first = answered(workplace, ana)
    ask(workplace, ana, b"waiting")
    second = answered(workplace, eva, b"hers", training_consent=True)
    with workplace.transaction() as session:
        for one, doubt in ((first, 0.1), (second, 0.9)):
            session.execute(
                text(
                    "UPDATE predictions SET findings ="
                    " findings || jsonb_build_object('uncertainty', CAST(:d AS float)) WHERE id = :i"
                ),
                {"d": doubt, "i": one.id},
            )
        reviews.put(session, ana, application=EYES, card=CARD, prediction_id=first.id, verdict=Verdict.RIGHT)
        reviews.put(
            session, ana, application=EYES, card=CARD, prediction_id=first.id, verdict=Verdict.WRONG, label="normal"
        )
    for wanted, found in FOUND:
        assert names(workplace, curator, **wanted) == found, wanted


def test_pages_follow_on_without_gap_or_repetition(workplace: Workplace, make_actor: Make) -> None:
    ana, curator = make_actor("ana"), make_actor("kim", Role.CURATOR)
    asked = [ask(workplace, ana, bytes([n + 1])).id for n in range(5)]
    seen, before = [], None
    while True:
        page = workplace.within(
            lambda s, b=before: gallery.list_(s, curator, wanted=Wanted("eyes"), limit=2, before=b)  # type: ignore[misc]
        )
        seen += [item.prediction.id for item in page.items]
        assert page.count == 5
        if (before := page.next) is None:
            break
    assert seen == asked[::-1]


def test_it_is_for_curators_and_administrators(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor("ana")
    answered(workplace, ana)
    with pytest.raises(NotAllowed):
        workplace.within(lambda s: gallery.list_(s, ana, wanted=Wanted("eyes")))
    with pytest.raises(NotAllowed):
        workplace.within(lambda s: gallery.delete(s, ana, wanted=Wanted("eyes")))
    with pytest.raises(NotAllowed):
        gallery_archive.archive(workplace, ana, wanted=Wanted("eyes"), said={})


def test_many_are_deleted_at_once_and_it_is_told_of_each(
    workplace: Workplace, make_actor: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, curator = make_actor("ana"), make_actor("kim", Role.CURATOR)
    asked = [answered(workplace, ana, bytes([n + 1])) for n in range(4)]
    chosen = [asked[0].id, asked[2].id]
    wanted = Wanted("eyes")
    with pytest.raises(Outdated):
        workplace.within(lambda s: gallery.delete(s, curator, wanted=wanted, expected=3))
    assert workplace.within(lambda s: gallery.delete(s, curator, wanted=wanted, chosen=chosen, expected=2))[0] == 2
    left = workplace.within(lambda s: gallery.list_(s, curator, wanted=wanted))
    assert [item.prediction.id for item in left.items] == [asked[3].id, asked[1].id]
    told = workplace.within(lambda s: list(s.scalars(select(AuditRecord).where(AuditRecord.action == "image.deleted"))))
    assert {row.subject for row in told} == {f"image:{asked[n].image.id}" for n in (0, 2)}
    assert {(row.actor_id, row.facts["owner"]) for row in told} == {(curator.user_id, str(ana.user_id))}
    jobs = workplace.within(lambda s: s.scalar(text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'erase'")))
    assert jobs == 2
    monkeypatch.setattr(gallery, "MOST_DELETED", 1)
    with pytest.raises(TooLarge):
        workplace.within(lambda s: gallery.delete(s, curator, wanted=wanted))
    workplace.within(lambda s: images.delete(s, curator, image_id=asked[1].image.id))


def test_images_are_taken_along_with_a_table(workplace: Workplace, make_actor: Make) -> None:
    ana, curator = make_actor("ana"), make_actor("kim", Role.CURATOR)
    first, second = answered(workplace, ana, b"one"), answered(workplace, ana, b"two")
    workplace.blobs.put(derived(first.id, "mask.png"), b"mask")
    with workplace.transaction() as session:
        session.execute(text("UPDATE images SET file_name = '=1+1.jpg' WHERE id = :i"), {"i": second.image.id})
    pieces = gallery_archive.archive(workplace, curator, wanted=Wanted("eyes"), said={})
    archive = ZipFile(io.BytesIO(b"".join(pieces)))
    rows = list(csv.DictReader(io.StringIO(archive.read("images.csv").decode("utf-8-sig"))))
    assert [row["prediction"] for row in rows] == [str(second.id), str(first.id)]
    assert [archive.read(row["file"]) for row in rows] == [b"two", b"one"]
    assert [row["mask"] for row in rows] == ["", f"masks/{first.id}.png"]
    assert archive.read(rows[1]["mask"]) == b"mask"
    assert rows[0]["name"] == "'=1+1.jpg", "no spreadsheet may take it for a formula"
    assert rows[0]["answer"] == "glaucoma"
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert ana.email.encode() not in everything
    told = workplace.within(
        lambda s: s.scalar(select(AuditRecord.facts).where(AuditRecord.action == "images.exported"))
    )
    assert told == {"count": 2, "wanted": {}}
