"""What is told of an application's answers is counted from the rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from atisbo.domain.access import Actor, Role
from atisbo.domain.drift import Change
from atisbo.domain.reviews import Verdict
from atisbo.errors import Invalid, NotAllowed
from atisbo.services import reviews, watching
from atisbo.services.work import Workplace
from tests.services.asked import CARD, EYES, answered, ask

Make = Callable[..., Actor]
_FILL = text(
    """
    WITH made AS (
        INSERT INTO images (id, owner_id, sha256, byte_size, file_name, training_consent, shared, created_at)
        SELECT gen_random_uuid(), :owner, repeat('0', 64), 1, 'x', false, false, now() FROM generate_series(1, 200)
        RETURNING id, owner_id
    )
    INSERT INTO predictions (id, image_id, owner_id, application, status, attempt, version, findings, brightness,
        contrast, created_at, finished_at)
    SELECT gen_random_uuid(), id, owner_id, 'eyes', CASE WHEN n % 10 = 0 THEN 'unsure' ELSE 'done' END, 1, 'old', '{}',
        CASE WHEN n <= 100 THEN 150 + n % 20 ELSE 60 + n % 20 END, 40 + n % 10,
        now() - (201 - n) * interval '1 hour', now() - (201 - n) * interval '1 hour' + interval '2 s'
    FROM (SELECT *, row_number() OVER () AS n FROM made) numbered
    """
)


def test_it_counts_what_was_asked_answered_and_reviewed(workplace: Workplace, make_actor: Make) -> None:
    ana, curator = make_actor("ana"), make_actor("kim", Role.CURATOR)
    views = [answered(workplace, ana, bytes([n + 1])) for n in range(3)]
    ask(workplace, ana, b"waiting")
    with workplace.transaction() as session:
        for view, verdict in zip(views, (Verdict.RIGHT, Verdict.WRONG, Verdict.UNKNOWN), strict=True):
            label = "normal" if verdict is Verdict.WRONG else None
            reviews.put(session, ana, application=EYES, card=CARD, prediction_id=view.id, verdict=verdict, label=label)
    seen = workplace.within(lambda s: watching.look(s, curator, application="eyes", days=7))
    assert (seen.asked, len(seen.days), seen.days[-1].asked) == (4, 7, 4)
    assert (seen.right.count, seen.right.total) == (1, 2), "who cannot say says neither right nor wrong"
    assert seen.days[-1].right == seen.right
    assert seen.calibration is not None
    assert [one.said for one in seen.calibration.bins] == [pytest.approx(0.9)]
    assert seen.p95_s is not None
    assert seen.drifts.brightness is None, "nothing is said of a few pictures"
    assert workplace.within(lambda s: watching.look(s, curator, application="eyes", version="none")).asked == 0


def test_pictures_that_grow_darker_are_told(workplace: Workplace, make_actor: Make) -> None:
    ana, curator = make_actor("ana"), make_actor("kim", Role.CURATOR)
    workplace.within(lambda s: s.execute(_FILL, {"owner": ana.user_id}))
    seen = workplace.within(lambda s: watching.look(s, curator, application="eyes", version="old", days=30))
    assert (seen.asked, seen.unsure.count, seen.unsure.total) == (200, 20, 200)
    assert (seen.p50_s, seen.p95_s) == (pytest.approx(2.0), pytest.approx(2.0))
    assert seen.drifts.brightness is not None
    assert (seen.drifts.brightness.change, seen.drifts.brightness.strong) == (Change.DARKER, True)
    assert seen.drifts.contrast is not None
    assert seen.drifts.contrast.change is None
    assert sum(day.asked for day in seen.days) == 200


def test_it_is_for_those_who_see_all(workplace: Workplace, make_actor: Make) -> None:
    ana, curator = make_actor("ana"), make_actor("kim", Role.CURATOR)
    with pytest.raises(NotAllowed):
        workplace.within(lambda s: watching.look(s, ana, application="eyes"))
    with pytest.raises(Invalid):
        workplace.within(lambda s: watching.look(s, curator, application="eyes", days=3))
