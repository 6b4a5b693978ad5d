"""The last step of making a dataset: duplicates out, sides given, everything counted, the hash set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from atisbo.domain.datasets import OWNER, PAIR, Content, Plan, Shares, Split, Status, content_sha256, key
from atisbo.domain.predictions import Failure
from atisbo.domain.splits import Division, Member, divide
from atisbo.errors import AtisboError, Conflict
from atisbo.evaluation.profile.near import near
from atisbo.imaging.likeness import HASH_BYTES, SIDE
from atisbo.services import lineage, notices
from atisbo.store.consents import ConsentRecord
from atisbo.store.datasets import AssignmentRecord, DatasetItemRecord, DatasetRecord, DivisionRecord
from atisbo.store.db import among, now
from atisbo.store.images import ImageRecord
from atisbo.store.reviews import ReviewRecord

Pairs = list[tuple[int, int]]


def freeze(session: Session, *, dataset_id: UUID, unreadable: int = 0) -> None:
    """Make a dataset final; one that is already is left alone.

    Raises:
        Conflict: there is nothing in it, or with the first dataset of an application a side would stay empty.
    """
    dataset = session.get(DatasetRecord, dataset_id, with_for_update=True)
    if dataset is None or dataset.status != Status.BUILDING.value:
        return
    division = session.scalars(
        select(DivisionRecord).where(DivisionRecord.application == dataset.application).with_for_update()
    ).one()
    items, originals = _items(session, dataset_id)
    left = {"unreadable": unreadable}
    items = _without_twins(session, items, left)
    result = _divide(session, dataset, division, items, originals)
    torn = [item for item, side in zip(items, result.sides, strict=False) if side is None]
    left["torn"] = len(torn)
    placed = [
        (item, side, group) for item, side, group in zip(items, result.sides, result.groups, strict=False) if side
    ]
    _check(placed, first=division.group_by is None)
    _remember(session, dataset, division, result)
    _remove(session, torn)
    kept = _settle(placed)
    session.flush()
    dataset.facts = _facts(session, kept, division) | {"left_out": left}
    dataset.sha256 = content_sha256(item.sha256 for item in kept if item.sha256)
    dataset.status = Status.READY.value
    _over(session, dataset)


def fail(session: Session, *, dataset_id: UUID, error: AtisboError) -> None:
    """Say why there is no dataset, and let go of what was collected for it."""
    dataset = session.get(DatasetRecord, dataset_id, with_for_update=True)
    if dataset is None or dataset.status != Status.BUILDING.value:
        return
    _remove(session, session.scalars(select(DatasetItemRecord).where(DatasetItemRecord.dataset_id == dataset_id)).all())
    failure = Failure(code=error.code, message=error.message, values=error.values)
    dataset.failure = failure.model_dump(mode="json")
    dataset.status = Status.FAILED.value
    _over(session, dataset)


def _over(session: Session, dataset: DatasetRecord) -> None:
    dataset.finished_at = now()
    session.flush()
    about = {"id": str(dataset.id), "name": dataset.name, "failed": dataset.failure is not None}
    notices.tell(session, dataset.created_by, notices.Kind.DATASET, about)


def _items(session: Session, dataset_id: UUID) -> tuple[list[DatasetItemRecord], dict[UUID, tuple[str, UUID]]]:
    """The items in a lasting order, and of each image its original and its owner."""
    rows = session.execute(
        select(DatasetItemRecord, ImageRecord.sha256, ImageRecord.owner_id)
        .join(ImageRecord, ImageRecord.id == DatasetItemRecord.image_id)
        .where(DatasetItemRecord.dataset_id == dataset_id)
        .order_by(DatasetItemRecord.picture, DatasetItemRecord.id)
    ).all()
    return [row[0] for row in rows], {row[0].id: (row[1], row[2]) for row in rows}


def _without_twins(session: Session, items: list[DatasetItemRecord], left: dict[str, int]) -> list[DatasetItemRecord]:
    """One item for each picture; none where the same picture is said to be two things."""
    same: dict[str | None, list[DatasetItemRecord]] = defaultdict(list)
    for item in items:
        same[item.picture].append(item)
    kept, twins, contradicting = [], [], []
    for own in same.values():
        if any((item.label, item.masks) != (own[0].label, own[0].masks) for item in own):
            contradicting += own
        else:
            kept.append(own[0])
            twins += own[1:]
    left |= {"twins": len(twins), "contradicting": len(contradicting)}
    _remove(session, [*twins, *contradicting])
    return kept


def _divide(
    session: Session,
    dataset: DatasetRecord,
    division: DivisionRecord,
    items: Sequence[DatasetItemRecord],
    originals: Mapping[UUID, tuple[str, UUID]],
) -> Division:
    """Sides for the items; images of earlier datasets tie their near duplicates to their own side."""
    plan = Plan.model_validate(dataset.plan)
    group_by = plan.group_by if division.group_by is None else division.group_by
    shares = plan.shares if division.shares is None else Shares.model_validate(division.shares)
    members = []
    for item in items:
        original, owner = originals[item.id]
        own = (key(division.salt, "picture", item.picture or ""), key(division.salt, "original", original))
        members.append(Member(own, _groups(division.salt, item, owner, group_by), item.stratum or ""))
    earlier = _earlier(session, dataset.application, {item.picture for item in items})
    members += [Member((key(division.salt, "picture", item.picture or ""),), counts=False) for item in earlier]
    alike = _alike([item.likeness or b"" for item in (*items, *earlier)])
    return divide(members, alike, _assigned(session, dataset.application, members), shares)


def _groups(salt: bytes, item: DatasetItemRecord, owner: UUID, group_by: Iterable[str]) -> tuple[bytes, ...]:
    facts = (item.facts or {}) | {f"group {OWNER}": key(salt, f"group {OWNER}", str(owner)).hex()}
    return tuple(bytes.fromhex(facts[f"group {name}"]) for name in (*group_by, PAIR) if f"group {name}" in facts)


def _earlier(session: Session, application: str, pictures: set[str | None]) -> list[DatasetItemRecord]:
    query = (
        select(DatasetItemRecord)
        .join(DatasetRecord, DatasetRecord.id == DatasetItemRecord.dataset_id)
        .where(
            DatasetRecord.application == application,
            DatasetRecord.status == Status.READY.value,
            DatasetItemRecord.picture.is_not(None),
        )
        .ext(distinct_on(DatasetItemRecord.picture))
    )
    return [item for item in session.scalars(query) if item.picture not in pictures]


def _alike(likenesses: Sequence[bytes]) -> Pairs:
    """Near duplicates, as ``atisbo profile`` finds them."""
    if not likenesses:
        return []
    rows = np.frombuffer(b"".join(likenesses), np.uint8).reshape(len(likenesses), HASH_BYTES + SIDE * SIDE)
    hashes = np.ascontiguousarray(rows[:, :HASH_BYTES]).view(">u8").astype(np.uint64).ravel()
    found = near(hashes, np.ascontiguousarray(rows[:, HASH_BYTES:]).view(np.int8))
    return [(int(a), int(b)) for a, b in zip(found.first, found.second, strict=True)]


def _assigned(session: Session, application: str, members: Sequence[Member]) -> dict[bytes, Split]:
    keys = {one for member in members for one in member.keys}
    query = select(AssignmentRecord.key, AssignmentRecord.split).where(
        AssignmentRecord.application == application, among(AssignmentRecord.key, keys)
    )
    return {one: Split(side) for one, side in session.execute(query)}


def _check(placed: Sequence[tuple[DatasetItemRecord, Split, bytes]], *, first: bool) -> None:
    if not placed:
        raise Conflict(
            "dataset_empty",
            "No image is left that can be in it: none was agreed to and reviewed that these filters let pass.",
        )
    sides, groups = {side for _, side, _ in placed}, len({group for _, _, group in placed})
    if first and len(sides) < len(Split):
        raise Conflict(
            "dataset_undivided",
            "Groups of images that have to stay together: {count}, too few for training, validation and test. "
            "Group them by less, or wait for more images.",
            count=groups,
        )


def _remember(session: Session, dataset: DatasetRecord, division: DivisionRecord, result: Division) -> None:
    """Write down, for good, what was decided here for the first time."""
    plan = Plan.model_validate(dataset.plan)
    if division.group_by is None:
        division.group_by, division.shares = list(plan.group_by), plan.shares.model_dump()
    rows = [{"application": dataset.application, "key": one, "split": side.value} for one, side in result.fresh.items()]
    if rows:
        session.execute(insert(AssignmentRecord).on_conflict_do_nothing(), rows)


def _remove(session: Session, items: Sequence[DatasetItemRecord]) -> None:
    lineage.discard(session, items)
    session.execute(delete(DatasetItemRecord).where(among(DatasetItemRecord.id, [item.id for item in items])))


def _settle(placed: Sequence[tuple[DatasetItemRecord, Split, bytes]]) -> list[DatasetItemRecord]:
    """Give each item its place, its side and its hash."""
    for number, (item, side, group) in enumerate(placed, start=1):
        item.number, item.split, item.group_name = number, side.value, group[:8].hex()
        item.sha256 = content(item).sha256
    return [item for item, _, _ in placed]


def content(item: DatasetItemRecord) -> Content:
    """What the item's hash is over; not for one that was taken out."""
    return Content(
        picture=item.picture or "",
        width=item.width,
        height=item.height,
        label=item.label,
        masks=item.masks or {},
        split=Split(str(item.split)),
        nonce=item.nonce or "",
    )


def _facts(session: Session, items: Sequence[DatasetItemRecord], division: DivisionRecord) -> dict[str, Any]:
    """What the datasheet tells."""
    ids = [item.image_id for item in items]
    consents = select(ConsentRecord.version).where(
        among(ConsentRecord.image_id, ids), ConsentRecord.withdrawn_at.is_(None)
    )
    authors = (
        select(ReviewRecord.author_id).where(among(ReviewRecord.id, [item.review_id for item in items])).distinct()
    )
    days = sorted(session.scalars(select(ImageRecord.created_at).where(among(ImageRecord.id, ids))))
    return {
        "images": len(items),
        "splits": dict(Counter(item.split for item in items)),
        "classes": _table(items),
        "owners": len({item.owner for item in items}),
        "groups": len({item.group_name for item in items}),
        "reviewers": len(session.scalars(authors).all()),
        "reviewed_by": dict(Counter((item.facts or {}).get("reviewer", "") for item in items)),
        "consents": {str(version): count for version, count in sorted(Counter(session.scalars(consents)).items())},
        "versions": dict(Counter((item.facts or {}).get("version", "") for item in items)),
        "first": days[0].date().isoformat(),
        "last": days[-1].date().isoformat(),
        "drawn": sum(bool(item.masks) for item in items),
        "smallest": min(min(item.width, item.height) for item in items),
        "largest": max(max(item.width, item.height) for item in items),
        "group_by": list(division.group_by or []),
        "shares": division.shares,
    }


def _table(items: Sequence[DatasetItemRecord]) -> dict[str, dict[str, int]]:
    """Class → side → how many."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        counts[item.stratum or ""][item.split or ""] += 1
    return {name: dict(counts[name]) for name in sorted(counts)}
