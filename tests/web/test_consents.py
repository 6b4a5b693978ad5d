"""Consents by API."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from atisbo.domain.access import Actor
from atisbo.domain.applications import load
from atisbo.domain.consents import USE
from atisbo.services.work import Workplace
from tests.conftest import PASSWORD
from tests.services.asked import ask
from tests.web.doors import Door, bearer, opened

Make = Callable[..., Actor]


@pytest.fixture
def newcomer(workplace: Workplace, tmp_path: Path) -> Door:
    """Has an account and has agreed to nothing."""
    stranger = Door(opened(workplace, tmp_path), {})
    said = {"email": "nia@example.org", "password": PASSWORD}
    stranger.post("/auth/register", json=said).raise_for_status()
    return signed_in(stranger)


def signed_in(stranger: Door) -> Door:
    answer = stranger.post("/auth/token", data={"username": "nia@example.org", "password": PASSWORD})
    return Door(stranger.app, {"Authorization": f"Bearer {answer.json()['access_token']}"})


def test_the_terms_are_read_before_one_has_an_account(workplace: Workplace, tmp_path: Path) -> None:
    stranger = Door(opened(workplace, tmp_path), {"Accept-Language": "es"})
    spanish = stranger.get("/terms").json()
    english = stranger.get("/terms", headers={"Accept-Language": "en"}).json()
    assert spanish["version"] == english["version"] == USE.version
    assert "no son un diagnóstico" in spanish["text"]
    assert "not a diagnosis" in english["text"]
    assert spanish["sha256"] == sha256(spanish["text"].encode()).hexdigest() != english["sha256"]


def test_agreeing_writes_down_version_text_and_time(newcomer: Door) -> None:
    terms = newcomer.get("/terms").json()
    assert newcomer.get("/me/consents").json() == []
    said = newcomer.put("/me/consents/use", {"version": terms["version"]}).json()
    assert (said["kind"], said["version"], said["sha256"]) == ("use", USE.version, terms["sha256"])
    assert newcomer.put("/me/consents/use", {"version": USE.version}).json() == said, "agreeing again changes nothing"
    assert newcomer.get("/me/consents").json() == [said]
    old = newcomer.put("/me/consents/use", {"version": 99})
    assert (old.status_code, old.json()["code"]) == (412, "terms_changed")


def test_a_yes_is_withdrawn_and_given_again(newcomer: Door) -> None:
    newcomer.put("/me/consents/use", {"version": USE.version})
    assert newcomer.delete("/me/consents/use").status_code == 204
    newcomer.put("/me/consents/use", {"version": USE.version})
    said = newcomer.get("/me/consents").json()
    assert [one["withdrawn_at"] is None for one in said] == [True, False]


def test_registering_may_agree_at_once(workplace: Workplace, tmp_path: Path) -> None:
    stranger = Door(opened(workplace, tmp_path), {"Accept-Language": "es"})
    said = {"email": "nia@example.org", "password": PASSWORD, "consent": True}
    stranger.post("/auth/register", json=said).raise_for_status()
    assert [(c["kind"], c["language"]) for c in signed_in(stranger).get("/me/consents").json()] == [("use", "es")]


def test_an_image_is_allowed_and_forbidden_to_be_learnt_from(
    workplace: Workplace, make_actor: Make, tmp_path: Path
) -> None:
    app, ana, eva = opened(workplace, tmp_path), make_actor(), make_actor("eva")
    eye, _ = load(tmp_path / "eye")
    asked = ask(workplace, ana, application=eye)
    path = f"/images/{asked.image.id}/consent"
    door, other = Door(app, bearer(workplace, ana)), Door(app, bearer(workplace, eva))
    terms = door.get("/applications/eye/terms").json()
    yes = {"application": "eye", "version": terms["version"]}

    def learnt() -> bool:
        return bool(workplace.within(lambda s: s.scalar(text("SELECT training_consent FROM images"))))

    given = door.put(path, yes)
    assert given.status_code == 200, given.text
    assert (given.json()["sha256"], given.json()["image_id"]) == (terms["sha256"], str(asked.image.id))
    assert learnt()
    assert door.put(path, yes).json() == given.json()
    assert door.put(path, yes | {"version": 99}).status_code == 412
    assert door.put(path, yes | {"application": "polyp"}).status_code == 404
    assert other.put(path, yes).status_code == other.delete(path).status_code == 404
    withdrawn = door.delete(path)
    assert (withdrawn.status_code, withdrawn.json()) == (200, [])
    assert not learnt()
    assert door.get("/me/consents").json()[0]["withdrawn_at"] is not None
    assert door.delete(path).status_code == 200, "withdrawing twice is no fault"


def test_without_the_yes_nothing_is_taken(newcomer: Door, workplace: Workplace) -> None:
    def send() -> list[httpx.Response]:
        return [
            newcomer.post("/applications/polyp/predictions", files={"file": ("a.jpg", b"bytes")}),
            newcomer.post("/applications/polyp/batches", files={"files": ("a.jpg", b"bytes")}),
            newcomer.post("/applications/polyp/samples/frame-1.jpg/predictions"),
        ]

    stored = set(workplace.blobs.names(""))
    for answer in send():
        assert (answer.status_code, answer.json()["code"]) == (403, "consent_needed")
        terms = answer.json()["terms"]
        assert terms == {"version": USE.version, "read": "/api/v1/terms", "agree": "/api/v1/me/consents/use"}
    assert set(workplace.blobs.names("")) == stored
    newcomer.put("/me/consents/use", {"version": USE.version}).raise_for_status()
    assert [answer.status_code for answer in send()] == [202, 207, 202]
    newcomer.delete("/me/consents/use")
    assert {answer.status_code for answer in send()} == {403}


def test_the_yes_to_training_is_written_down_with_the_upload(newcomer: Door) -> None:
    newcomer.put("/me/consents/use", {"version": USE.version}).raise_for_status()
    yes = {"files": {"file": ("a.jpg", b"bytes")}, "data": {"consent": "training"}}
    image = newcomer.post("/applications/polyp/predictions", **yes).json()["image"]
    said = newcomer.get("/me/consents").json()[0]
    assert (said["kind"], said["application"], said["image_id"]) == ("training", "polyp", image["id"])
    assert said["sha256"] == newcomer.get("/applications/polyp/terms").json()["sha256"]
    unasked = newcomer.post("/applications/colour/predictions", **yes)
    assert (unasked.status_code, unasked.json()["code"]) == (422, "consent_unasked")
