"""From reviewed images to a version that is better, and back, with the worker's own parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

import pytest
from pgqueuer.errors import RetryRequested
from sqlalchemy import select
from typer.testing import CliRunner

from atisbo.cli import app
from atisbo.config import Settings
from atisbo.domain.access import Actor, Role
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.datasets import LEARNING, Split
from atisbo.domain.runs import Overrides, State
from atisbo.domain.versions import State as Stands
from atisbo.errors import Conflict, NotAllowed, NotFound, Unavailable
from atisbo.services import activations, evaluations, exports, lineage, runs, snapshots, versions
from atisbo.services.runs import RunView
from atisbo.services.work import Workplace
from atisbo.store.blobs import network
from atisbo.store.datasets import DatasetItemRecord
from atisbo.worker.evaluate import Evaluating
from atisbo.worker.learn import Learning
from tests.conftest import PASSWORD
from tests.training.shapes import shapes
from tests.worker.loop import Loop, installed, prepared


@pytest.fixture
def curator(workplace: Workplace, make_actor: Callable[..., Actor]) -> Actor:
    return make_actor("carla", Role.CURATOR)


@pytest.fixture
def loop(
    workplace: Workplace,
    make_actor: Callable[..., Actor],
    curator: Actor,
    tmp_path: Path,
    describe: snapshots.Describe,
) -> Loop:
    return prepared(workplace, [make_actor(f"p{n}") for n in range(10)], curator, tmp_path, describe)


def start(
    workplace: Workplace, curator: Actor, loop: Loop, *, from_active: bool | None = None, **overrides: int
) -> RunView:
    return workplace.within(
        lambda s: runs.start(
            s,
            curator,
            application=loop.application,
            card=loop.card,
            dataset_id=loop.dataset.id,
            recipe="recipe",
            overrides=Overrides(**overrides),
            from_active=from_active,
        )
    )


def learn(
    workplace: Workplace,
    curator: Actor,
    loop: Loop,
    run_id: UUID,
    stop_at: int | None = None,
    beside: Mapping[str, Application] = MappingProxyType({}),
) -> None:
    """As a worker does it.

    Args:
        stop_at: the worker is asked to end once so many epochs are done.
        beside: other applications that it knows.
    """
    applications = {"spots": loop.application, **beside}

    async def work() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(Learning(workplace, applications, stop).learn(run_id))
        while stop_at is not None and not task.done():
            await asyncio.sleep(0.1)
            if workplace.within(lambda s: runs.get(s, curator, run_id=run_id)).epoch >= stop_at:
                stop.set()
                break
        await task

    asyncio.run(work())


@pytest.mark.timeout(300)
def test_a_run_becomes_a_version_that_is_judged_promoted_and_rolled_back(
    workplace: Workplace, curator: Actor, loop: Loop
) -> None:
    assert min(loop.dataset.counts[side] for side in Split) >= 3, loop.dataset.counts
    run = start(workplace, curator, loop)
    learn(workplace, curator, loop, run.id)
    done = workplace.within(lambda s: runs.get(s, curator, run_id=run.id))
    assert (done.state, done.epoch, done.failure) == (State.DONE, 6, None), done.log
    assert set(done.curves) == {"train", "validation"}
    version_id = done.version_id
    assert version_id is not None
    workplace.within(lambda s: versions.proven(s, version_id=version_id))
    made = workplace.within(lambda s: versions.get(s, curator, version_id=version_id))
    assert (made.origin, made.run_id, made.dataset_id) == ("run", run.id, loop.dataset.id)
    assert made.parent == loop.active.name
    assert made.card.lineage.command.startswith("atisbo train recipe.json --data snapshot-")
    assert not (workplace.settings.data_dir / "runs" / str(run.id)).exists(), "images are not left behind"

    workplace.within(lambda s: evaluations.ask(s, curator, version_id=made.id, dataset_id=loop.dataset.id))
    with pytest.raises(Conflict, match="being judged"):
        workplace.within(lambda s: evaluations.ask(s, curator, version_id=made.id, dataset_id=loop.dataset.id))
    stored = workplace.settings.data_dir / "blobs" / network(made.card.sha256)
    kept = stored.read_bytes()
    stored.unlink()
    stored.symlink_to(stored)  # no storage reads that
    with pytest.raises(Unavailable):
        asyncio.run(Evaluating(workplace, asyncio.Event()).judge(made.id))
    stored.unlink()
    stored.write_bytes(kept)
    asyncio.run(Evaluating(workplace, asyncio.Event()).judge(made.id))
    judged = workplace.within(lambda s: versions.get(s, curator, version_id=version_id))
    said = judged.evaluation or {}
    assert (judged.state, said["status"], said["verdict"]) == (Stands.EVALUATED, "done", "better"), said
    assert said["images"] == said["groups"] == said["figures"]["dice"]["groups"] == loop.dataset.counts[Split.TEST]
    assert said["figures"]["dice"]["second"] > said["figures"]["dice"]["first"]
    shown = said["pictures"][0]["number"]
    data = workplace.within(
        lambda s: evaluations.picture(
            s, curator, blobs=workplace.blobs, version_id=made.id, number=shown, side="second"
        )
    )
    assert data[8:12] == b"WEBP"
    number = int(said["pictures"][0]["file"].partition(".")[0])
    of_number = DatasetItemRecord.dataset_id == loop.dataset.id, DatasetItemRecord.number == number
    image_id = workplace.within(lambda s: s.scalars(select(DatasetItemRecord.image_id).where(*of_number)).one())
    workplace.within(lambda s: lineage.bury(s, [image_id], "withdrawn"))
    with pytest.raises(NotFound, match="taken back"):
        workplace.within(
            lambda s: evaluations.picture(
                s, curator, blobs=workplace.blobs, version_id=made.id, number=shown, side="first"
            )
        )

    workplace.within(lambda s: activations.activate(s, curator, version_id=made.id, password=PASSWORD))
    assert workplace.within(versions.answering)["spots"].card.sha256 == made.card.sha256
    back = workplace.within(lambda s: activations.rollback(s, curator, version_id=made.id))
    assert back.name == loop.active.name


@pytest.mark.timeout(300)
def test_a_run_goes_on_after_its_worker_ended_and_ends_when_nobody_wants_it(
    workplace: Workplace, curator: Actor, loop: Loop, make_actor: Callable[..., Actor]
) -> None:
    run = start(workplace, curator, loop, epochs=400)
    with pytest.raises(RetryRequested):
        learn(workplace, curator, loop, run.id, stop_at=2)
    halfway = workplace.within(lambda s: runs.get(s, curator, run_id=run.id))
    assert halfway.state is State.RUNNING
    with pytest.raises(NotAllowed):
        workplace.within(lambda s: runs.cancel(s, make_actor("ana"), run_id=run.id))

    async def go_on() -> None:
        task = asyncio.create_task(Learning(workplace, {"spots": loop.application}, asyncio.Event()).learn(run.id))
        while workplace.within(lambda s: runs.get(s, curator, run_id=run.id)).epoch < halfway.epoch + 2:
            assert not task.done()
            await asyncio.sleep(0.1)
        workplace.within(lambda s: runs.cancel(s, curator, run_id=run.id))
        await task

    asyncio.run(go_on())
    over = workplace.within(lambda s: runs.get(s, curator, run_id=run.id))
    assert (over.state, over.version_id) == (State.CANCELLED, None)
    both = len(halfway.curves["train"]["loss"])
    assert over.curves["train"]["loss"][:both] == halfway.curves["train"]["loss"], "it went on from its checkpoint"
    with pytest.raises(Conflict, match="over already"):
        workplace.within(lambda s: runs.cancel(s, curator, run_id=run.id))


def test_a_run_that_cannot_be_done_says_why(workplace: Workplace, curator: Actor, loop: Loop) -> None:
    recipe = loop.application.folder / "recipe.toml"
    recipe.write_text(recipe.read_text().replace('kind = "unet"', 'kind = "nothing"'))
    run = start(workplace, curator, loop)
    learn(workplace, curator, loop, run.id)
    failed = workplace.within(lambda s: runs.get(s, curator, run_id=run.id))
    assert failed.state is State.FAILED
    assert failed.failure is not None
    assert "network.kind" in failed.failure.values["fault"]


@pytest.mark.timeout(300)
def test_a_version_that_goes_on_from_another_keeps_its_gate(
    workplace: Workplace, curator: Actor, loop: Loop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The one before learnt to refuse discs; the other application on the machine shows some."""
    folder = tmp_path_factory.mktemp("before")
    recipe = folder / "recipe.toml"
    recipe.write_text(
        (loop.application.folder / "recipe.toml").read_text() + '[gate]\nown = ["spots"]\npictures = 40\n'
    )
    other = loop.application.model_copy(update={"name": "discs", "folder": folder / "discs"})
    shown = shapes(folder / "discs" / "samples")
    data = folder / "data"
    workplace.within(
        lambda s: exports.write(s, blobs=workplace.blobs, dataset_id=loop.dataset.id, folder=data, sides=LEARNING)
    )
    words = ["train", recipe, "--data", data, "--out", folder / "out", "--epochs", 2, "--kind", f"disc={shown}"]
    said = CliRunner().invoke(app, [str(word) for word in words])
    assert said.exit_code == 0, said.output
    card, model = Card.read(folder / "out" / "card.json"), (folder / "out" / "model.onnx").read_bytes()
    before = workplace.within(
        lambda s: versions.submit(
            s, curator, blobs=workplace.blobs, application=loop.application, card=card, model=model
        )
    )
    workplace.within(lambda s: versions.proven(s, version_id=before.id))
    workplace.within(lambda s: activations.activate(s, curator, version_id=before.id, reason="x", password=PASSWORD))

    run = start(workplace, curator, loop, from_active=True, epochs=2)
    learn(workplace, curator, loop, run.id, beside={"discs": other})
    done = workplace.within(lambda s: runs.get(s, curator, run_id=run.id))
    assert done.version_id is not None, done.log
    made = workplace.within(lambda s: versions.get(s, curator, version_id=done.version_id)).card  # type: ignore[arg-type]
    assert made.gate is not None, done.log
    assert (made.gate.kept_from, made.gate.own, made.gate.kinds) == (
        before.name,
        ("spots",),
        ("spots", "disc", "other"),
    )
    figures = made.quality[0].figures
    assert figures["kept"].value >= 0.98
    assert figures["refused"].value >= 0.9
    assert figures["refused"].n >= 5
    assert made.reference is not None
    assert made.reference.images == sum(loop.dataset.counts[side] for side in LEARNING)


def test_the_operator_starts_a_run(
    workplace: Workplace, curator: Actor, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = loop.application.folder
    installed(folder)
    monkeypatch.setenv("ATISBO_DATABASE_URL", workplace.settings.database_url or "")
    monkeypatch.setenv("ATISBO_DATA_DIR", str(workplace.settings.data_dir))
    monkeypatch.setenv("ATISBO_APPLICATIONS_DIR", str(folder.parent))

    def retrain(recipe: str) -> str:
        words = ["retrain", "spots", "--dataset", str(loop.dataset.id), "--recipe", recipe, "--epochs", "3"]
        return " ".join(CliRunner().invoke(app, words).output.split())

    assert "There is no recipe nothing" in retrain("nothing")
    assert "waiting, 3 epochs" in retrain("recipe")
    (run,) = workplace.within(lambda s: runs.list_(s, curator))
    assert (run.state, run.created_by, run.start) == (State.WAITING, None, None)


def test_queues_have_names() -> None:
    assert Settings(worker_queues="learn").queues == {"learn"}
    assert Settings().queues == {"answers", "learn"}
