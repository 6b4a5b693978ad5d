"""The inbox by API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from atisbo.domain.access import Actor, Role
from atisbo.domain.applications import load
from atisbo.services.work import Workplace
from tests.conftest import Service
from tests.services.asked import answered
from tests.web.doors import Door, bearer, opened
from tests.web.test_pages import Reader

Make = Callable[..., Actor]


@pytest.fixture
def doors(workplace: Workplace, make_actor: Make, tmp_path: Path) -> tuple[Door, Door, Door]:
    """Of somebody with three answered eyes, and of two curators."""
    app = opened(workplace, tmp_path)
    ana, eva, leo = make_actor(), make_actor("eva", Role.CURATOR), make_actor("leo", Role.CURATOR)
    eye, _ = load(tmp_path / "eye")
    for data in (b"one", b"two", b"three"):
        answered(workplace, ana, data, application=eye)
    return Door(app, bearer(workplace, ana)), Door(app, bearer(workplace, eva)), Door(app, bearer(workplace, leo))


def test_a_curator_is_given_answers_and_answers_them(doors: tuple[Door, Door, Door]) -> None:
    ana, eva, leo = doors
    assert ana.post("/inbox/next", json={"application": "eye"}).status_code == 403
    assert eva.post("/inbox/next", json={"application": "nothing"}).status_code == 404
    two = eva.post("/inbox/next", json={"application": "eye", "count": 2}).json()
    one = leo.post("/inbox/next", json={"application": "eye", "count": 2}).json()
    assert [len(two), len(one)] == [2, 1]
    assert len({reading["prediction"]["id"] for reading in two + one}) == 3
    path = f"/inbox/{two[0]['id']}"
    assert eva.put(f"{path}/answer", {}).json()["code"] == "verdict_missing"
    said = eva.put(f"{path}/answer", {"verdict": "wrong", "label": "normal"})
    assert (said.status_code, said.json()["label"]) == (200, "normal"), said.text
    assert leo.put(f"{path}/answer", {"verdict": "right"}).json()["code"] == "reading_unknown"
    assert eva.get("/inbox", params={"application": "eye"}).json() == {"answered": 1, "waiting": 0, "panels": 0}
    assert eva.delete(f"{path}/answer").json()["answered_at"] is None
    assert eva.delete(path).status_code == 204
    assert len(leo.post("/inbox/next", json={"application": "eye"}).json()) == 1


def test_two_are_asked_without_seeing_the_answer(doors: tuple[Door, Door, Door], workplace: Workplace) -> None:
    _, eva, leo = doors
    with workplace.transaction() as session:
        session.execute(text("UPDATE predictions SET status = 'unsure'"))
    assert eva.post("/panels", json={"application": "eye"}).json()["code"] == "panel_which"
    assert eva.post("/panels", json={"application": "eye", "count": 3, "hidden": True}).json() == {"asked": 3}
    for door in (eva, leo):
        for reading in door.post("/inbox/next", json={"application": "eye", "count": 5}).json():
            assert (reading["drawn"], reading["hidden"], reading["prediction"]["findings"]) == ("panel", True, None)
            base = f"/predictions/{reading['prediction']['id']}"
            assert reading["prediction"]["status"] == "done", "unsure would tell of the answer"
            assert set(reading["prediction"]["links"]) == {"image", "preview", "thumbnail"}
            said = door.put(f"/inbox/{reading['id']}/answer", {"label": "normal"})
            assert (said.status_code, said.json()["verdict"]) == (200, "unknown"), "a verdict would tell of the answer"
            for path in ("", "/contours", "/mask.png", "/heatmap", "/heatmap.png", "/report.pdf", "/events"):
                assert door.get(base + path).json()["code"] == "prediction_blind", path
            assert door.put(f"{base}/review", {"verdict": "right"}).json()["code"] == "prediction_blind"
            assert door.get(f"{base}/neighbours").status_code == 404
    found = eva.get("/agreement", params={"application": "eye"}).json()
    assert (found["asked"], found["read"]) == (3, 0), "no worker has compared them"


def test_the_pages_are_for_curators(service: Service) -> None:
    reader = Reader(service)
    with reader.http:
        reader.register()
        for page in ("/manage/inbox", "/manage/agreement"):
            assert reader.http.get(page).status_code == 403
    curator = Reader(service)
    with curator.http:
        email, password = service.administrator
        curator.post("/sign-in", "/sign-in", email=email, password=password).raise_for_status()
        inbox = curator.http.get("/manage/inbox?application=art").text
        assert 'data-task="classification"' in inbox
        assert inbox.count("data-label=") == 5
        assert "Correct the outline" not in inbox.split("editor-top")[0]
        agreement = curator.http.get("/manage/agreement?application=art").text
        assert "Ask two readers" in agreement
        form = {"count": "nothing", "hidden": "yes"}
        refused = curator.post("/manage/agreement?application=art", "/manage/agreement", **form)
        assert refused.status_code == 422
        assert "Say which answers" in refused.text
