"""Whatever one person has, another cannot see, change or remove, whichever way it is asked for: it is not there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from atisbo.domain.access import Actor
from atisbo.domain.reviews import Verdict
from atisbo.services import reviews, tokens
from atisbo.services.work import Workplace
from tests.services.asked import CARD, EYES, answered
from tests.web.doors import bearer, opened
from tests.web.permissions import Route, routes
from tests.web.test_permissions import statuses, table

Make = Callable[..., Actor]


def test_every_identity_of_one_person_is_unknown_to_another(
    workplace: Workplace, make_actor: Make, tmp_path: Path
) -> None:
    app = opened(workplace, tmp_path)
    ana, eva = make_actor("ana"), make_actor("eva")
    view = answered(workplace, ana)
    with workplace.transaction() as session:
        reviews.put(session, ana, application=EYES, card=CARD, prediction_id=view.id, verdict=Verdict.RIGHT)
        tokens.create(session, ana, name="hers", scopes=["predict"])
    token = workplace.within(lambda s: tokens.list_tokens(s, ana))[0].id
    hers = {"prediction_id": view.id, "image_id": view.image.id, "token_id": token}
    asked = [
        (Route(route.method, filled, route.body), bearer(workplace, eva))
        for route in routes(app)
        if table()[route.name].least == "user"
        and (filled := re.sub(r"\{(\w+)(:uuid)?\}", lambda gap: str(hers.get(gap[1], gap[0])), route.path))
        != route.path
        and route.name != "GET /images/{image_id}/deletion"  # asks, and shows nothing of the image
    ]
    assert len(asked) > 20
    wrong = [
        (route.name, status)
        for (route, _), status in zip(asked, asyncio.run(statuses(app, asked)), strict=True)
        if status != 404
    ]
    assert wrong == [], "\n".join(map(str, wrong))
    again = workplace.within(lambda s: reviews.get(s, ana, prediction_id=view.id))
    assert again.verdict is Verdict.RIGHT
    assert [one.id for one in workplace.within(lambda s: tokens.list_tokens(s, ana))] == [token]
