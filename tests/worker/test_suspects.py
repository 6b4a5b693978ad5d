"""Poison and outages on the worker's stretch of the road: who fails, who does not, and what it says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from uuid import UUID

import numpy as np
import pytest
from pgqueuer.errors import RetryRequested
from PIL import Image
from sqlalchemy import text

from atisbo.domain.access import Actor
from atisbo.domain.applications import load
from atisbo.errors import Unavailable
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.registry import Registry
from atisbo.services import asking, predictions, suspects
from atisbo.services.asking import Upload
from atisbo.services.predictions import PredictionView
from atisbo.services.work import Workplace
from atisbo.store.queue import PREDICT
from atisbo.worker.predict import Predicting
from tests.applications_for_tests.networks import HERE
from tests.pictures import encoded
from tests.worker.poison import CRASH, HANG, HOARD

Make = Callable[..., Actor]
BRIGHT, _ = load(HERE / "bright")
EYE, _ = load(HERE / "eye")


def picture(seed: int = 1, tail: bytes = b"") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 48, 3), np.uint8)
    return encoded(Image.fromarray(pixels), "PNG") + tail


def ask(workplace: Workplace, actor: Actor, data: bytes, application: object = BRIGHT) -> PredictionView:
    return workplace.within(
        lambda s: asking.ask(
            s,
            actor,
            blobs=workplace.blobs,
            application=application,  # type: ignore[arg-type]
            upload=Upload(data, "x.png"),
        )
    )


def see(workplace: Workplace, actor: Actor, view: PredictionView) -> PredictionView:
    return workplace.within(lambda s: predictions.get(s, actor, prediction_id=view.id))


@contextmanager
def hands(workplace: Workplace, *, jobs: str = "tests.worker.poison") -> Iterator[Predicting]:
    quarantine = Quarantine(workers=2, timeout_s=1.5, memory_bytes=2 << 30, jobs_module=jobs)
    registry = Registry.open([HERE])
    registry.load()
    try:
        yield Predicting(workplace, quarantine, registry)
    finally:
        registry.close()
        quarantine.close()


def work(workplace: Workplace, predicting: Predicting) -> dict[UUID, int]:
    """All jobs at once, each again whenever it asks for that; how often each was run."""
    query = text("SELECT payload FROM pgqueuer WHERE entrypoint = :name ORDER BY id")
    orders = [bytes(row.payload) for row in workplace.within(lambda s: s.execute(query, {"name": PREDICT}).all())]
    runs: dict[UUID, int] = {}

    async def one(payload: bytes) -> None:
        name = UUID(json.loads(payload)["prediction"])
        for number in range(1, 10):
            runs[name] = number
            try:
                await predicting.run(SimpleNamespace(payload=payload))  # type: ignore[arg-type]
            except RetryRequested:
                continue
            return
        raise AssertionError("it never ended")

    async def everyone() -> None:
        await asyncio.gather(*(one(payload) for payload in orders))

    asyncio.run(everyone())
    return runs


def test_pictures_that_take_the_decoder_down_fail_alone_after_three_tries(
    workplace: Workplace, make_actor: Make
) -> None:
    ana = make_actor()
    fine = [ask(workplace, ana, picture(seed)) for seed in range(6)]
    crash, hang, hoard = (ask(workplace, ana, picture(9, tail)) for tail in (CRASH, HANG, HOARD))
    with hands(workplace) as predicting:
        runs = work(workplace, predicting)
    for view in fine:
        assert (see(workplace, ana, view).status, runs[view.id]) == ("done", 1)
    for view, code in ((crash, "image_crashed"), (hang, "image_too_slow")):
        said = see(workplace, ana, view)
        assert said.failure is not None
        assert (said.status, said.failure.code, runs[view.id]) == ("failed", code, 3)
    said = see(workplace, ana, hoard)
    assert said.failure is not None
    assert (said.failure.code, runs[hoard.id]) == ("image_memory", 1), "its own limit said so: that is no accident"


def test_a_suspect_that_did_nothing_gets_the_same_answer_apart(workplace: Workplace, make_actor: Make) -> None:
    """Of every kind of network: outlines; a class with an embedding and structures; a picture that is refused."""
    ana = make_actor()
    foreign = encoded(Image.new("RGB", (40, 40)), "PNG")
    green = encoded(Image.fromarray(np.full((40, 40, 3), (120, 200, 10), np.uint8)), "PNG")
    kinds = [(picture(), BRIGHT), (green, EYE), (foreign, EYE)]
    usual = [ask(workplace, ana, data, application) for data, application in kinds]
    lost = [ask(workplace, ana, data, application) for data, application in kinds]
    workplace.within(lambda s: suspects.take(s, [view.id for view in lost]))  # and the worker dies
    with hands(workplace) as predicting:
        runs = work(workplace, predicting)
    assert set(runs.values()) == {1}
    for one, other in zip(usual, lost, strict=True):
        expected, said = see(workplace, ana, one), see(workplace, ana, other)
        assert (said.status, said.version) == (expected.status, expected.version)
        assert said.failure == expected.failure
        assert (said.findings is None) == (expected.findings is None)
        if said.findings and expected.findings:
            assert said.findings["label"] == expected.findings["label"]
            assert said.findings["probability"] == pytest.approx(expected.findings["probability"], abs=0.02)
    assert {see(workplace, ana, view).status for view in lost} >= {"done", "refused"}
    embedded = text("SELECT count(*) FROM embeddings")
    assert workplace.within(lambda s: s.scalar(embedded)) == 2


def test_one_that_was_lost_with_three_workers_is_given_up_with_a_reason(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    view = ask(workplace, ana, picture())
    for _ in range(3):
        hand = workplace.within(lambda s: suspects.take(s, [view.id]))[view.id]
        if hand.tries:
            workplace.within(lambda s, hand=hand: suspects.hold(s, hand))  # type: ignore[misc]
    with hands(workplace) as predicting:
        work(workplace, predicting)
    said = see(workplace, ana, view)
    assert said.failure is not None
    assert (said.status, said.failure.code, said.failure.values) == ("failed", "gave_up", {"count": 3})


def test_what_is_away_costs_no_try(workplace: Workplace, make_actor: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Storage that is full when the results are to be written, for longer than three tries."""
    ana = make_actor()
    view = ask(workplace, ana, picture())
    away = iter(range(6))

    def put(self: object, name: str, data: bytes) -> None:
        if next(away, None) is not None:
            raise Unavailable("storage_away", "No room.")
        original(self, name, data)  # type: ignore[arg-type]

    original = type(workplace.blobs).put
    monkeypatch.setattr(type(workplace.blobs), "put", put)
    with hands(workplace) as predicting:
        runs = work(workplace, predicting)
    assert (see(workplace, ana, view).status, runs[view.id]) == ("done", 7)


def test_an_answer_that_cannot_be_written_fails_alone(
    workplace: Workplace, make_actor: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = make_actor()
    views = [ask(workplace, ana, picture(seed)) for seed in range(5)]
    poison = views[2].id
    record = predictions.record

    def choke(session: object, outcomes: list[predictions.Outcome]) -> set[UUID]:
        if any(one.prediction_id == poison and one.status == "done" for one in outcomes):
            raise ValueError("no number that the database knows")
        return record(session, outcomes)  # type: ignore[arg-type]

    monkeypatch.setattr(predictions, "record", choke)
    with hands(workplace) as predicting:
        runs = work(workplace, predicting)
    assert [see(workplace, ana, view).status for view in views] == ["done", "done", "failed", "done", "done"]
    assert runs[poison] == 3
    assert sum(runs.values()) == 4 + 3
