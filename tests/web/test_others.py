"""Whatever one person has, another cannot see, change or remove, whichever way it is asked for: it is not there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import uuid4

from sqlalchemy import update

from atisbo.domain.access import Actor, Role
from atisbo.domain.applications import load
from atisbo.domain.finance import Case
from atisbo.domain.reviews import Verdict
from atisbo.services import images, reviews, scenarios, tokens
from atisbo.services.work import Workplace
from atisbo.store.predictions import PredictionRecord
from tests.services.asked import CARD, EYES, answered
from tests.web.doors import Door, bearer, opened
from tests.web.permissions import Route, routes
from tests.web.test_permissions import statuses, table

Make = Callable[..., Actor]


def filled(path: str, known: Mapping[str, object]) -> str:
    return re.sub(r"\{(\w+)(:uuid)?\}", lambda gap: str(known.get(gap[1], gap[0])), path)


def test_every_identity_of_one_person_is_unknown_to_another(
    workplace: Workplace, make_actor: Make, tmp_path: Path
) -> None:
    app = opened(workplace, tmp_path)
    ana, eva = make_actor("ana"), make_actor("eva")
    view, gone = answered(workplace, ana), answered(workplace, ana, b"gone")
    half, pair = answered(workplace, ana, b"half", application=load(tmp_path / "eye")[0]), uuid4()
    paired = update(PredictionRecord).where(PredictionRecord.id == half.id).values(pair_id=pair, side="OD")
    workplace.within(lambda s: s.execute(paired))
    with workplace.transaction() as session:
        reviews.put(session, ana, application=EYES, card=CARD, prediction_id=view.id, verdict=Verdict.RIGHT)
        tokens.create(session, ana, name="hers", scopes=["predict"])
        scenarios.save(session, ana, name="hers", currency="EUR", case=Case())
    token = workplace.within(lambda s: tokens.list_tokens(s, ana))[0].id
    scenario = workplace.within(lambda s: scenarios.list_(s, ana))[0].id
    hers = {
        "prediction_id": view.id,
        "picture_id": view.id,
        "image_id": view.image.id,
        "token_id": token,
        "scenario_id": scenario,
        "pair_id": pair,
        "deletion_id": workplace.within(lambda s: images.delete(s, ana, image_id=gone.image.id)),
    }
    said = bearer(workplace, eva)
    asked = [
        (Route(route.method, filled(route.path, hers), route.body), said)
        for route in routes(app)
        if table()[route.name].least == "user" and re.search(r"\{\w*id\b", route.path)
    ]
    unfilled = [route.name for route, _ in asked if re.search(r"\{\w*id\b", route.path)]
    assert unfilled == [], "give this test an identity of that kind which is ana's"
    asked = [one for one in asked if not (one[0].page and one[0].path.endswith("/deletion") and one[0].method == "GET")]
    assert len(asked) > 25
    wrong = [
        (route.name, status)
        for (route, _), status in zip(asked, asyncio.run(statuses(app, asked)), strict=True)
        if status != 404
    ]
    assert wrong == [], "\n".join(map(str, wrong))
    again = workplace.within(lambda s: reviews.get(s, ana, prediction_id=view.id))
    assert again.verdict is Verdict.RIGHT
    assert [one.id for one in workplace.within(lambda s: tokens.list_tokens(s, ana))] == [token]


def test_what_is_named_in_a_query_or_a_list_is_not_there_either(
    workplace: Workplace, make_actor: Make, tmp_path: Path
) -> None:
    """Identities of one person's in the places where they are not part of the address."""
    app = opened(workplace, tmp_path)
    ana, eva = make_actor("ana"), make_actor("eva")
    eye, _ = load(tmp_path / "eye")
    view, own = answered(workplace, ana, application=eye), answered(workplace, eva, b"hers", application=eye)
    hers, her = Door(app, bearer(workplace, ana)), Door(app, bearer(workplace, eva))
    page = her.get(f"/predictions?id={view.id}&id={own.id}").json()
    assert [one["id"] for one in page["items"]] == [str(own.id)]
    mark = hers.get("/predictions?limit=1").json()["next"] or f"2100-01-01T00:00:00+00:00_{view.id}"
    listed = her.get("/predictions", params={"before": mark}).json()["items"]
    assert {one["id"] for one in listed} <= {str(own.id)}
    mask = her.get(f"/predictions/{own.id}/review/mask.png?author={ana.user_id}")
    assert mask.status_code == 404
    sieve = {"application": "eye", "owner": ana.email}
    for method, path in (("GET", "images"), ("POST", "images/deletion"), ("POST", "images/archive")):
        assert her.ask(method, f"/applications/eye/{path}", params=sieve, json={}).status_code == 403
    assert str(view.id) not in her.get("/me/export").text
    everything = " ".join(her.get(path).text for path in ("/predictions", "/reviews", "/me/webhooks", "/me/datasets"))
    assert str(view.id) not in everything
    assert ana.email not in everything


def test_what_one_curator_was_given_to_read_is_not_answered_by_another(
    workplace: Workplace, make_actor: Make, tmp_path: Path
) -> None:
    app = opened(workplace, tmp_path)
    eye, _ = load(tmp_path / "eye")
    answered(workplace, make_actor("ana"), application=eye)
    eva, leo = (Door(app, bearer(workplace, make_actor(name, Role.CURATOR))) for name in ("eva", "leo"))
    given = eva.post("/inbox/next", json={"application": "eye"}).json()[0]["id"]
    answer = {"verdict": "right"}
    for method, path, body in (
        ("PUT", f"/inbox/{given}/answer", answer),
        ("DELETE", f"/inbox/{given}/answer", None),
        ("DELETE", f"/inbox/{given}", None),
    ):
        assert leo.ask(method, path, json=body).status_code == 404, (method, path)
    assert eva.put(f"/inbox/{given}/answer", answer).status_code == 200
