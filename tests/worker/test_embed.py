from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from pgqueuer.models import Job
from PIL import Image
from sqlalchemy import text

from atisbo.domain.access import Actor
from atisbo.domain.applications import load
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.registry import Registry
from atisbo.services import asking, collections, embeddings, neighbours, predictions, profiles
from atisbo.services.asking import Upload
from atisbo.services.neighbours import Wish
from atisbo.services.predictions import Outcome
from atisbo.services.work import Workplace
from atisbo.store.blobs import collected
from atisbo.worker.embed import Embedding, begin
from tests.applications_for_tests import networks
from tests.pictures import encoded
from tests.services.asked import FINDINGS
from tests.web.doors import APPLICATIONS

COLOURS = {"red": (220, 30, 10), "green": (20, 200, 40), "blue": (40, 20, 180)}


def plain(colour: tuple[int, int, int]) -> bytes:
    return encoded(Image.fromarray(np.full((30, 40, 3), colour, np.uint8)), "PNG")


@pytest.fixture(scope="module")
def quarantine() -> Iterator[Quarantine]:
    running = Quarantine(workers=1, timeout_s=20, memory_bytes=2 * 1024**3)
    yield running
    running.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The application ``colour`` with a collection of three pictures, and a file that is none."""
    home = tmp_path / "colour"
    shutil.copytree(APPLICATIONS / "colour", home)
    (home / "collection").mkdir()
    for name, colour in COLOURS.items():
        (home / f"collection/{name}.png").write_bytes(plain(colour))
    (home / "collection/broken.png").write_bytes(b"\x89PNG no more")
    rows = [f"{name}.png,{name},A museum,Free" for name in (*COLOURS, "broken")]
    (home / "collection/index.csv").write_text("\n".join(["file,label,source,licence", *rows]))
    return tmp_path


def work(workplace: Workplace, quarantine: Quarantine, folder: Path) -> int:
    """A worker that starts, does all jobs of this kind and ends; returns how many there were."""
    registry = Registry.open([folder])
    try:
        begin(workplace, registry)
        embedding, count = Embedding(workplace, quarantine, registry), 0
        while job := _job(workplace):
            asyncio.run(embedding.run(job))
            count += 1
        return count
    finally:
        registry.close()


def _job(workplace: Workplace) -> Job | None:
    with workplace.transaction() as session:
        row = session.execute(text("DELETE FROM pgqueuer WHERE entrypoint = 'embed' RETURNING *")).mappings().first()
        return None if row is None else Job.model_validate(dict(row))


def answered(
    workplace: Workplace, actor: Actor, folder: Path, colour: tuple[int, int, int], name: str = "colour"
) -> predictions.PredictionView:
    """An answer of a time when nobody kept embeddings."""
    application, _ = load(folder / name)
    with workplace.transaction() as session:
        view = asking.ask(
            session, actor, blobs=workplace.blobs, application=application, upload=Upload(plain(colour), "a.png")
        )
    attempt = workplace.within(lambda s: predictions.claim(s, [view.id]))[view.id]
    outcome = Outcome(view.id, attempt, "done", version="long ago", findings=FINDINGS)
    workplace.within(lambda s: predictions.record(s, [outcome]))
    return view


def test_the_shipped_collection_is_there_after_the_first_start(
    workplace: Workplace, quarantine: Quarantine, folder: Path, make_actor: Callable[..., Actor]
) -> None:
    ana = make_actor()
    asked = answered(workplace, ana, folder, (200, 60, 10))
    work(workplace, quarantine, folder)
    held = workplace.within(lambda s: collections.summary(s, "colour"))
    assert held.by_label == {"blue": 1, "green": 1, "red": 1}, "a broken file is left out"
    found = workplace.within(lambda s: neighbours.find(s, ana, picture_id=asked.id, wish=Wish()))
    assert found.complete, "earlier answers are looked at too"
    assert [one.label for one in found.items] == ["red", "green", "blue"]
    assert found.items[0].source == "A museum"
    by_colours = workplace.within(lambda s: neighbours.find(s, ana, picture_id=asked.id, wish=Wish(by="palette")))
    assert by_colours.items[0].label == "red"
    tones = {one.label: one for one in workplace.within(lambda s: profiles.get(s, ana, application="colour")).tones}
    red, green, blue = tones["red"].channels
    assert red.mean > 150 > green.mean
    assert red.mean > 150 > blue.mean

    # What is taken out stays out, and its pictures go.
    gone = found.items[0].id
    assert workplace.blobs.has(collected(gone, "preview.jpg"))
    workplace.within(lambda s: collections.remove(s, application="colour", ids=[gone]))
    collections.forget(workplace.blobs, [gone])
    work(workplace, quarantine, folder)
    assert workplace.within(lambda s: collections.summary(s, "colour")).items == 2
    assert not workplace.blobs.has(collected(gone, "preview.jpg"))


def test_a_new_version_looks_at_everything_and_then_is_searched(
    workplace: Workplace,
    quarantine: Quarantine,
    folder: Path,
    make_actor: Callable[..., Actor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ana = make_actor()
    asked = answered(workplace, ana, folder, (200, 60, 10))
    work(workplace, quarantine, folder)
    before = workplace.within(lambda s: collections.summary(s, "colour")).version
    changed = networks.colour()
    changed.doc_string = "the same weights under another checksum"
    (folder / "colour/model.onnx").write_bytes(changed.SerializeToString())
    monkeypatch.setattr("atisbo.services.embeddings.AT_ONCE", 1)
    assert work(workplace, quarantine, folder) >= 4, "one job asks for the next"
    after = workplace.within(lambda s: collections.summary(s, "colour")).version
    assert before != after == load(folder / "colour")[1].version
    found = workplace.within(lambda s: neighbours.find(s, ana, picture_id=asked.id, wish=Wish()))
    assert (found.version, found.complete, len(found.items)) == (after, True, 3)
    with workplace.transaction() as session:
        assert session.scalars(text("SELECT DISTINCT version FROM embeddings")).all() == [after]


def test_an_upload_that_is_gone_holds_nothing_up(
    workplace: Workplace, quarantine: Quarantine, folder: Path, make_actor: Callable[..., Actor]
) -> None:
    ana = make_actor()
    view = answered(workplace, ana, folder, (10, 20, 30))
    with workplace.transaction() as session:
        name = session.scalar(text("SELECT sha256 FROM images WHERE id = :id"), {"id": view.image.id})
    workplace.blobs.delete(f"originals/{name[:2]}/{name}")
    work(workplace, quarantine, folder)
    assert workplace.within(lambda s: collections.summary(s, "colour")).version is not None


def test_a_version_on_its_way_out_does_not_look(
    workplace: Workplace, quarantine: Quarantine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry.open([folder])
    monkeypatch.setattr(Embedding, "_is_active", lambda *_: False)
    job = Job.model_validate(
        {
            "id": 1,
            "priority": 0,
            "created": "2026-01-01T00:00:00Z",
            "updated": "2026-01-01T00:00:00Z",
            "heartbeat": "2026-01-01T00:00:00Z",
            "execute_after": "2026-01-01T00:00:00Z",
            "status": "picked",
            "entrypoint": "embed",
            "payload": json.dumps({"application": "colour", "turn": 0}).encode(),
            "queue_manager_id": uuid4(),
            "headers": None,
        }
    )
    try:
        with pytest.raises(Exception, match="Another version is about to answer"):
            asyncio.run(Embedding(workplace, quarantine, registry).run(job))
    finally:
        registry.close()
    assert workplace.within(lambda s: collections.summary(s, "colour")).items == 0


def test_a_version_that_gives_no_embedding_is_caught_up_with_all_the_same(
    workplace: Workplace, make_actor: Callable[..., Actor], quarantine: Quarantine, folder: Path
) -> None:
    """As after a promotion, which asks whatever the new network is like."""
    shutil.copytree(APPLICATIONS / "bright", folder / "bright")
    asked = answered(workplace, make_actor(), folder, COLOURS["red"], "bright")
    workplace.within(lambda s: embeddings.ask(s, "bright"))
    assert work(workplace, quarantine, folder) > 0
    query = text("SELECT vector IS NULL, palette IS NULL FROM embeddings WHERE prediction_id = :id")
    assert workplace.within(lambda s: s.execute(query, {"id": asked.id}).one()) == (True, False)
