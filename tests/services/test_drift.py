"""The newest pictures are held against what the network learnt from, as its card has it."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest
from sqlalchemy import text

from atisbo.domain.access import Actor, Role
from atisbo.domain.cards import Places, Reference
from atisbo.domain.drift import STEPS, Change
from atisbo.services import drift, versions
from atisbo.services.drift import Drifts
from atisbo.services.work import Workplace
from tests.services.asked import CARD, EYES

Make = Callable[..., Actor]
PLACES = Places(centres=((1.0, 0.0), (0.0, 1.0)), reach=0.1, shares=(0.5, 0.45, 0.05))
LIGHT = tuple(1.0 if step == STEPS // 2 else 0.0 for step in range(STEPS))
REFERENCE = Reference(
    images=400, data="400 eyes", data_sha256="0" * 64, brightness=LIGHT, contrast=LIGHT, places=PLACES
)
_FILL = text(
    """
    WITH made AS (
        INSERT INTO images (id, owner_id, sha256, byte_size, file_name, training_consent, shared, created_at)
        SELECT gen_random_uuid(), :owner, repeat('0', 64), 1, 'x', false, false, now() FROM generate_series(1, 100)
        RETURNING id, owner_id
    ), asked AS (
        INSERT INTO predictions (id, image_id, owner_id, application, status, attempt, version, findings, brightness,
            contrast, created_at, finished_at)
        SELECT gen_random_uuid(), id, owner_id, 'eyes', 'done', 1, :version, '{}', 140, 140, now(), now() FROM made
        RETURNING id, image_id
    )
    INSERT INTO embeddings (id, application, version, prediction_id, image_id, vector, created_at)
    SELECT gen_random_uuid(), 'eyes', :version, id, image_id,
        CASE WHEN n <= :far THEN '[-1,0.1]' WHEN n % 2 = 0 THEN '[3,0.1]' ELSE '[0,2]' END::vector, now()
    FROM (SELECT *, row_number() OVER () AS n FROM asked) numbered
    """
)


@pytest.fixture
def version(workplace: Workplace, make_actor: Make) -> str:
    """The active one, whose card knows what it learnt from."""
    curator, model = make_actor("kim", Role.CURATOR), b"a network"
    card = CARD.model_copy(update={"sha256": sha256(model).hexdigest(), "reference": REFERENCE})
    view = workplace.within(
        lambda s: versions.submit(s, curator, blobs=workplace.blobs, application=EYES, card=card, model=model)
    )
    workplace.within(lambda s: versions.proven(s, version_id=view.id))
    workplace.within(lambda s: versions.switch(s, None, versions.find(s, None, view.id), kind="installed"))
    return view.name


def fill(workplace: Workplace, owner: Actor, version: str, far: int) -> None:
    workplace.within(lambda s: s.execute(_FILL, {"owner": owner.user_id, "version": version, "far": far}))


def look(workplace: Workplace, version: str | None = None) -> Drifts:
    return workplace.within(lambda s: drift.look(s, application="eyes", version=version))


def test_pictures_as_those_learnt_from_are_no_drift(workplace: Workplace, make_actor: Make, version: str) -> None:
    assert look(workplace).learnt
    assert look(workplace).embedding is None, "nothing is said of no picture"
    fill(workplace, make_actor(), version, far=6)
    seen = look(workplace)
    assert seen.embedding is not None
    assert (seen.embedding.change, seen.embedding.recent, seen.embedding.images) == (None, (0.47, 0.47, 0.06), 100)
    assert seen.brightness is not None
    assert seen.brightness.change is None
    assert set(workplace.within(lambda s: drift.shifts(s, "eyes"))) == {"brightness", "contrast", "embedding"}


def test_pictures_unlike_those_learnt_from_are_told(workplace: Workplace, make_actor: Make, version: str) -> None:
    fill(workplace, make_actor(), version, far=40)
    for asked in (None, version):
        seen = look(workplace, asked).embedding
        assert seen is not None
        assert (seen.change, seen.strong, seen.recent[-1]) == (Change.UNLIKE, True, 0.4)


def test_of_a_version_without_a_reference_the_first_pictures_count(workplace: Workplace, make_actor: Make) -> None:
    fill(workplace, make_actor(), "of old", far=40)
    seen = look(workplace, "of old")
    assert (seen.learnt, seen.embedding) == (False, None)
    assert seen.brightness is not None
