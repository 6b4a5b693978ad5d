"""Corrected outlines, with what a worker says of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import numpy as np
import pytest
from pgqueuer.models import Job
from PIL import Image
from sqlalchemy import text

from atisbo.domain.access import Actor, Role
from atisbo.domain.corrections import MaskState
from atisbo.domain.reviews import Verdict
from atisbo.errors import Conflict, NotAllowed, NotFound, Outdated
from atisbo.imaging.draw import mask_png
from atisbo.imaging.quarantine import Quarantine
from atisbo.services import corrections, deletions, erasure, images, predictions, reviews
from atisbo.services.reviews import ReviewView
from atisbo.services.work import Workplace
from atisbo.store.blobs import corrected, derived
from atisbo.worker.corrections import Correcting
from tests.conftest import PASSWORD
from tests.pictures import encoded, opened
from tests.services.asked import CARD, DISC_CARD, DISCS, answered, outlined

Make = Callable[..., Actor]


@pytest.fixture(scope="module")
def quarantine() -> Iterator[Quarantine]:
    running = Quarantine(workers=1, timeout_s=20, memory_bytes=2 * 1024**3)
    yield running
    running.close()


def png(fill: int = 0, at: tuple[slice, slice] = np.s_[2:6, 2:6], size: tuple[int, int] = (16, 20)) -> bytes:
    pixels = np.zeros(size, np.uint8)
    pixels[at] = fill
    return encoded(Image.fromarray(pixels), "PNG")


def put(workplace: Workplace, actor: Actor, prediction_id: UUID, data: bytes, **more: Any) -> ReviewView:
    said: dict[str, Any] = {"card": DISC_CARD} | more
    return workplace.within(
        lambda s: corrections.put(s, actor, blobs=workplace.blobs, prediction_id=prediction_id, data=data, **said)
    )


def work(workplace: Workplace, quarantine: Quarantine) -> None:
    """Do the jobs that wait, as a worker does them."""
    with workplace.engine.begin() as connection:
        rows = connection.execute(text("DELETE FROM pgqueuer RETURNING entrypoint, payload, id")).all()
    correcting = Correcting(workplace, quarantine)
    for entrypoint, payload, _ in sorted(rows, key=lambda row: row[2]):
        job = cast("Job", SimpleNamespace(payload=bytes(payload)))
        if entrypoint in ("correct", "sweep", "compare"):
            tasks = {"correct": correcting.run, "sweep": correcting.sweep, "compare": correcting.compare}
            asyncio.run(tasks[entrypoint](job))


def read(workplace: Workplace, actor: Actor, prediction_id: UUID, **more: Any) -> bytes:
    return workplace.within(
        lambda s: corrections.read(s, actor, blobs=workplace.blobs, prediction_id=prediction_id, **more)
    )


def mine(workplace: Workplace, actor: Actor, prediction_id: UUID) -> ReviewView:
    return workplace.within(lambda s: reviews.get(s, actor, prediction_id=prediction_id))


def drawn(workplace: Workplace, prediction_id: UUID) -> set[str]:
    names = workplace.blobs.names(derived(prediction_id, ""))
    return {name.rsplit("/", 1)[-1] for name in names} - {"mask.png"}


@pytest.fixture
def asked(workplace: Workplace, make_actor: Make) -> tuple[Actor, UUID]:
    ana = make_actor()
    view = outlined(workplace, ana)
    network = np.zeros((16, 20), np.uint8)
    network[2:6, 4:8] = 128
    network[3:5, 5:7] = 255
    workplace.blobs.put(derived(view.id, "mask.png"), mask_png(network))
    return ana, view.id


def test_a_mask_is_checked_written_anew_and_compared(
    workplace: Workplace, quarantine: Quarantine, asked: tuple[Actor, UUID]
) -> None:
    ana, identity = asked
    sent = put(workplace, ana, identity, png(1), expected=0)
    assert (sent.version, sent.verdict, sent.mask and sent.mask.state) == (1, Verdict.WRONG, MaskState.CHECKING)
    with pytest.raises(NotFound):
        read(workplace, ana, identity)
    work(workplace, quarantine)
    kept = mine(workplace, ana, identity).mask
    assert kept is not None
    assert kept.state is MaskState.KEPT
    assert kept.dice == {"disc": 0.5, "cup": 0.0}
    pixels = np.asarray(opened(read(workplace, ana, identity)))
    assert pixels[2:6, 2:6].all()
    assert pixels.sum() == 16
    assert drawn(workplace, identity) == {f"mask-{kept.sha256}.png"}, "what came is gone"


def test_a_mask_that_will_not_do_leaves_its_reason_and_no_bytes(
    workplace: Workplace, quarantine: Quarantine, asked: tuple[Actor, UUID]
) -> None:
    ana, identity = asked
    put(workplace, ana, identity, png(size=(9, 9)))
    work(workplace, quarantine)
    refused = mine(workplace, ana, identity).mask
    assert refused is not None
    assert refused.failure is not None
    assert (refused.state, refused.failure.code, refused.sha256) == (MaskState.REFUSED, "mask_size", None)
    assert drawn(workplace, identity) == set()


def test_the_mask_stays_when_the_verdict_changes_and_every_version_is_kept(
    workplace: Workplace, quarantine: Quarantine, asked: tuple[Actor, UUID]
) -> None:
    ana, identity = asked
    put(workplace, ana, identity, png(1))
    again = workplace.within(
        lambda s: reviews.put(
            s, ana, application=DISCS, card=DISC_CARD, prediction_id=identity, verdict=Verdict.RIGHT, expected=1
        )
    )
    assert (again.version, again.mask and again.mask.state) == (2, MaskState.CHECKING)
    work(workplace, quarantine)
    history = workplace.within(lambda s: reviews.history(s, ana, prediction_id=identity))
    assert [one.mask and one.mask.state for one in history] == [MaskState.KEPT, MaskState.KEPT]
    assert put(workplace, ana, identity, png(1)).version == 2, "the same again writes nothing"
    with pytest.raises(Outdated):
        put(workplace, ana, identity, png(3), expected=1)
    assert put(workplace, ana, identity, png(3), expected=2).verdict is Verdict.RIGHT
    gone = workplace.within(lambda s: corrections.remove(s, ana, prediction_id=identity, expected=3))
    assert (gone.version, gone.mask) == (4, None)
    work(workplace, quarantine)
    assert len(drawn(workplace, identity)) == 2, "both are in the history"


def test_taking_the_review_back_erases_its_masks(
    workplace: Workplace, quarantine: Quarantine, asked: tuple[Actor, UUID]
) -> None:
    ana, identity = asked
    put(workplace, ana, identity, png(1))
    work(workplace, quarantine)
    put(workplace, ana, identity, png(3))
    workplace.within(lambda s: reviews.forget(s, ana, prediction_id=identity))
    work(workplace, quarantine)
    assert drawn(workplace, identity) == set()


def test_taking_the_review_back_erases_a_mask_that_only_an_earlier_version_had(
    workplace: Workplace, quarantine: Quarantine, asked: tuple[Actor, UUID]
) -> None:
    ana, identity = asked
    put(workplace, ana, identity, png(1))
    work(workplace, quarantine)
    workplace.within(lambda s: corrections.remove(s, ana, prediction_id=identity))
    assert len(drawn(workplace, identity)) == 1
    workplace.within(lambda s: reviews.forget(s, ana, prediction_id=identity))
    work(workplace, quarantine)
    assert drawn(workplace, identity) == set()


@pytest.mark.parametrize("forgotten", [False, True])
def test_nothing_is_left_of_a_mask_that_did_not_come_back_with_its_image(
    workplace: Workplace, quarantine: Quarantine, asked: tuple[Actor, UUID], forgotten: bool
) -> None:
    """Nobody had looked at it yet, or its review had just been taken back."""
    ana, identity = asked
    put(workplace, ana, identity, png(1))
    if forgotten:
        work(workplace, quarantine)
        workplace.within(lambda s: reviews.forget(s, ana, prediction_id=identity))
    image = workplace.within(lambda s: predictions.get(s, ana, prediction_id=identity)).image
    deed = workplace.within(lambda s: images.delete(s, ana, image_id=image.id))
    if forgotten:
        work(workplace, quarantine)
    else:
        workplace.within(lambda s: s.execute(text("DELETE FROM pgqueuer WHERE entrypoint = 'correct'")))
    assert len(drawn(workplace, identity)) == 1, "it could come back"
    workplace.within(lambda s: deletions.undo(s, ana, deed=deed))
    work(workplace, quarantine)
    assert drawn(workplace, identity) == set()


def test_a_curator_who_leaves_takes_their_masks_along(
    workplace: Workplace, quarantine: Quarantine, asked: tuple[Actor, UUID], make_actor: Make
) -> None:
    ana, identity = asked
    eva = make_actor("eva", Role.CURATOR)
    put(workplace, eva, identity, png(1))
    put(workplace, ana, identity, png(3))
    work(workplace, quarantine)
    assert read(workplace, eva, identity, author_id=ana.user_id) == read(workplace, ana, identity)
    with pytest.raises(NotFound):
        read(workplace, ana, identity, author_id=eva.user_id)
    workplace.within(lambda s: erasure.erase(s, eva, password=PASSWORD))
    work(workplace, quarantine)
    kept = mine(workplace, ana, identity).mask
    assert kept is not None
    assert kept.sha256 is not None
    assert drawn(workplace, identity) == {corrected(identity, kept.sha256).rsplit("/", 1)[-1]}


def test_a_mask_of_what_is_gone_leaves_nothing(
    workplace: Workplace, quarantine: Quarantine, asked: tuple[Actor, UUID]
) -> None:
    ana, identity = asked
    put(workplace, ana, identity, png(1))
    with workplace.engine.begin() as connection:
        connection.execute(text("DELETE FROM images"))
    work(workplace, quarantine)
    assert drawn(workplace, identity) == set()


def test_who_may_correct_what(workplace: Workplace, asked: tuple[Actor, UUID], make_actor: Make) -> None:
    ana, identity = asked
    with pytest.raises(NotFound):
        put(workplace, make_actor("ben"), identity, png())
    with pytest.raises(Conflict, match="no outlines"):
        put(workplace, ana, answered(workplace, ana).id, png(), card=CARD)
    token = Actor(ana.user_id, ana.email, ana.role, scopes=frozenset({"predict"}))
    with pytest.raises(NotAllowed):
        put(workplace, token, identity, png())


def test_the_job_carries_what_the_worker_needs(workplace: Workplace, asked: tuple[Actor, UUID]) -> None:
    ana, identity = asked
    put(workplace, ana, identity, png(1))
    with workplace.engine.begin() as connection:
        payload = connection.execute(text("SELECT payload FROM pgqueuer WHERE entrypoint = 'correct'")).scalar_one()
    said = json.loads(bytes(payload))
    assert (said["size"], said["layers"]) == ([16, 20], ["disc", "cup"])
