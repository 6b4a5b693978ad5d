"""What becomes of a worker that was stopped, and goes on after another one has answered in its place."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text

from atisbo.domain.access import Actor
from atisbo.domain.applications import load
from atisbo.imaging.prepared import Prepared
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.registry import Registry
from atisbo.services import asking, views
from atisbo.services.asking import Upload
from atisbo.services.predictions import PredictionView
from atisbo.services.work import Blobs, Workplace
from atisbo.store.blobs import derived
from atisbo.worker.predict import Predicting
from tests.applications_for_tests.networks import HERE
from tests.pictures import encoded
from tests.worker.workshop import jobs, tools

BRIGHT, _CARD = load(HERE / "bright")


class Stalling(Blobs):
    """Stops before the first thing it should write, until it may go on."""

    def __init__(self, behind: Blobs) -> None:
        super().__init__(behind._store)
        self.reached, self.go_on = threading.Event(), threading.Event()

    def put(self, name: str, data: bytes) -> None:
        self.reached.set()
        assert self.go_on.wait(30)
        super().put(name, data)


class Opening(Quarantine):
    """Tells when a picture is handed in."""

    def __init__(self) -> None:
        super().__init__(workers=1, timeout_s=20, memory_bytes=2 * 1024**3)
        self.begun = threading.Event()

    def prepare(self, *arguments: Any, **options: Any) -> Future[Prepared]:
        self.begun.set()
        return super().prepare(*arguments, **options)


@pytest.fixture
def hands() -> Iterator[tuple[Quarantine, Registry]]:
    with tools() as found:
        yield found


def _asked(workplace: Workplace, actor: Actor) -> tuple[PredictionView, Any]:
    """A question about a bright patch, and its job."""
    picture = np.zeros((40, 48, 3), np.uint8)
    picture[10:20, 10:30] = 250
    upload = Upload(encoded(Image.fromarray(picture), "PNG"), "one.png")
    asked = workplace.within(lambda s: asking.ask(s, actor, blobs=workplace.blobs, application=BRIGHT, upload=upload))
    (said,) = jobs(workplace, "predict")
    return asked, SimpleNamespace(payload=json.dumps(said).encode())


def test_a_picture_is_opened_while_it_is_claimed_and_dropped_if_nobody_wants_it_any_more(
    workplace: Workplace,
    make_actor: Callable[..., Actor],
    hands: tuple[Quarantine, Registry],
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked, job = _asked(workplace, make_actor())
    opening = Opening()

    async def claimed_late() -> None:
        with workplace.transaction() as holding:  # the claim has to wait for us, and finds nothing
            holding.execute(text("DELETE FROM predictions WHERE id = :id"), {"id": asked.id})
            running = asyncio.create_task(Predicting(workplace, opening, hands[1]).run(job))
            assert await asyncio.to_thread(opening.begun.wait, 30)
            assert not running.done()
        await asyncio.wait_for(running, 30)

    try:
        asyncio.run(claimed_late())
    finally:
        opening.close()
    assert not workplace.blobs.entries(derived(asked.id, ""))
    assert not caplog.records, "an opened picture that nobody asks for is no error"


def test_a_worker_that_comes_too_late_overwrites_nothing(
    workplace: Workplace, make_actor: Callable[..., Actor], hands: tuple[Quarantine, Registry]
) -> None:
    ana = make_actor()
    asked, job = _asked(workplace, ana)
    stalling = Stalling(workplace.blobs)

    def kept() -> dict[str, Any]:
        return workplace.blobs.entries(derived(asked.id, ""))

    async def both() -> None:
        late = asyncio.create_task(Predicting(replace(workplace, blobs=stalling), *hands).run(job))
        assert await asyncio.to_thread(stalling.reached.wait, 30)
        await Predicting(workplace, *hands).run(job)
        taken = kept()
        assert len(taken) == 1
        stalling.go_on.set()
        await late
        assert kept() == taken, "neither overwritten nor left beside it"

    asyncio.run(both())
    mask = workplace.within(
        lambda s: views.read(s, ana, blobs=workplace.blobs, prediction_id=asked.id, view="mask.png")
    )
    assert mask is not None
    assert mask.startswith(b"\x89PNG")
