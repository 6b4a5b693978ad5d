from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from PIL import Image

from atisbo.domain.access import Actor
from atisbo.domain.applications import load
from atisbo.domain.heatmaps import State
from atisbo.domain.images import Region
from atisbo.errors import NotFound
from atisbo.services import asking, heatmaps, images, predictions
from atisbo.services.asking import Upload
from atisbo.services.predictions import Outcome, PredictionView
from atisbo.services.work import Workplace
from atisbo.store.blobs import network
from atisbo.store.queue import ERASE, EXPLAIN, PATIENT
from atisbo.store.versions import VersionRecord
from atisbo.worker.explain import Explaining
from atisbo.worker.render import Rendering
from tests.applications_for_tests.networks import HERE
from tests.pictures import encoded, opened
from tests.worker.workshop import Run, eye, jobs, tools, work

Make = Callable[..., Actor]
EYE, CARD = load(HERE / "eye")
PART = Region(x=65, y=25, width=100, height=100)


@pytest.fixture
def hands(workplace: Workplace) -> Iterator[tuple[Run, Run]]:
    """What explains, and what erases."""
    with tools() as (quarantine, registry):
        yield Explaining(workplace, quarantine, registry).run, Rendering(workplace, quarantine, registry).erase


def answered(
    workplace: Workplace,
    actor: Actor,
    label: str,
    *,
    version: str = CARD.version,
    cup: int = 40,
    more: dict[str, Any] | None = None,
) -> UUID:
    """A prediction of the eye that was answered with ``label``."""
    data = encoded(Image.fromarray(eye(cup=cup)), "PNG")

    def ask(session: object) -> PredictionView:
        return asking.ask(
            session,  # type: ignore[arg-type]
            actor,
            blobs=workplace.blobs,
            application=EYE,
            upload=Upload(data, "eye.png"),
            region=PART,
        )

    asked = workplace.within(ask)
    attempt = workplace.within(lambda s: predictions.claim(s, [asked.id]))[asked.id]
    findings = {"task": "classification", "label": label, "probability": 0.5, "width": 240, "height": 150} | (
        more or {}
    )
    outcome = Outcome(asked.id, attempt, "done", version=version, findings=findings, size=(240, 150))
    assert workplace.within(lambda s: predictions.record(s, [outcome])) == {asked.id}
    return asked.id


def state(workplace: Workplace, actor: Actor, prediction_id: UUID) -> State:
    return workplace.within(lambda s: heatmaps.get(s, actor, blobs=workplace.blobs, prediction_id=prediction_id)).state


def picture(workplace: Workplace, actor: Actor, prediction_id: UUID) -> bytes | None:
    return workplace.within(lambda s: heatmaps.picture(s, actor, blobs=workplace.blobs, prediction_id=prediction_id))


def test_a_map_is_made_once_when_it_is_asked_for(
    workplace: Workplace, make_actor: Make, hands: tuple[Run, Run]
) -> None:
    ana = make_actor()
    asked = answered(workplace, ana, "glaucoma")
    assert jobs(workplace, EXPLAIN) == [], "nobody has asked"
    assert {state(workplace, ana, asked) for _ in range(3)} == {State.PENDING}
    assert picture(workplace, ana, asked) is None
    (job,) = jobs(workplace, EXPLAIN)
    assert job["priority"] == PATIENT < 0, "answers go first"
    assert work(workplace, EXPLAIN, hands[0]) == 1
    assert state(workplace, ana, asked) is State.READY
    drawn = picture(workplace, ana, asked)
    assert drawn is not None
    heat = np.asarray(opened(drawn))
    assert heat.shape == (100, 100, 4), "as large as the part that was analysed, with an alpha channel"
    assert heat[50, 50, 3] == 255, "the cup is what the answer rests on"
    assert heat[5, 5, 3] == 0
    assert jobs(workplace, EXPLAIN) == []


def test_where_nothing_matters_a_sentence_says_so(
    workplace: Workplace, make_actor: Make, hands: tuple[Run, Run]
) -> None:
    ana = make_actor()
    asked = answered(workplace, ana, "normal", cup=0)
    state(workplace, ana, asked)
    work(workplace, EXPLAIN, hands[0])
    assert state(workplace, ana, asked) is State.FLAT
    with pytest.raises(NotFound, match="No single part") as caught:
        picture(workplace, ana, asked)
    assert caught.value.code == "heatmap_flat"


def test_another_network_does_not_explain_this_ones_answer(
    workplace: Workplace, make_actor: Make, hands: tuple[Run, Run]
) -> None:
    ana = make_actor()
    asked = answered(workplace, ana, "glaucoma", version="eye-of-last-year")
    state(workplace, ana, asked)
    work(workplace, EXPLAIN, hands[0])
    assert state(workplace, ana, asked) is State.OUTDATED
    with pytest.raises(NotFound, match="Another network"):
        picture(workplace, ana, asked)


def test_the_version_that_answered_explains_its_answer_after_it_was_replaced(
    workplace: Workplace, make_actor: Make, hands: tuple[Run, Run]
) -> None:
    former = CARD.model_copy(update={"issue": 2})
    workplace.blobs.put(network(former.sha256), EYE.model.read_bytes())
    facts = {"card": former.model_dump(mode="json"), "model": former.sha256, "origin": "file", "state": "retired"}
    record = VersionRecord(application=EYE.name, name=former.version, **facts)
    workplace.within(lambda s: s.add(record))
    ana = make_actor()
    asked = answered(workplace, ana, "glaucoma", version=former.version)
    state(workplace, ana, asked)
    work(workplace, EXPLAIN, hands[0])
    assert state(workplace, ana, asked) is State.READY


def test_only_its_readers_see_it(workplace: Workplace, make_actor: Make) -> None:
    ana, ben = make_actor("ana"), make_actor("ben")
    asked = answered(workplace, ana, "glaucoma")
    with pytest.raises(NotFound):
        state(workplace, ben, asked)
    assert jobs(workplace, EXPLAIN) == []


def test_it_goes_with_its_prediction_also_while_it_is_made(
    workplace: Workplace, make_actor: Make, hands: tuple[Run, Run]
) -> None:
    ana = make_actor()
    kept, late = answered(workplace, ana, "glaucoma"), answered(workplace, ana, "glaucoma", cup=42)

    def left() -> list[str]:
        return [name for asked in (kept, late) for name in workplace.blobs.names(f"derived/{asked}")]

    def delete(asked: UUID) -> None:
        image = workplace.within(lambda s: predictions.get(s, ana, prediction_id=asked)).image.id
        workplace.within(lambda s: images.delete(s, ana, image_id=image))

    state(workplace, ana, kept)
    work(workplace, EXPLAIN, hands[0])
    assert len(left()) == 2
    state(workplace, ana, late)
    delete(kept)
    delete(late)
    assert work(workplace, ERASE, hands[1]) == 2
    work(workplace, EXPLAIN, hands[0])
    assert left() == []
