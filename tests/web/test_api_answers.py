"""Answers of a classification with a gate, a limit of doubt and structures, on a service of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest
from PIL import Image

from atisbo.client import Client, Refused
from tests.applications_for_tests.networks import HERE
from tests.conftest import PASSWORD, Service, start_service, stop_service
from tests.pictures import encoded, jpeg, opened
from tests.web.test_pages import Reader

WAIT = {"Prefer": "wait=30"}


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = start_service(tmp_path_factory.mktemp("eyes"), ATISBO_APPLICATIONS_DIR=str(HERE))
    yield running
    stop_service(running)


@pytest.fixture(scope="module")
def ana(eyes: Service) -> Iterator[httpx.Client]:
    with eyes.register(f"ana-{uuid4().hex[:8]}") as client:
        yield client


def eye(*, cup: int = 20, blue: int = 0) -> bytes:
    """160 × 100: a red disc of 40 × 40 pixels at (60, 20), and in its middle a green cup."""
    pixels = np.zeros((100, 160, 3), np.uint8)
    pixels[20:60, 60:100, 0] = 255
    pixels[40 - cup // 2 : 40 + cup // 2, 80 - cup // 2 : 80 + cup // 2, 1] = 255
    pixels[..., 2] = blue
    return encoded(Image.fromarray(pixels), "PNG")


def ask(client: httpx.Client, picture: bytes, application: str = "eye", **more: Any) -> httpx.Response:
    headers = WAIT | more.pop("headers", {})
    path = f"/api/v1/applications/{application}/predictions"
    return client.post(path, files={"file": ("e.png", picture)}, headers=headers, **more)


PART = {"region": json.dumps({"x": 40, "y": 0, "width": 80, "height": 80})}


def test_a_class_brings_outlines_and_their_ratio(ana: httpx.Client) -> None:
    answer = ask(ana, eye(), data=PART)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    findings = said["findings"]
    assert (said["status"], findings["label"], findings["unsure"]) == ("done", "normal", False)
    assert 0 < findings["uncertainty"] < 0.7
    assert findings["ratios"]["vertical_cdr"] == pytest.approx(0.5, abs=0.06)
    assert "contour" not in findings["structures"]["regions"][0]
    outlines = ana.get(said["links"]["contours"]).json()
    assert [feature["properties"]["label"] for feature in outlines["features"]] == ["disc", "cup"]
    xs = [x for x, _ in outlines["features"][0]["geometry"]["coordinates"][0]]
    assert min(xs) == pytest.approx(60, abs=2)
    mask = np.asarray(opened(ana.get(said["links"]["mask"]).content))
    assert (mask.shape, set(np.unique(mask))) == ((100, 160), {0, 128, 255})
    overlay = opened(ana.get(said["links"]["overlay"]).content)
    assert overlay.size == (160, 100)
    assert opened(ana.get(said["links"]["crop"]).content).size == (80, 80)


def test_a_whole_picture_will_do_where_no_part_is_required(ana: httpx.Client) -> None:
    said = ask(ana, eye()).json()
    assert said["status"] == "done"
    assert said["region"] is None


def test_an_unsure_answer_is_an_answer_with_a_state_of_its_own(ana: httpx.Client) -> None:
    said = ask(ana, eye(cup=38), data=PART).json()
    assert (said["status"], said["findings"]["unsure"]) == ("unsure", True)
    assert said["findings"]["uncertainty"] > 0.7
    assert said["failure"] is None
    assert {"contours", "overlay", "preview"} <= set(said["links"])
    found = ana.get("/api/v1/predictions", params={"status": "unsure"}).json()["items"]
    assert said["id"] in {item["id"] for item in found}


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "This does not look like a crop of the optic disc, red. It looks like a fundus photograph."),
        ("es", "Esto no parece un recorte rojo del disco óptico. Parece una fotografía de fondo de ojo."),
    ],
)
def test_a_foreign_picture_is_a_problem_that_says_what_it_seems_to_be(
    eyes: Service, language: str, sentence: str
) -> None:
    with speaking(eyes, language) as client:
        answer = ask(client, eye(blue=255))
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["code"] == "foreign"
        assert problem["detail"].startswith(sentence)
        kept = client.get(f"/api/v1/predictions/{problem['prediction']['id']}").json()
        assert (kept["status"], kept["findings"]) == ("refused", None)
        assert kept["failure"]["detail"].startswith(sentence)
        assert opened(client.get(kept["links"]["preview"]).content).size == (160, 100)
        assert client.get(f"/api/v1/predictions/{kept['id']}/mask.png").status_code == 404
        listed = client.get("/api/v1/predictions", params={"status": "refused"}).json()["items"]
        assert [item["id"] for item in listed] == [kept["id"]]


def test_what_an_answer_rests_on_is_a_picture_over_the_analysed_part(ana: httpx.Client) -> None:
    narrow = {"region": json.dumps({"x": 50, "y": 10, "width": 60, "height": 60})}
    said = ask(ana, eye(cup=38), data=narrow).json()
    facts = ana.get(said["links"]["heatmap"].removesuffix(".png")).json()
    assert (facts["state"], facts["label"], facts["picture"]) == (
        "ready",
        said["findings"]["label"],
        said["links"]["heatmap"],
    )
    assert facts["largest_drop"] > 0.2
    heat = opened(ana.get(facts["picture"]).content)
    assert (heat.size, heat.mode) == ((60, 60), "RGBA")
    bare = ask(ana, jpeg(), "bright").json()
    assert "heatmap" not in bare["links"], "an outline says by itself where it is"
    assert ana.get(f"/api/v1/predictions/{bare['id']}/heatmap.png").status_code == 404


def blobs(service: Service, folder: str) -> list[str]:
    return [path.name for path in (service.data_dir / "blobs" / folder).rglob("*") if path.is_file()]


def test_a_part_is_proposed_and_nothing_is_kept(eyes: Service, ana: httpx.Client) -> None:
    before = sorted(blobs(eyes, "originals"))
    path = "/api/v1/applications/eye/regions"
    said = ana.post(path, files={"file": ("e.png", eye())}).json()
    region = said["region"]
    assert (said["width"], said["height"], said["sure"]) == (160, 100, True)
    assert 60 < region["x"] + region["width"] / 2 < 100
    assert 20 < region["y"] + region["height"] / 2 < 60
    assert said["detail"].startswith("Found.")
    none = ana.post(path, files={"file": ("e.png", eye(cup=0))}, headers={"Accept-Language": "es"}).json()
    assert (none["region"], none["sure"]) == (None, False)
    assert none["detail"] == "No hay ningún disco. Márquelo usted mismo."
    bad = ana.post(path, files={"file": ("e.png", b"no picture")})
    assert (bad.status_code, bad.json()["code"]) == (422, "image_unsupported")
    assert ana.post(path).json()["code"] == "find_what"
    assert (
        ana.post("/api/v1/applications/colour/regions", files={"file": ("e.png", eye())}).json()["code"]
        == "find_unknown"
    )
    assert sorted(blobs(eyes, "originals")) == before
    assert blobs(eyes, "proposals") == []


def test_no_proposal_before_the_terms(eyes: Service) -> None:
    with eyes.register(f"eve-{uuid4().hex[:8]}") as eve:
        eve.delete("/api/v1/me/consents/use").raise_for_status()
        answer = eve.post("/api/v1/applications/eye/regions", files={"file": ("e.png", eye())})
    assert (answer.status_code, answer.json()["code"]) == (403, "consent_needed")
    assert blobs(eyes, "proposals") == []


def test_a_stored_image_is_asked_about_again(eyes: Service, ana: httpx.Client) -> None:
    first = ask(ana, eye(), data=PART).json()
    path = f"/api/v1/images/{first['image']['id']}/predictions"
    found = ana.post("/api/v1/applications/eye/regions", data={"image": first["image"]["id"]}).json()["region"]
    asked = {"application": "eye", "region": found}
    headers = WAIT | {"Idempotency-Key": uuid4().hex}
    second = ana.post(path, json=asked, headers=headers).json()
    assert second["status"] in ("done", "unsure")
    assert second["region"] == found
    assert second["image"]["id"] == first["image"]["id"] != second["id"]
    assert ana.post(path, json=asked, headers=headers).json()["id"] == second["id"]
    other = ana.post(path, json=asked | {"region": None}, headers=headers)
    assert other.json()["code"] == "idempotency_reused"
    outside = {"x": 0, "y": 0, "width": 101, "height": 101}
    assert ana.post(path, json=asked | {"region": outside}, headers=WAIT).json()["code"] == "region_outside"
    with eyes.register(f"ben-{uuid4().hex[:8]}") as ben:
        assert ben.post(path, json=asked).status_code == 404
        data = {"image": first["image"]["id"]}
        assert ben.post("/api/v1/applications/eye/regions", data=data).status_code == 404
    ana.delete(first["links"]["image"]).raise_for_status()
    assert ana.get(second["links"]["self"]).status_code == 404
    assert ana.post(path, json=asked).status_code == 404


def test_a_refused_picture_can_be_asked_about_again_too(ana: httpx.Client) -> None:
    refused = ask(ana, eye(blue=255)).json()["prediction"]
    assert (refused["image"]["width"], refused["image"]["height"]) == (160, 100)


def test_a_class_without_structures_has_no_pictures_of_an_outline(ana: httpx.Client) -> None:
    said = ask(ana, jpeg(), "colour").json()
    assert (said["status"], said["findings"]["structures"], said["findings"]["ratios"]) == ("done", None, {})
    assert not {"mask", "overlay", "contours"} & set(said["links"])
    for view in ("mask.png", "overlay.png", "contours"):
        assert ana.get(f"/api/v1/predictions/{said['id']}/{view}").status_code == 404


def test_an_application_says_what_its_labels_are_called(ana: httpx.Client) -> None:
    said = ana.get("/api/v1/applications/eye", headers={"Accept-Language": "es"}).json()
    assert set(said["words"]) == {"normal", "glaucoma", "disc", "cup", "vertical_cdr"}
    card = ana.get("/api/v1/applications/eye/card").json()
    assert card["gate"]["own"] == ["disc"]
    assert card["output"]["unsure_above"] == 0.7


def test_a_program_is_told_of_a_refusal(eyes: Service) -> None:
    name = f"client-{uuid4().hex[:8]}"
    eyes.register(name).close()
    with Client.sign_in(eyes.url, f"{name}@example.org", PASSWORD) as client:
        answer = client.predict("eye", eye(cup=38), region={"x": 40, "y": 0, "width": 80, "height": 80})
        assert answer["status"] == "unsure"
        with pytest.raises(Refused, match="looks like a fundus photograph"):
            client.predict("eye", eye(blue=255))


@pytest.mark.parametrize(
    ("language", "application", "words"),
    [
        ("en", "eye", ["Upload images", "suspected glaucoma", "Vertical cup-to-disc ratio", 'data-layers="disc cup"']),
        ("es", "eye", ["Subir imágenes", "sospecha de glaucoma", "Relación vertical excavación/disco"]),
        ("en", "colour", ["Says which colour dominates.", 'data-positive="red"', 'id="answer-tools" disabled hidden']),
    ],
)
def test_the_workbench_of_a_classification(eyes: Service, language: str, application: str, words: list[str]) -> None:
    reader = Reader(eyes, language)
    reader.email = register(eyes, language)
    reader.post("/sign-in", "/sign-in", email=reader.email, password=PASSWORD)
    page = reader.http.get(f"/a/{application}")
    assert page.status_code == 200
    for word in words:
        assert word in page.text or json.dumps(word)[1:-1] in page.text, word
    card = reader.http.get(f"/a/{application}/card")
    assert card.status_code == 200
    if application == "eye":
        assert {"en": "a crop of the optic disc, red", "es": "un recorte rojo del disco óptico"}[language] in card.text
    reader.http.close()


def speaking(service: Service, language: str) -> httpx.Client:
    return service.sign_in(register(service, language), PASSWORD)


def register(service: Service, language: str) -> str:
    """A new user who registered in this language."""
    email = f"{language}-{uuid4().hex[:8]}@example.org"
    httpx.post(
        f"{service.url}/api/v1/auth/register",
        json={"email": email, "password": PASSWORD, "consent": True},
        headers={"Accept-Language": language},
    ).raise_for_status()
    return email
