"""Reviews by API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from atisbo.domain.access import Actor, Role
from atisbo.domain.applications import load
from atisbo.services.work import Workplace
from tests.services.asked import answered, ask
from tests.web.doors import Door, bearer, opened

Make = Callable[..., Actor]
METADATA = {"eye": "OD", "age-band": "60-69", "pressure": 24, "source": "examination", "comment": "Tilted disc"}


@dataclass(frozen=True)
class Clinic:
    """An eye that was answered, and doors for whoever comes."""

    workplace: Workplace
    folder: Path
    owner: Actor
    door: Door
    path: str

    def door_of(self, actor: Actor) -> Door:
        return Door(self.door.app, bearer(self.workplace, actor))

    def answered(self, data: bytes) -> str:
        eye, _ = load(self.folder / "eye")
        return f"/predictions/{answered(self.workplace, self.owner, data, application=eye).id}/review"


@pytest.fixture
def clinic(workplace: Workplace, make_actor: Make, tmp_path: Path) -> Clinic:
    app, ana = opened(workplace, tmp_path), make_actor()
    clinic = Clinic(workplace, tmp_path, ana, Door(app, bearer(workplace, ana)), "")
    return Clinic(workplace, tmp_path, ana, clinic.door, clinic.answered(b"one"))


def test_the_form_is_said_in_the_readers_language(clinic: Clinic) -> None:
    english = clinic.door.get("/applications/eye/form").json()
    with_spanish = Door(clinic.door.app, clinic.door.headers)
    assert [field["name"] for field in english["fields"]][:2] == ["eye", "age-band"]
    assert english["labels"][1] == {"value": "glaucoma", "label": "suspected glaucoma"}
    assert english["fields"][0]["choices"][0] == {"value": "OD", "label": "Right (OD)"}
    pressure = next(field for field in english["fields"] if field["name"] == "pressure")
    assert (pressure["min"], pressure["max"], pressure["unit"], pressure["max_length"]) == (0, 80, "mmHg", None)
    assert with_spanish.get("/applications/polyp/form").json()["fields"] == []


def test_a_review_is_put_and_got(clinic: Clinic) -> None:
    assert clinic.door.get(clinic.path).json()["code"] == "review_unknown"
    put = clinic.door.put(clinic.path, {"verdict": "wrong", "label": "normal", "metadata": METADATA})
    assert put.status_code == 200, put.text
    said = put.json()
    assert (said["version"], said["verdict"], said["label"], said["metadata"]) == (1, "wrong", "normal", METADATA)
    assert said["warnings"] == []
    got = clinic.door.get(clinic.path)
    assert (got.json(), got.headers["etag"]) == (said, '"1"')


def test_what_looks_like_a_person_is_warned_of_and_taken(clinic: Clinic) -> None:
    comment = "Paciente María García, NHC 123456"
    before = clinic.door.post("/applications/eye/form/warnings", json={"metadata": {"comment": comment}}).json()
    assert [(w["field"], w["kind"], w["found"]) for w in before] == [
        ("comment", "name", "María García"),
        ("comment", "record", "123456"),
    ]
    assert before[0]["detail"] == "“María García” looks like a person's name. Leave names out."
    put = clinic.door.put(clinic.path, {"verdict": "right", "metadata": {"comment": comment}})
    assert put.status_code == 200
    assert put.json()["warnings"] == before


def test_a_version_written_meanwhile_is_not_overwritten(clinic: Clinic) -> None:
    none_yet = {"If-Match": "0"}
    assert clinic.door.put(clinic.path, {"verdict": "right"}, headers=none_yet).status_code == 200
    stale = clinic.door.put(clinic.path, {"verdict": "wrong"}, headers=none_yet)
    assert (stale.status_code, stale.json()["code"]) == (412, "review_changed")
    read = {"If-Match": clinic.door.get(clinic.path).headers["etag"]}
    assert clinic.door.put(clinic.path, {"verdict": "wrong"}, headers=read).json()["version"] == 2
    assert clinic.door.put(clinic.path, {"verdict": "right"}, headers={"If-Match": "W/x"}).status_code == 422
    history = clinic.door.get(f"{clinic.path}/history").json()
    assert [(r["version"], r["current"]) for r in history] == [(2, True), (1, False)]


def test_ones_reviews_are_listed_page_by_page(clinic: Clinic) -> None:
    for path in (clinic.path, clinic.answered(b"two"), clinic.answered(b"three")):
        clinic.door.put(path, {"verdict": "unknown"})
    first = clinic.door.get("/reviews", params={"limit": 2, "application": "eye"}).json()
    second = clinic.door.get("/reviews", params={"limit": 2, "before": first["next"]}).json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)
    assert clinic.door.get("/reviews", params={"before": "nonsense"}).status_code == 422


def test_a_review_is_forgotten_with_all_its_versions(clinic: Clinic) -> None:
    clinic.door.put(clinic.path, {"verdict": "right"})
    assert clinic.door.delete(clinic.path).status_code == 204
    assert clinic.door.get(clinic.path).status_code == 404
    assert clinic.door.get(f"{clinic.path}/history").json() == []


def test_what_one_does_not_see_is_not_there(clinic: Clinic, make_actor: Make) -> None:
    eva = clinic.door_of(make_actor("eva"))
    clinic.door.put(clinic.path, {"verdict": "right"})
    answers = [
        eva.put(clinic.path, {"verdict": "right"}),
        eva.get(clinic.path),
        eva.delete(clinic.path),
        eva.get(f"{clinic.path}/history"),
        clinic.door.get(f"/predictions/{uuid4()}/review"),
    ]
    assert {(a.status_code, a.json()["code"]) for a in answers} == {(404, "prediction_unknown")}


def test_a_curator_reviews_everybodys_and_sees_everybodys(clinic: Clinic, make_actor: Make) -> None:
    kim = clinic.door_of(make_actor("kim", Role.CURATOR))
    clinic.door.put(clinic.path, {"verdict": "right"})
    assert kim.get(clinic.path).json()["code"] == "review_unknown"
    assert kim.put(clinic.path, {"verdict": "wrong"}, headers={"If-Match": "0"}).json()["version"] == 1
    assert len(kim.get(f"{clinic.path}/history").json()) == 2
    assert len(clinic.door.get(f"{clinic.path}/history").json()) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"verdict": "perhaps"}, "request_wrong"),
        ({}, "request_wrong"),
        ({"verdict": "right", "owner": "me"}, "request_wrong"),
        ({"verdict": "right", "metadata": {"eye": ["OD"]}}, "request_wrong"),
        ({"verdict": "right", "metadata": {str(n): n for n in range(101)}}, "request_wrong"),
        ({"verdict": "right", "metadata": {"eye": "both"}}, "field_choice"),
        ({"verdict": "right", "metadata": {"pressure": 10**30}}, "field_number"),
        ({"verdict": "right", "metadata": {"name": "Ana"}}, "field_unknown"),
        ({"verdict": "right", "metadata": {"comment": "a\x00b"}}, "field_characters"),
        ({"verdict": "wrong", "label": "cataract"}, "label_unknown"),
        ({"verdict": "right", "label": "normal"}, "review_contradicts"),
    ],
)
def test_what_will_not_do_is_refused(clinic: Clinic, body: dict[str, Any], code: str) -> None:
    answer = clinic.door.put(clinic.path, body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_without_an_answer_there_is_nothing_to_review(clinic: Clinic) -> None:
    eye, _ = load(clinic.folder / "eye")
    waiting = ask(clinic.workplace, clinic.owner, b"waiting", application=eye)
    answer = clinic.door.put(f"/predictions/{waiting.id}/review", {"verdict": "right"})
    assert (answer.status_code, answer.json()["code"]) == (409, "review_early")


def test_a_corrected_outline_is_put_and_taken_out(clinic: Clinic) -> None:
    path = f"{clinic.path}/mask"
    sent = clinic.door.ask("PUT", path, content=b"bytes", headers={"If-Match": '"0"'})
    assert sent.status_code == 200, sent.text
    assert (sent.json()["verdict"], sent.headers["etag"]) == ("unknown", '"1"')
    assert sent.json()["mask"] == {"state": "checking", "sha256": None, "dice": None, "problem": None}
    assert clinic.door.get(f"{path}.png").json()["code"] == "mask_unknown"
    assert clinic.door.ask("PUT", path, content=b"others", headers={"If-Match": "0"}).status_code == 412
    assert clinic.door.ask("PUT", path, content=b"").json()["code"] == "upload_empty"
    assert clinic.door.delete(path).json()["mask"] is None
    assert clinic.door.delete(path).json()["code"] == "mask_unknown"
