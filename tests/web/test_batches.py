"""Many files by API."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4
from zipfile import ZipFile

import pytest

from atisbo.domain.access import Actor
from atisbo.services.work import Workplace
from tests.web.doors import Door, bearer, opened

Make = Callable[..., Actor]
BATCH = "/applications/polyp/batches"


@pytest.fixture
def ana(workplace: Workplace, make_actor: Make, tmp_path: Path) -> Door:
    app = opened(workplace, tmp_path, max_batch_files=4, max_batch_bytes=100_000)
    return Door(app, bearer(workplace, make_actor()))


def archive(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return buffer.getvalue()


def parts(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", file) for file in files]


def test_each_file_is_answered_for(ana: Door) -> None:
    files = parts(("a.jpg", b"one"), ("empty.jpg", b""), ("z.zip", archive(b=b"two")))
    regions = {"a.jpg": {"x": 0, "y": 0, "width": 5, "height": 5}}
    form = {"regions": json.dumps(regions), "consent": "training sharing"}
    answer = ana.post(BATCH, files=files, data=form, headers={"Accept-Language": "es"})
    assert answer.status_code == 207, answer.text
    said = answer.json()
    assert (said["accepted"], said["refused"]) == (2, 1)
    assert [item["file"] for item in said["items"]] == ["a.jpg", "empty.jpg", "b"]
    first, empty, _ = said["items"]
    assert first["failure"] is None
    assert first["prediction"]["region"] == regions["a.jpg"]
    assert {name: first["prediction"]["image"][name] for name in ("training_consent", "shared")} == {
        "training_consent": True,
        "shared": True,
    }
    assert ana.get(f"/predictions/{first['prediction']['id']}").json()["status"] == "waiting"
    assert empty["prediction"] is None
    assert (empty["failure"]["code"], empty["failure"]["status"]) == ("upload_empty", 422)


def test_both_eyes_in_one_request(ana: Door) -> None:
    pair, other = str(uuid4()), str(uuid4())
    said = {
        "r.jpg": {"id": pair, "side": "OD"},
        "l.jpg": {"id": pair, "side": "OS"},
        "x.jpg": {"id": pair, "side": "?"},
    }
    files = parts(("r.jpg", b"one"), ("l.jpg", b"two"), ("x.jpg", b"three"))
    answer = ana.post("/applications/eye/batches", files=files, data={"pairs": json.dumps(said)}).json()
    assert (answer["accepted"], answer["items"][2]["failure"]["code"]) == (2, "pair_side")
    right, left = (item["prediction"] for item in answer["items"][:2])
    assert left["pair"] == {"id": pair, "side": "OS"}
    found = ana.get(left["links"]["pair"].removeprefix("/api/v1")).json()
    assert [found["sides"][side]["id"] for side in ("OD", "OS")] == [right["id"], left["id"]]
    assert found["difference"] is None
    assert ana.get(f"/applications/eye/pairs/{other}").json()["code"] == "pair_unknown"
    form = {"pair": other}
    alone = ana.post("/applications/eye/predictions", files={"file": ("r.jpg", b"one")}, data=form)
    assert alone.json()["code"] == "pair_wrong"
    form["side"] = "OD"
    asked = ana.post("/applications/eye/predictions", files={"file": ("r.jpg", b"one")}, data=form)
    assert asked.json()["pair"] == {"id": other, "side": "OD"}
    wrong = ana.post("/applications/eye/batches", files=files, data={"pairs": '{"r.jpg": 1}'})
    assert wrong.json()["code"] == "pair_wrong"


def test_the_same_request_again_makes_nothing_anew(ana: Door) -> None:
    def send() -> list[str]:
        answer = ana.post(BATCH, files=parts(("a", b"a"), ("b", b"b")), headers={"Idempotency-Key": "once"})
        return [item["prediction"]["id"] for item in answer.json()["items"]]

    assert send() == send()


def test_what_is_refused_as_a_whole(ana: Door) -> None:
    many = ana.post(BATCH, files=parts(*((str(n), b"x") for n in range(5))))
    assert (many.status_code, many.json()["code"]) == (413, "batch_many")
    assert ana.post(BATCH, files=parts(*((str(n), b"x") for n in range(50)))).status_code == 400
    none = ana.post(BATCH)
    assert (none.status_code, none.json()["code"]) == (422, "batch_empty")
    large = ana.post(BATCH, files=parts(("a", bytes(300_000))))
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    wrong = ana.post(BATCH, files=parts(("a", b"a")), data={"regions": '{"a": 3}'})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "region_wrong")
    assert ana.post("/applications/nonsense/batches", files=parts(("a", b"a"))).status_code == 404


def test_a_stranger_is_turned_away_before_the_body_is_read(ana: Door) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = Door(ana.app, {}).post(BATCH, content=b"no form at all", headers=headers)
    assert answer.status_code == 401


def test_some_predictions_are_asked_for_by_id(
    ana: Door, workplace: Workplace, make_actor: Make, tmp_path: Path
) -> None:
    answer = ana.post(BATCH, files=parts(("a", b"a"), ("b", b"b"), ("c", b"c")))
    first, _, last = (item["prediction"]["id"] for item in answer.json()["items"])
    query = f"/predictions?id={first}&id={last}"
    assert {one["id"] for one in ana.get(query).json()["items"]} == {first, last}
    bea = Door(opened(workplace, tmp_path), bearer(workplace, make_actor("bea")))
    assert bea.get(query).json()["items"] == []


def test_every_picture_of_a_batch_can_be_told_of(workplace: Workplace, make_actor: Make, tmp_path: Path) -> None:
    app = opened(workplace, tmp_path, webhook_hosts=("hooks.example.org",))
    ana = Door(app, bearer(workplace, make_actor()))
    files = parts(("a.jpg", b"one"), ("b.jpg", b"two"))
    form = {"webhook_url": "https://hooks.example.org/told"}
    refused = ana.post(BATCH, files=files, data=form)
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_secret")
    assert ana.get("/predictions").json()["items"] == []
    assert ana.post("/me/webhooks/secret").status_code == 201
    accepted = ana.post(BATCH, files=files, data=form).json()
    assert accepted["accepted"] == 2
    told = {one["prediction_id"]: one["state"] for one in ana.get("/me/webhooks").json()["items"]}
    assert told == {item["prediction"]["id"]: "armed" for item in accepted["items"]}
