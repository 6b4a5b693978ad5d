"""Exchanging the network that answers while people wait for answers, from outside."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any
from uuid import uuid4

import cv2
import httpx
import numpy as np
import pytest

from atisbo.domain.consents import USE
from tests.applications_for_tests.networks import HERE
from tests.conftest import Service, eventually, start_service, stop_service
from tests.services.versions import another

MODELS = "/api/v1/models"
ASK = "/api/v1/applications/colour/predictions"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = start_service(tmp_path_factory.mktemp("own"), ATISBO_APPLICATIONS_DIR=str(HERE))
    yield running
    stop_service(running)


@pytest.fixture(scope="module")
def curator(own: Service) -> Iterator[httpx.Client]:
    with own.sign_in(*own.administrator) as client:
        client.put("/api/v1/me/consents/use", json={"version": USE.version}).raise_for_status()
        yield client


def red() -> bytes:
    picture = np.zeros((30, 30, 3), np.uint8)
    picture[..., 2] = 200
    return bytes(cv2.imencode(".png", picture)[1].tobytes())


def asked(client: httpx.Client) -> dict[str, Any]:
    said = client.post(ASK, files={"file": ("red.png", red())}, headers={"Prefer": "wait=30"})
    assert said.status_code == 200, said.text
    answer: dict[str, Any] = said.json()
    return answer


def submitted(client: httpx.Client, card: bytes, model: bytes) -> dict[str, Any]:
    files = {"card": ("card.json", card), "model": ("model.onnx", model)}
    said = client.post(MODELS, data={"application": "colour"}, files=files)
    assert said.status_code == 202, said.text
    answer: dict[str, Any] = said.json()
    return answer


def state(client: httpx.Client, version: dict[str, Any]) -> str:
    found = client.get(version["links"]["self"]).json()
    return str(found["state"])


@pytest.fixture(scope="module")
def second(curator: httpx.Client) -> dict[str, Any]:
    """A version that calls red green, at another threshold; a worker has accepted it."""
    card, model = another(threshold=0.3)
    version = submitted(curator, card.model_dump_json().encode(), model)
    eventually(lambda: state(curator, version) == "submitted", within_s=60)
    return version


def test_no_answer_is_lost_or_mixed_while_versions_change(
    own: Service, curator: httpx.Client, second: dict[str, Any]
) -> None:
    first = next(v for v in curator.get(f"{MODELS}?application=colour").json() if v["state"] == "active")
    over, answers = threading.Event(), []

    def ask() -> None:
        with own.sign_in(*own.administrator) as client:
            while not over.is_set():
                answers.append(asked(client))

    with ThreadPoolExecutor(6) as people:
        waiting = [people.submit(ask) for _ in range(6)]
        try:
            for version in (second, first, second):
                signature = {"password": own.administrator[1], "reason": "a test"}
                curator.post(version["links"]["activation"], json=signature).raise_for_status()
                eventually(lambda name=version["version"]: asked(curator)["version"] == name)
        finally:
            over.set()
        for person in waiting:
            person.result(60)
    seen = {(a["version"], a["findings"]["threshold"], a["findings"]["label"]) for a in answers}
    assert seen == {(first["version"], 0.6, "red"), (second["version"], 0.3, "green")}


def test_pages_and_api_show_the_active_card_and_keep_the_former(
    own: Service, curator: httpx.Client, second: dict[str, Any]
) -> None:
    card = "/api/v1/applications/colour/card"
    eventually(lambda: curator.get(card).json()["sha256"] == second["card"]["sha256"])
    back = curator.post(f"{MODELS}/{second['id']}/rollback")
    assert back.status_code == 200
    eventually(lambda: curator.get(card).json()["sha256"] == back.json()["card"]["sha256"])
    eventually(lambda: asked(curator)["version"] == back.json()["version"])
    with own.register("ana") as ana:
        kept = ana.get(f"/api/v1/applications/colour/versions/{second['version']}/card")
        assert kept.json()["output"]["threshold"] == 0.3
        assert ana.get(asked(ana)["links"]["card"]).json()["output"]["threshold"] == 0.6
        assert ana.get(MODELS).status_code == 403


def test_a_candidate_in_the_shadow_is_asked_and_not_heard(curator: httpx.Client, second: dict[str, Any]) -> None:
    shadow = f"{MODELS}/{second['id']}/shadow"
    aloud = asked(curator)["version"]
    assert curator.put(shadow).json()["shadow_since"] is not None

    def answered() -> bool:
        assert asked(curator)["version"] == aloud
        return bool(curator.get(shadow).json()["answers"])

    eventually(answered)
    found = curator.get(shadow).json()
    assert found["same"] == 0
    assert {(one["said"]["label"], one["found"]["label"]) for one in found["worst"]} == {("red", "green")}
    assert curator.delete(shadow).json()["shadow_since"] is None
    assert curator.put(f"{MODELS}/{uuid4()}/shadow").status_code == 404


def test_a_file_that_is_no_network_is_refused_with_a_sentence(curator: httpx.Client) -> None:
    card, _ = another()
    model = b"not a network"
    card = card.model_copy(update={"sha256": sha256(model).hexdigest()})
    version = submitted(curator, card.model_dump_json().encode(), model)
    eventually(lambda: state(curator, version) == "refused", within_s=60)
    failure = curator.get(version["links"]["self"]).json()["failure"]
    assert "its content is not ONNX" in failure["detail"]
