"""Similar pictures over the API of the shipped art application, on the running service."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest
from PIL import Image

from atisbo.domain.applications import SHIPPED
from tests.conftest import Service, eventually
from tests.pictures import encoded, opened

ART = "/api/v1/applications/art/predictions"
SAMPLES = SHIPPED / "art/samples"
POLYP = SHIPPED / "polyp/samples"


@pytest.fixture(scope="module")
def ana(service: Service) -> Iterator[httpx.Client]:
    with service.register(f"ana-{uuid4().hex[:8]}") as client:
        yield client


@pytest.fixture(scope="module")
def asked(ana: httpx.Client) -> dict[str, Any]:
    """The answer to a sample, once the shipped collection has been taken in."""
    said: dict[str, Any] = ask(ana, (SAMPLES / "icon.jpg").read_bytes()).json()
    eventually(lambda: len(near(ana, said["id"], k=60)["items"]) >= 55, within_s=150)
    return said


def ask(client: httpx.Client, data: bytes, name: str = "a.jpg", **more: Any) -> httpx.Response:
    return client.post(ART, files={"file": (name, data)}, headers={"Prefer": "wait=40"}, **more)


def near(client: httpx.Client, identity: str, **wish: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/predictions/{identity}/neighbours", params=wish)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def test_without_a_good_token_there_is_a_challenge(service: Service) -> None:
    for headers, said in (({}, ""), ({"Authorization": "Bearer not-a-token"}, ', error="invalid_token"')):
        for method, path in (("POST", ART), ("GET", f"/api/v1/predictions/{uuid4()}/neighbours")):
            answer = httpx.request(method, service.url + path, headers=headers, files={"file": ("a.jpg", b"x")})
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"] == f'Bearer realm="atisbo"{said}'
            assert answer.headers["content-type"] == "application/problem+json"


def test_five_alike_with_label_place_source_and_link(ana: httpx.Client, asked: dict[str, Any]) -> None:
    found = near(ana, asked["id"])
    assert [one["position"] for one in found["items"]] == [1, 2, 3, 4, 5]
    first = found["items"][0]
    assert first["similarity"] > 0.99, "the sample is in the collection"
    assert (first["label"], first["kind"]) == ("iconography", "collection")
    assert all(first[word] for word in ("source", "licence", "location"))
    similarities = [one["similarity"] for one in found["items"]]
    assert similarities == sorted(similarities, reverse=True)
    large, small = (opened(ana.get(first["links"][size]).content) for size in ("picture", "thumbnail"))
    assert max(large.size) >= max(small.size) > 100
    assert "exif" not in large.info
    more = ana.get(first["links"]["neighbours"]).json()
    assert len(more["items"]) == 5
    assert first["id"] not in {one["id"] for one in more["items"]}


def test_wishes(ana: httpx.Client, asked: dict[str, Any]) -> None:
    same = near(ana, asked["id"], same_class=True, k=8)
    assert {one["label"] for one in same["items"]} == {"iconography"}
    assert len(same["items"]) == 8
    palette = near(ana, asked["id"], by="palette")
    assert palette["by"] == "palette"
    assert palette["items"][0]["similarity"] > 0.99
    assert [one["id"] for one in palette["items"]] != [one["id"] for one in near(ana, asked["id"])["items"]]
    for wrong in ({"k": 0}, {"k": 101}, {"by": "smell"}, {"include": "everything"}):
        answer = ana.get(f"/api/v1/predictions/{asked['id']}/neighbours", params=wrong)
        assert answer.status_code == 422, wrong


def test_one_request_answers_class_neighbours_and_thumbnails(ana: httpx.Client, asked: dict[str, Any]) -> None:
    data = (SAMPLES / "sculpture.jpg").read_bytes()
    said = ask(ana, data, params={"include": "thumbnails"}).json()
    assert said["findings"]["label"] == "sculpture"
    assert len(said["findings"]["probabilities"]) == 5
    items = said["neighbours"]["items"]
    assert len(items) == 5
    for one in items:
        assert max(opened(base64.b64decode(one["thumbnail"])).size) <= 320
    bare = ask(ana, data).json()["neighbours"]["items"]
    assert [(one["position"], one["thumbnail"]) for one in bare] == [(place, None) for place in range(1, 6)]
    assert {"label", "similarity", "links"} <= bare[0].keys()
    file, wait = {"file": ("a.jpg", (POLYP / "frame-1.jpg").read_bytes())}, {"Prefer": "wait=40"}
    polyp = "/api/v1/applications/polyp/predictions"
    assert "neighbours" not in ana.post(polyp, files=file, headers=wait).json(), "there it has to be asked for"
    with_them = ana.post(polyp, files=file, headers=wait, params={"include": "neighbours"}).json()
    assert with_them["neighbours"]["by"] == "embedding"
    assert ask(ana, data, params={"include": "cake"}).status_code == 422


def test_the_same_picture_again_is_recognised(ana: httpx.Client, asked: dict[str, Any]) -> None:
    data = (SAMPLES / "icon.jpg").read_bytes()
    smaller = opened(data)
    smaller = smaller.resize((smaller.width * 4 // 5, smaller.height * 4 // 5))
    again, anew = ask(ana, data).json(), ask(ana, encoded(smaller, "JPEG", quality=75)).json()
    assert near(ana, again["id"])["seen"][0] | {"asked_at": ""} == {
        "prediction_id": asked["id"],
        "asked_at": "",
        "same_file": True,
        "links": {"prediction": f"/api/v1/predictions/{asked['id']}"},
    }
    seen = near(ana, anew["id"])["seen"]
    assert {one["prediction_id"] for one in seen} >= {again["id"], asked["id"]}
    assert {one["same_file"] for one in seen} == {False}


def test_others_see_a_picture_only_while_it_is_shared(
    service: Service, ana: httpx.Client, asked: dict[str, Any]
) -> None:
    picture = f"/api/v1/pictures/{asked['id']}"
    with service.register(f"eva-{uuid4().hex[:8]}") as eva:
        assert {eva.get(f"{picture}/{part}").status_code for part in ("thumbnail.jpg", "neighbours")} == {404}
        version = ana.get("/api/v1/terms/sharing").json()["version"]
        sharing = f"{asked['links']['image']}/sharing"
        assert eva.put(sharing, json={"version": version}).status_code == 404
        assert ana.put(sharing, json={"version": version}).json()["kind"] == "sharing"
        theirs = ask(eva, (SAMPLES / "icon.jpg").read_bytes() + b" ").json()
        others = [one for one in near(eva, theirs["id"], k=10)["items"] if one["kind"] == "image"]
        assert [(one["id"], one["title"], one["mine"]) for one in others] == [(asked["id"], "", False)]
        assert "prediction" not in others[0]["links"]
        assert eva.get(others[0]["links"]["thumbnail"]).status_code == 200
        assert eva.get(f"/api/v1/predictions/{asked['id']}").status_code == 404
        assert ana.delete(sharing).status_code == 204
        assert eva.get(others[0]["links"]["thumbnail"]).status_code == 404
        assert "image" not in {one["kind"] for one in near(eva, theirs["id"], k=10)["items"]}


def _icon(mode: str, size: tuple[int, int] = (300, 200)) -> Image.Image:
    """The icon in another mode: what is asked about is the file, not the picture."""
    return opened((SAMPLES / "icon.jpg").read_bytes()).convert("RGB").resize(size).convert(mode)


def _animated() -> bytes:
    file = io.BytesIO()
    frames = [Image.fromarray(np.full((40, 40, 3), grey, np.uint8)) for grey in (0, 200)]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    return file.getvalue()


@pytest.mark.parametrize(
    "data", [("L", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG")], ids=["grey", "cmyk", "transparent"]
)
def test_unusual_pictures_are_answered(ana: httpx.Client, data: tuple[str, str]) -> None:
    mode, kind = data
    said = ask(ana, encoded(_icon(mode), kind)).json()
    assert said["findings"]["label"] == "iconography", "an icon in other colours is an icon"
    assert len(said["neighbours"]["items"]) == 5
    json.dumps(said, allow_nan=False)


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        pytest.param(lambda: encoded(_icon("RGB", (1, 1)), "PNG"), 422, "image_too_small", id="1x1"),
        pytest.param(lambda: encoded(Image.new("1", (9000, 9000)), "PNG"), 413, "image_too_large", id="huge"),
        pytest.param(_animated, 422, "image_animated", id="animated"),
    ],
)
def test_pictures_that_cannot_be_are_told_so(ana: httpx.Client, data: Any, status: int, code: str) -> None:
    answer = ask(ana, data())
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(answer.json()["detail"]) > 20
