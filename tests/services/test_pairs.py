"""Two pictures of one person."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from atisbo.domain.access import Actor, Role
from atisbo.domain.applications import load
from atisbo.domain.images import Region
from atisbo.domain.pairs import Half
from atisbo.errors import Invalid, NotFound
from atisbo.services import again, asking, images, pairs, predictions
from atisbo.services.asking import Upload
from atisbo.services.pairs import PairView
from atisbo.services.predictions import Outcome, PredictionView
from atisbo.services.work import Workplace
from tests.services.asked import EYES, FINDINGS
from tests.services.curated import eye, ready, snapshot
from tests.services.test_snapshots import sides
from tests.web.doors import HERE

Make = Callable[..., Actor]


@pytest.fixture
def kind(tmp_path: Path) -> Any:
    """The eye of the tests with a form and pairs."""
    folder = Path(shutil.copytree(HERE.parent / "applications_for_tests" / "eye", tmp_path / "eye"))
    toml = folder / "application.toml"
    toml.write_text(toml.read_text() + "\n" + (HERE / "form.toml").read_text())
    return load(folder)[0]


def ask(workplace: Workplace, actor: Actor, application: Any, pair_id: UUID, side: str) -> PredictionView:
    upload = Upload(f"{actor.email} {side}".encode(), f"{side}.jpg")
    half = Half(pair_id, side)
    return workplace.within(
        lambda s: asking.ask(s, actor, blobs=workplace.blobs, application=application, upload=upload, half=half)
    )


def answer(workplace: Workplace, prediction_id: UUID, ratio: float) -> None:
    attempt = workplace.within(lambda s: predictions.claim(s, [prediction_id]))[prediction_id]
    findings = FINDINGS | {"ratios": {"vertical_cdr": ratio}}
    outcome = Outcome(prediction_id, attempt, "done", version="v", findings=findings, size=(40, 40))
    workplace.within(lambda s: predictions.record(s, [outcome]))


def get(workplace: Workplace, actor: Actor, application: Any, pair_id: UUID) -> PairView:
    return workplace.within(lambda s: pairs.get(s, actor, application=application, pair_id=pair_id))


def test_the_newest_of_each_side_is_compared(workplace: Workplace, make_actor: Make, kind: Any) -> None:
    ana, pair_id = make_actor(), uuid4()
    right = ask(workplace, ana, kind, pair_id, "OD")
    assert get(workplace, ana, kind, pair_id).sides["OS"] is None
    left = ask(workplace, ana, kind, pair_id, "OS")
    answer(workplace, right.id, 0.3)
    found = get(workplace, ana, kind, pair_id)
    assert (found.open, found.difference) == (True, None)
    answer(workplace, left.id, 0.4)
    found = get(workplace, ana, kind, pair_id)
    assert list(found.sides) == ["OD", "OS"]
    assert found.difference is not None
    assert (found.open, found.difference.difference, found.difference.notable) == (False, 0.1, False)
    part = Region(x=1, y=1, width=9, height=9)
    other = workplace.within(lambda s: again.ask(s, ana, image_id=left.image.id, application=kind, region=part))
    answer(workplace, other.id, 0.7)
    found = get(workplace, ana, kind, pair_id)
    assert found.difference is not None
    assert (found.difference.difference, found.difference.notable) == (0.4, True), "another part took its place"
    workplace.within(lambda s: images.delete(s, ana, image_id=left.image.id))
    found = get(workplace, ana, kind, pair_id)
    assert (found.sides["OS"], found.difference) == (None, None)


def test_a_pair_is_its_owners_whatever_its_number(workplace: Workplace, make_actor: Make, kind: Any) -> None:
    ana, ben, eva = make_actor(), make_actor("ben"), make_actor("eva", Role.CURATOR)
    pair_id = uuid4()
    right = ask(workplace, ana, kind, pair_id, "OD")
    with pytest.raises(NotFound):
        get(workplace, ben, kind, pair_id)
    ask(workplace, ben, kind, pair_id, "OS")
    for actor, owner in ((ana, ana), (ben, ben), (eva, ana)):
        found = get(workplace, actor, kind, pair_id)
        assert {side.prediction.owner_id for side in found.sides.values() if side} == {owner.user_id}
    workplace.within(lambda s: images.delete(s, ana, image_id=right.image.id))
    with pytest.raises(NotFound):
        get(workplace, ana, kind, pair_id)


def test_what_is_no_side_is_refused(workplace: Workplace, make_actor: Make, kind: Any) -> None:
    ana = make_actor()
    with pytest.raises(Invalid, match="which of the two"):
        ask(workplace, ana, kind, uuid4(), "upper")
    with pytest.raises(Invalid, match="does not compare"):
        ask(workplace, ana, EYES, uuid4(), "OD")


def test_both_are_learnt_from_together_or_judged_together(
    workplace: Workplace, make_actor: Make, describe: Any
) -> None:
    ana, eva = make_actor(), make_actor("eva", Role.CURATOR)
    ids = [eye(workplace, ana, seed).image.id for seed in range(18)]
    with workplace.engine.begin() as connection:
        for number, image_id in enumerate(ids):
            pair = {"pair": UUID(int=number // 2), "side": ("OD", "OS")[number % 2], "image": image_id}
            connection.execute(
                text("UPDATE predictions SET pair_id = :pair, side = :side WHERE image_id = :image"), pair
            )
    view = ready(snapshot(workplace, eva, describe))
    found = sides(workplace, view)
    assert all(found[ids[number]] == found[ids[number + 1]] for number in range(0, 18, 2))
    assert view.facts["groups"] == 9
