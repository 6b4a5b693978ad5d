"""The road of one image by API, on the running service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest

from tests.conftest import Service, eventually, start_service, stop_service
from tests.pictures import CANARY, jpeg, opened, with_metadata

ASK = "/api/v1/applications/polyp/predictions"
WAIT = {"Prefer": "wait=30"}


@pytest.fixture(scope="module")
def ana(service: Service) -> Iterator[httpx.Client]:
    with service.register(f"ana-{uuid4().hex[:8]}") as client:
        yield client


@pytest.fixture(scope="module")
def eva(service: Service) -> Iterator[httpx.Client]:
    with service.register(f"eva-{uuid4().hex[:8]}") as client:
        yield client


def ask(client: httpx.Client, data: bytes | None = None, **more: Any) -> httpx.Response:
    headers = more.pop("headers", WAIT)
    return client.post(ASK, files={"file": ("frame.jpg", data or jpeg())}, headers=headers, **more)


def test_a_frame_becomes_an_outline(ana: httpx.Client) -> None:
    answer = ask(ana)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["status"] == "done"
    assert said["application"] == "polyp"
    assert said["version"].startswith("polyp")
    assert (said["image"]["width"], said["image"]["height"]) == (320, 256)
    findings = said["findings"]
    assert findings["task"] == "segmentation"
    assert 0 <= findings["probability"] <= 1
    assert findings["empty"] == (not findings["regions"])
    assert "Not a medical device" in said["notice"]
    assert answer.headers["preference-applied"] == "wait=30"


def test_the_mask_has_one_channel_two_values_and_the_originals_size(ana: httpx.Client) -> None:
    said = ask(ana).json()
    mask = opened(ana.get(said["links"]["mask"]).content)
    assert (mask.mode, mask.size, mask.format) == ("L", (320, 256), "PNG")
    values = np.unique(np.asarray(mask))
    assert set(values.tolist()) <= {0, 255}
    share = (np.asarray(mask) > 0).mean() * 100
    assert share == pytest.approx(said["findings"]["area_percent"], abs=0.05)


def test_without_waiting_it_is_accepted_and_found_later(ana: httpx.Client) -> None:
    answer = ask(ana, headers={})
    assert answer.status_code == 202
    location = answer.headers["location"]
    assert answer.json()["status"] == "waiting"
    eventually(lambda: ana.get(location).json()["status"] == "done")


def test_a_region_is_cut_from_the_originals_pixels(ana: httpx.Client) -> None:
    region = {"x": 100, "y": 40, "width": 120, "height": 90}
    said = ana.post(ASK, files={"file": ("f.jpg", jpeg())}, data={"region": json.dumps(region)}, headers=WAIT)
    body = said.json()
    assert body["region"] == region
    crop = opened(ana.get(body["links"]["crop"]).content)
    assert crop.size == (120, 90)
    mask = np.asarray(opened(ana.get(body["links"]["mask"]).content))
    assert mask.shape == (256, 320)
    outside = np.ones_like(mask, bool)
    outside[40:130, 100:220] = False
    assert not mask[outside].any()


def test_pictures_for_people_carry_no_metadata(ana: httpx.Client) -> None:
    original = with_metadata()
    assert CANARY.encode() in original
    said = ask(ana, original).json()
    for view in ("mask", "overlay", "preview", "thumbnail"):
        picture = ana.get(said["links"][view])
        assert picture.status_code == 200, view
        assert CANARY.encode() not in picture.content
        assert not opened(picture.content).getexif()


def test_contours_are_polygons_in_the_originals_pixels(ana: httpx.Client) -> None:
    said = ask(ana).json()
    contours = ana.get(said["links"]["contours"]).json()
    assert (contours["type"], contours["width"], contours["height"]) == ("FeatureCollection", 320, 256)
    assert bool(contours["features"]) == (not said["findings"]["empty"])
    for feature in contours["features"]:
        assert feature["geometry"]["type"] == "Polygon"
        for ring in feature["geometry"]["coordinates"]:
            assert ring[0] == ring[-1]
            assert all(0 <= x <= 320 and 0 <= y <= 256 for x, y in ring)


def test_a_repeated_key_makes_one_prediction(ana: httpx.Client) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(ana, jpeg(seed=5), headers=key), range(8)))
    assert {a.status_code for a in answers} <= {200, 202}
    assert len({a.json()["id"] for a in answers}) == 1
    other = ask(ana, jpeg(seed=6), headers=key)
    assert other.status_code == 409
    assert other.json()["code"] == "idempotency_reused"


def test_events_tell_until_it_is_finished(ana: httpx.Client) -> None:
    said = ask(ana, headers={}).json()
    seen = []
    with ana.stream("GET", said["links"]["events"]) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line[6:])["status"])
    assert seen[-1] == "done"


def test_what_belongs_to_somebody_else_is_not_found(ana: httpx.Client, eva: httpx.Client) -> None:
    said = ask(ana).json()
    base = said["links"]["self"]
    for path in (
        "",
        "/mask.png",
        "/overlay.png",
        "/preview.jpg",
        "/thumbnail.jpg",
        "/crop.png",
        "/contours",
        "/events",
    ):
        assert eva.get(base + path).status_code == 404, path
    assert eva.delete(said["links"]["image"]).status_code == 404
    assert ana.get(base).status_code == 200
    assert said["id"] not in {item["id"] for item in eva.get("/api/v1/predictions").json()["items"]}


def test_listing_goes_page_by_page(eva: httpx.Client) -> None:
    asked = [ask(eva, jpeg(seed=n)).json()["id"] for n in range(3)]
    first = eva.get("/api/v1/predictions", params={"limit": 2, "application": "polyp"}).json()
    second = eva.get("/api/v1/predictions", params={"limit": 2, "before": first["next"]}).json()
    assert [item["id"] for item in first["items"] + second["items"]][:3] == asked[::-1]
    assert eva.get("/api/v1/predictions", params={"status": "failed"}).json()["items"] == []
    assert eva.get("/api/v1/predictions", params={"before": "nonsense"}).status_code == 422


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Service]:
    """A service that lets a deletion be taken back for a second only."""
    running = start_service(tmp_path, ATISBO_UNDO_S="1")
    yield running
    stop_service(running)


def test_whoever_waits_when_the_service_stops_is_told_where_to_look(hasty: Service) -> None:
    worker = hasty.child("worker")
    worker.suspend()
    try:
        with hasty.register("ana") as ana, ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask, ana)
            eventually(lambda: ana.get("/api/v1/predictions").json()["items"])
            hasty.process.terminate()
            answer = asked.result(15)
    finally:
        worker.resume()
    assert answer.status_code == 202
    assert answer.json()["status"] == "waiting"


def test_deleting_removes_image_results_and_bytes(hasty: Service) -> None:
    with hasty.register("eva") as eva:
        _deleted(eva, hasty.data_dir / "blobs")


def _deleted(eva: httpx.Client, blobs: Path) -> None:
    data = jpeg(seed=77)
    said, twin = ask(eva, data).json(), ask(eva, data).json()
    eva.get(said["links"]["preview"]).raise_for_status()
    assert (blobs / "derived" / said["id"] / "preview.jpg").exists()
    stored = [p for p in (blobs / "originals").rglob("*") if p.is_file() and p.read_bytes() == data]
    assert len(stored) == 1
    assert eva.delete(said["links"]["image"]).status_code == 204
    assert eva.get(said["links"]["self"]).status_code == 404
    assert eva.delete(said["links"]["image"]).status_code == 404
    eventually(lambda: not list((blobs / "derived" / said["id"]).glob("*")))
    assert stored[0].exists(), "another image still uses these bytes"
    assert eva.delete(twin["links"]["image"]).status_code == 204
    eventually(lambda: not stored[0].exists())


def test_a_sample_can_be_tried_without_having_a_picture(ana: httpx.Client) -> None:
    installed = ana.get("/api/v1/applications/polyp").json()
    assert installed["samples"]
    answer = ana.post(f"/api/v1/applications/polyp/samples/{installed['samples'][0]}/predictions", headers=WAIT)
    assert answer.status_code == 200
    assert answer.json()["status"] == "done"
    assert ana.post("/api/v1/applications/polyp/samples/..%2Fcard.json/predictions").status_code == 404
