"""Making a dataset: every image opened once, described, written down, and then the whole sealed with a hash.

Runs in a worker or under a command, never in the web process. It may be cut off and run again: what is written down
stays, and the rest is done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from atisbo.config import Settings
from atisbo.domain.datasets import OWNER, PAIR, Filters, Plan, Status, canonical, key
from atisbo.domain.images import Limits, Region
from atisbo.domain.reviews import Verdict
from atisbo.errors import BadImage, UserError
from atisbo.imaging.prepared import Blocks
from atisbo.imaging.quarantine import Quarantine
from atisbo.services import candidates, freezing
from atisbo.services.candidates import Candidate
from atisbo.services.work import Workplace
from atisbo.store import blobs as names
from atisbo.store.blobs import Blobs
from atisbo.store.datasets import DatasetItemRecord, DatasetRecord, DivisionRecord
from atisbo.store.images import ImageRecord, lock_originals

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Described:
    """What is kept of an image: see ``imaging.items.describe``."""

    picture: bytes
    ending: str
    size: tuple[int, int]
    """Width and height of the picture, pixels."""
    likeness: bytes
    masks: Mapping[str, bytes]
    regions: Mapping[str, Any]


class Describe(Protocol):
    def __call__(
        self, data: bytes, region: Region | None, mask: bytes | None, bits: bool, labels: Sequence[str]
    ) -> Described: ...


@contextmanager
def opened(settings: Settings) -> Iterator[Describe]:
    """A decoder for datasets alone: a child process whose jobs are those of ``imaging.items``."""
    quarantine = Quarantine(
        workers=1,
        timeout_s=settings.decode_timeout_s,
        memory_bytes=settings.decoder_memory_bytes,
        jobs_module="atisbo.imaging.items",
    )
    try:
        yield _describing(quarantine, Limits.of(settings))
    finally:
        quarantine.close()


def _describing(quarantine: Quarantine, limits: Limits) -> Describe:

    def receive(values: dict[str, Any], blocks: Blocks) -> Described:
        width, height = values["size"]
        return Described(
            picture=bytes(blocks["picture"]),
            ending=str(values["ending"]),
            size=(int(width), int(height)),
            likeness=bytes(blocks["likeness"]),
            masks={name.partition(":")[2]: bytes(block) for name, block in blocks.items() if name.startswith("mask:")},
            regions=values["regions"],
        )

    def describe(
        data: bytes, region: Region | None, mask: bytes | None, bits: bool, labels: Sequence[str]
    ) -> Described:
        return quarantine.submit("describe", data, region, mask, bits, tuple(labels), limits, receive=receive).result()

    return describe


def build(
    workplace: Workplace, *, dataset_id: UUID, describe: Describe, step: Callable[[int, int], None] | None = None
) -> Status | None:
    """Make a dataset that was asked for; one that cannot be made is marked as failed, with the reason.

    Args:
        step: is told how many images are done, and of how many.

    Returns:
        What became of it; None if there is no such dataset.
    """
    try:
        found = workplace.within(lambda session: _waiting(session, dataset_id))
        if found is None:
            return None
        plan, salt, waiting = found
        unreadable = 0
        for number, candidate in enumerate(waiting, start=1):
            unreadable += not _take(workplace, dataset_id, candidate, plan, salt, describe)
            if step:
                step(number, len(waiting))
        workplace.within(lambda session: freezing.freeze(session, dataset_id=dataset_id, unreadable=unreadable))
    except UserError as error:
        reason = error
        workplace.within(lambda session: freezing.fail(session, dataset_id=dataset_id, error=reason))
    return workplace.within(lambda session: _status(session, dataset_id))


def _status(session: Session, dataset_id: UUID) -> Status | None:
    record = session.get(DatasetRecord, dataset_id)
    return Status(record.status) if record else None


def _waiting(session: Session, dataset_id: UUID) -> tuple[Plan, bytes, list[Candidate]] | None:
    """The plan, the application's salt, and what has not been written down yet."""
    record = session.get(DatasetRecord, dataset_id)
    if record is None or record.status != Status.BUILDING.value:
        return None
    plan = Plan.model_validate(record.plan)
    salt = session.scalars(select(DivisionRecord.salt).where(DivisionRecord.application == record.application)).one()
    there = select(DatasetItemRecord.prediction_id).where(DatasetItemRecord.dataset_id == dataset_id)
    done = set(session.scalars(there))
    found = candidates.find(session, record.application, Filters.model_validate(record.filters), plan)
    return plan, salt, [one for one in found if one.prediction_id not in done]


def _take(
    workplace: Workplace, dataset_id: UUID, candidate: Candidate, plan: Plan, salt: bytes, describe: Describe
) -> bool:
    """Open one image and write it down; False if it cannot be opened."""
    data = workplace.blobs.get(names.original(candidate.original))
    mask, bits = _mask(workplace.blobs, candidate, plan)
    if data is None:
        return False
    region = Region(**candidate.region) if candidate.region else None
    try:
        described = describe(data, region, mask, bits, plan.outlines)
    except (BadImage, UserError) as error:
        log.info("answer %s is left out: %s", candidate.prediction_id, error)
        return False
    if plan.task == "segmentation" and mask is None:
        return False
    workplace.within(lambda session: _add(session, workplace.blobs, dataset_id, candidate, plan, salt, described))
    return True


def _mask(blobs: Blobs, candidate: Candidate, plan: Plan) -> tuple[bytes | None, bool]:
    """The outline that counts, and whether it is a person's: a network's own only where somebody said it was right."""
    if candidate.mask is not None:
        return blobs.get(names.corrected(candidate.prediction_id, candidate.mask)), True
    if plan.task == "segmentation" and candidate.verdict is Verdict.RIGHT:
        return blobs.get(names.answered(candidate.prediction_id, candidate.attempt)), False
    return None, True


def _add(
    session: Session,
    blobs: Blobs,
    dataset_id: UUID,
    candidate: Candidate,
    plan: Plan,
    salt: bytes,
    described: Described,
) -> None:
    """Write one image down, if it still may be learnt from: what is taken back meanwhile stays out."""
    image = session.scalar(select(ImageRecord).where(ImageRecord.id == candidate.image_id).with_for_update(read=True))
    if image is None or not image.training_consent:
        return
    picture = names.digest(described.picture)
    masks = {label: names.digest(mask) for label, mask in described.masks.items()}
    lock_originals(session, [picture, *masks.values()])
    blobs.put(names.picture(picture), described.picture)
    for label, name in masks.items():
        blobs.put(names.mask(name), described.masks[label])
        blobs.put(names.outlines(name), canonical(described.regions[label]))
    session.add(
        DatasetItemRecord(
            dataset_id=dataset_id,
            image_id=candidate.image_id,
            prediction_id=candidate.prediction_id,
            review_id=candidate.review_id,
            review_version=candidate.review_version,
            region=candidate.region,
            picture=picture,
            ending=described.ending,
            width=described.size[0],
            height=described.size[1],
            label=candidate.label if plan.task == "classification" else None,
            stratum=_stratum(candidate, plan, described),
            masks=masks,
            facts=_known(candidate, plan, salt),
            owner=key(salt, OWNER, str(candidate.owner_id))[:8].hex(),
            likeness=described.likeness,
            nonce=key(salt, "nonce", picture)[:16].hex(),
        )
    )
    session.flush()


def _stratum(candidate: Candidate, plan: Plan, described: Described) -> str:
    if plan.task == "classification":
        return candidate.label or ""
    return " + ".join(label for label in plan.outlines if described.regions[label])[:200]


def _known(candidate: Candidate, plan: Plan, salt: bytes) -> dict[str, Any]:
    """Columns of the index, and by what an image is grouped; what people write freely is hashed, or left out."""
    answers = {name: candidate.answers[name] for name in plan.columns if name in candidate.answers}
    own = {"verdict": candidate.verdict.value, "reviewer": candidate.reviewer, "version": candidate.version or ""}
    groups = {
        f"group {name}": key(salt, f"group {name}", str(candidate.answers[name])).hex()
        for name in plan.group_by
        if name in candidate.answers
    }
    if candidate.pair_id is not None:
        pair = f"{candidate.owner_id} {candidate.pair_id}"
        groups[f"group {PAIR}"] = key(salt, f"group {PAIR}", pair).hex()
    return answers | own | groups
