from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import numpy as np
import pytest
from sqlalchemy import select, text

from atisbo.domain.access import Actor, Role
from atisbo.domain.datasets import Filters, Split, Status, content_sha256
from atisbo.domain.images import Region
from atisbo.domain.splits import Member
from atisbo.errors import Conflict
from atisbo.imaging import draw
from atisbo.services import consents, datasets, freezing, images, lineage, snapshots
from atisbo.services.datasets import DatasetView
from atisbo.services.work import Workplace
from atisbo.store import blobs as names
from atisbo.store.datasets import AssignmentRecord, DatasetItemRecord, DivisionRecord
from tests.services.asked import CARD, EYES
from tests.services.curated import eye, picture, pixels, ready, snapshot, spotted
from tests.services.test_erasure import blobs, erase, erase_blobs, tables

Make = Callable[..., Actor]


@pytest.fixture
def curator(make_actor: Make) -> Actor:
    return make_actor("cleo", Role.CURATOR)


def records(workplace: Workplace, view: DatasetView) -> list[DatasetItemRecord]:
    query = select(DatasetItemRecord).where(DatasetItemRecord.dataset_id == view.id)
    return workplace.within(lambda s: list(s.scalars(query.order_by(DatasetItemRecord.number))))


def sides(workplace: Workplace, view: DatasetView) -> dict[UUID | None, str | None]:
    return {item.image_id: item.split for item in records(workplace, view)}


def discard(workplace: Workplace) -> None:
    """What a worker does with the jobs."""
    for job in workplace.within(
        lambda s: s.scalars(text("DELETE FROM pgqueuer WHERE entrypoint = 'discard' RETURNING payload")).all()
    ):
        said = json.loads(bytes(job))
        workplace.within(lambda s, said=said: lineage.erase(s, blobs=workplace.blobs, **said))  # type: ignore[misc]


def test_only_what_was_agreed_to_and_reviewed_is_in_it(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe
) -> None:
    ana = make_actor()
    wanted = [eye(workplace, ana, seed, ("normal", "glaucoma")[seed % 2]) for seed in range(12)]
    eye(workplace, ana, 100, consent=False)
    view = ready(snapshot(workplace, curator, describe))
    assert set(sides(workplace, view)) == {one.image.id for one in wanted}
    assert set(view.facts["classes"]) == {"normal", "glaucoma"}
    assert sum(view.counts.values()) == 12
    assert view.facts["consents"] == {"3": 12}
    assert view.facts["reviewers"] == 1


def test_the_hash_holds_the_content(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe
) -> None:
    ana = make_actor()
    for seed in range(10):
        eye(workplace, ana, seed)
    one, two = (ready(snapshot(workplace, curator, describe)) for _ in range(2))
    assert one.sha256 == two.sha256
    items = records(workplace, one)
    assert one.sha256 == content_sha256(freezing.content(item).sha256 for item in items)
    items[0].label = "normal"
    assert one.sha256 != content_sha256(freezing.content(item).sha256 for item in items)


def test_images_never_change_sides(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe
) -> None:
    ana = make_actor()
    for seed in range(10):
        eye(workplace, ana, seed)
    first = sides(workplace, ready(snapshot(workplace, curator, describe)))
    for seed in range(10, 30):
        eye(workplace, ana, seed, ("normal", "glaucoma")[seed % 2])
    later = sides(workplace, ready(snapshot(workplace, curator, describe)))
    assert len(later) == 30
    assert first.items() <= later.items()
    counts = [list(later.values()).count(split) for split in Split]
    assert all(abs(count - share * 30) <= 1 for count, share in zip(counts, (0.7, 0.15, 0.15), strict=True))


def test_near_duplicates_and_what_an_owner_has_stay_together(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe
) -> None:
    owners = [make_actor(f"owner{number}") for number in range(8)]
    for number, owner in enumerate(owners):
        for turn in range(3):
            eye(workplace, owner, 10 * number + turn)
    brighter = (pixels(0).astype(int) * 9 // 10).clip(0, 255).astype("uint8")
    copy = eye(workplace, owners[7], 999, data=_png(brighter))
    found = sides(workplace, ready(snapshot(workplace, curator, describe, group_by=["owner"])))
    by_owner: dict[object, set[str | None]] = {}
    with workplace.transaction() as session:
        for image_id, owner_id in session.execute(text("SELECT id, owner_id FROM images")):
            by_owner.setdefault(owner_id, set()).add(found[image_id])
    assert all(len(kinds) == 1 for kinds in by_owner.values())
    assert by_owner[owners[0].user_id] == by_owner[owners[7].user_id] == {found[copy.image.id]}


def _png(array: np.ndarray) -> bytes:
    return draw.png(array)


def test_what_people_write_can_group_and_is_not_kept(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe
) -> None:
    ana = make_actor()
    codes = {}
    for seed in range(18):
        codes[eye(workplace, ana, seed, metadata={"comment": f"canary-{seed % 9}"}).image.id] = seed % 9
    view = ready(snapshot(workplace, curator, describe, group_by=["comment"]))
    by_code: dict[int, set[str | None]] = {}
    for image_id, side in sides(workplace, view).items():
        by_code.setdefault(codes[image_id], set()).add(side)
    assert all(len(one) == 1 for one in by_code.values())
    assert len(by_code) == view.facts["groups"] == 9
    assert not any("canary" in str(item.facts) for item in records(workplace, view))


def test_one_owner_cannot_be_divided(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe
) -> None:
    ana = make_actor()
    for seed in range(700, 706):
        eye(workplace, ana, seed)
    pictures = set(workplace.blobs.names("pictures/"))
    view = snapshot(workplace, curator, describe, group_by=["owner"])
    assert view.status is Status.FAILED
    assert view.failure is not None
    assert view.failure.code == "dataset_undivided"
    assert records(workplace, view) == []
    discard(workplace)
    assert set(workplace.blobs.names("pictures/")) <= pictures
    ready(snapshot(workplace, curator, describe))


def test_the_same_picture_is_there_once_and_not_at_all_where_people_differ(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe
) -> None:
    ana, eva = make_actor(), make_actor("eva")
    for seed in range(10):
        eye(workplace, ana, seed)
    eye(workplace, eva, 0)
    eye(workplace, eva, 1, "normal")
    view = ready(snapshot(workplace, curator, describe))
    assert view.facts["left_out"] == {"unreadable": 0, "twins": 1, "contradicting": 2, "torn": 0}
    assert sum(view.counts.values()) == 9


def test_the_marked_part_is_the_picture(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe
) -> None:
    ana = make_actor()
    for seed in range(6):
        eye(workplace, ana, seed, region=Region(x=4, y=2, width=20, height=10))
    item = records(workplace, ready(snapshot(workplace, curator, describe)))[0]
    assert (item.width, item.height) == (20, 10)
    parts = {_png(pixels(seed)[2:12, 4:24].copy()) for seed in range(6)}
    assert workplace.blobs.get(names.picture(str(item.picture))) in parts


@pytest.mark.parametrize("why", ["withdrawn", "erased"])
def test_what_is_taken_back_leaves_a_place_and_a_hash(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe, why: str
) -> None:
    ana, eva = make_actor(), make_actor("eva")
    gone = eye(workplace, eva, 50)
    for seed in range(10):
        eye(workplace, ana, seed)
    view = ready(snapshot(workplace, curator, describe))
    before = {item.sha256 for item in records(workplace, view)}
    (kept,) = [item for item in records(workplace, view) if item.image_id == gone.image.id]
    with workplace.transaction() as session:
        assert [use.name for use in lineage.of_image(session, eva, image_id=gone.image.id)] == ["A set"]
        if why == "withdrawn":
            consents.forbid(session, eva, image_id=gone.image.id)
            assert lineage.of_image(session, eva, image_id=gone.image.id)[0].removed_at is not None
        else:
            images.delete(session, eva, image_id=gone.image.id)
    discard(workplace)
    assert not workplace.blobs.has(names.picture(str(kept.picture)))
    assert {item.sha256 for item in records(workplace, view)} == before
    (buried,) = [item for item in records(workplace, view) if item.buried_at]
    assert (buried.picture, buried.label, buried.facts, buried.nonce) == (None, None, None, None)
    assert (buried.buried_why, buried.split, buried.number) == (why, kept.split, kept.number)
    again = workplace.within(lambda s: datasets.get(s, curator, dataset_id=view.id))
    assert again.sha256 == view.sha256 == content_sha256(str(item.sha256) for item in records(workplace, view))
    assert again.removed == 1
    assert gone.image.id not in sides(workplace, ready(snapshot(workplace, curator, describe)))


def test_the_picture_of_another_who_uploaded_the_same_stays(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe
) -> None:
    ana = make_actor()
    views = [eye(workplace, ana, seed) for seed in range(6)]
    first = ready(snapshot(workplace, curator, describe))
    eva = make_actor("eva")
    eye(workplace, eva, 0)
    workplace.within(lambda s: consents.forbid(s, ana, image_id=views[0].image.id))
    second = ready(snapshot(workplace, curator, describe))
    discard(workplace)
    (same,) = [item for item in records(workplace, second) if item.image_id not in {v.image.id for v in views}]
    assert workplace.blobs.has(names.picture(str(same.picture)))
    side = {item.number: item.split for item in records(workplace, first) if item.buried_at}
    assert same.split in side.values()


def test_masks_are_kept_pixel_by_pixel(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe
) -> None:
    ana = make_actor()
    for seed in range(12):
        spotted(workplace, ana, seed)
    view = ready(snapshot(workplace, curator, describe, spots=True))
    assert set(view.facts["classes"]) == {"", "spot"}
    for item in records(workplace, view):
        assert item.masks is not None
        assert workplace.blobs.has(names.mask(item.masks["spot"]))
        assert workplace.blobs.has(names.outlines(item.masks["spot"]))


def test_filters(workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe) -> None:
    ana = make_actor()
    for seed in range(10):
        eye(workplace, ana, seed, ("normal", "glaucoma")[seed % 2], reviewer=curator if seed < 4 else None)

    def caught(**filters: object) -> int:
        wanted = Filters.model_validate(filters)
        return workplace.within(
            lambda s: datasets.count(s, curator, application=EYES, card=CARD, filters=wanted)
        ).images

    assert caught() == 10
    assert caught(labels=("normal",)) == 5
    assert caught(verdicts=("right",)) == 5
    assert caught(reviewer="curator") == 4
    assert caught(uncertainty_from=0.5) == 5
    assert caught(uncertainty_to=0.45, labels=("normal",)) == 3
    assert caught(versions=("v2",)) == 0
    assert caught(since="2999-01-01") == 0
    assert caught(until="9999-12-31") == caught(until=datetime.now(UTC).date()) == 10
    assert caught(until="2001-01-01") == 0
    assert caught(outlined=True) == 0
    with pytest.raises(Conflict):
        workplace.within(
            lambda s: datasets.create(
                s, curator, application=EYES, card=CARD, name="x", filters=Filters(versions=("v2",))
            )
        )


def test_a_picture_that_cannot_be_opened_is_left_out(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe
) -> None:
    ana = make_actor()
    for seed in range(8):
        eye(workplace, ana, seed)
    eye(workplace, ana, 99, data=picture(99)[:-30])
    view = ready(snapshot(workplace, curator, describe))
    assert view.facts["left_out"]["unreadable"] == 1
    assert sum(view.counts.values()) == 8


def test_of_an_erased_account_no_dataset_keeps_anything(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe
) -> None:
    ana, eva = make_actor(), make_actor("eva")
    for seed in range(800, 810):
        eye(workplace, ana, seed)
    gone = eye(workplace, eva, 810, metadata={"comment": "canary", "pressure": 17.25})
    view = ready(snapshot(workplace, curator, describe, group_by=["comment"]))
    (item,) = [item for item in records(workplace, view) if item.image_id == gone.image.id]
    traces = [str(gone.image.id), str(gone.id), str(item.picture), names.digest(picture(810)), str(item.nonce)]
    traces += [str(item.owner), str(eva.user_id), "17.25"]
    assert all("dataset_items" in tables(workplace, trace) for trace in traces[:3])
    erase(workplace, eva)
    erase_blobs(workplace)
    discard(workplace)
    kept = {trace: tables(workplace, trace) - {"audit", "audit_addresses", "pgqueuer"} for trace in traces}
    assert {trace: found for trace, found in kept.items() if found} == {}
    assert {trace: blobs(workplace, trace) for trace in traces if blobs(workplace, trace)} == {}
    again = workplace.within(lambda s: datasets.get(s, curator, dataset_id=view.id))
    assert (again.sha256, again.removed) == (view.sha256, 1)


def test_a_dataset_may_have_more_images_than_a_statement_has_parameters(
    workplace: Workplace, make_actor: Make, curator: Actor, describe: snapshots.Describe
) -> None:
    ana = make_actor()
    for seed in range(8):
        eye(workplace, ana, seed)
    items = records(workplace, ready(snapshot(workplace, curator, describe)))
    more = [DatasetItemRecord(image_id=uuid4(), review_id=uuid4(), owner="ana", width=9, height=9)] * 66_000
    with workplace.sessions() as session:
        known = session.scalars(select(AssignmentRecord.key)).all()
        unknown = (number.to_bytes(32) for number in range(66_000))
        assert set(freezing._assigned(session, "eyes", [Member((*known, *unknown))])) == set(known)
        facts = freezing._facts(session, [*items, *more], session.get_one(DivisionRecord, "eyes"))
        assert (facts["images"], facts["reviewers"], facts["consents"]) == (66_008, 1, {"3": 8})
