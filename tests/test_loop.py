"""The closed loop from outside: what people correct makes a better network, and whoever leaves leaves it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from zipfile import ZipFile

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image

from atisbo.domain.consents import USE
from tests.conftest import PASSWORD, Service, eventually, start_service, stop_service
from tests.pictures import encoded
from tests.worker.loop import frame, installed

API = "/api/v1"
PEOPLE, EACH = 10, 4
PATIENCE_S = 300.0
"""For what takes seconds where nothing else runs."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one application of its own, whose network finds nothing in pictures as dark as these; a worker
    beside it, as on another machine, takes the queue ``learn`` alone."""
    applications, data = tmp_path_factory.mktemp("applications"), tmp_path_factory.mktemp("own")
    (applications / "spots").mkdir()
    installed(applications / "spots")
    known = {"ATISBO_APPLICATIONS_DIR": str(applications)}
    running = start_service(data, **known, ATISBO_SIGN_IN_ATTEMPTS_PER_MINUTE="200", ATISBO_WORKER_QUEUES="answers")
    address = f"postgresql://postgres:@/postgres?host={data / 'postgres'}"
    learns = {"ATISBO_DATA_DIR": str(data), "ATISBO_DATABASE_URL": address, "ATISBO_WORKER_QUEUES": "learn"}
    command = [sys.executable, "-m", "atisbo", "worker"]
    with subprocess.Popen(command, env=os.environ | known | learns) as beside:
        yield running
        beside.terminate()
        beside.wait(30)
    stop_service(running)


def curator(own: Service, stack: ExitStack) -> httpx.Client:
    """Somebody whom the administrator makes a curator, signed in."""
    client = stack.enter_context(own.register("carla"))
    own.appoint(client, "curator")
    client.put(f"{API}/me/consents/use", json={"version": USE.version}).raise_for_status()
    return client


def ask(client: httpx.Client, number: int, consent: str = "") -> dict[str, Any]:
    files = {"file": (f"{number}.png", encoded(Image.fromarray(frame(number)[0]), "PNG"))}
    said = client.post(
        f"{API}/applications/spots/predictions", files=files, data={"consent": consent}, headers={"Prefer": "wait=30"}
    )
    assert said.status_code == 200, said.text
    answer: dict[str, Any] = said.json()
    return answer


def upload(own: Service, stack: ExitStack) -> tuple[list[httpx.Client], dict[str, int]]:
    """Ten people with four frames each; which frame each answer is about."""
    people, numbers = [stack.enter_context(own.register(f"p{n}")) for n in range(PEOPLE)], {}
    for number in range(PEOPLE * EACH):
        answer = ask(people[number % PEOPLE], number, consent="training")
        numbers[answer["id"]] = number
    return people, numbers


def review(client: httpx.Client, numbers: dict[str, int]) -> None:
    """Every answer out of the inbox, with the outline as it should be."""
    while readings := client.post(f"{API}/inbox/next", json={"application": "spots", "count": 10}).json():
        for reading in readings:
            prediction = reading["prediction"]["id"]
            mask = encoded(Image.fromarray((frame(numbers[prediction])[1] > 0).astype(np.uint8)), "PNG")
            path = f"{API}/predictions/{prediction}/review/mask"
            kept = client.put(path, content=mask, headers={"Prefer": "wait=20"})
            assert kept.json()["mask"]["state"] == "kept", kept.text
            client.put(f"{API}/inbox/{reading['id']}/answer", json={"verdict": "wrong"}).raise_for_status()


def settled(client: httpx.Client, path: str, field: str, over: set[str]) -> dict[str, Any]:
    """What lies at ``path`` as soon as its field says one of these."""
    found: dict[str, Any] = {}

    def there() -> bool:
        found.update(client.get(path).json())
        return found[field] in over

    eventually(there, within_s=PATIENCE_S)
    return found


def archive(client: httpx.Client, dataset: str, form: str) -> dict[str, bytes]:
    said = client.get(f"{API}/datasets/{dataset}/export", params={"format": form})
    said.raise_for_status()
    with ZipFile(io.BytesIO(said.content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def outlined(client: httpx.Client, number: int) -> tuple[str, float]:
    """Which version answers about a frame that nothing was learnt from, and its Dice coefficient."""
    answer = ask(client, number)
    data = client.get(answer["links"]["mask"]).content
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) > 0
    true = frame(number)[1] > 0
    return str(answer["version"]), 2 * float((found & true).sum()) / max(1.0, float(found.sum() + true.sum()))


@pytest.mark.timeout(900)
def test_corrections_become_a_better_network_and_an_owner_can_leave(own: Service) -> None:
    with ExitStack() as stack:
        carla = curator(own, stack)
        people, numbers = upload(own, stack)
        review(carla, numbers)
        dataset = carla.post(f"{API}/datasets", json={"application": "spots", "name": "Spots"}).json()["id"]
        snapshot = settled(carla, f"{API}/datasets/{dataset}", "status", {"ready", "failed"})
        assert sum(snapshot["counts"].values()) == PEOPLE * EACH, snapshot
        assert min(snapshot["counts"].values()) >= EACH

        asked = {"application": "spots", "dataset_id": dataset, "recipe": "recipe"}
        run = carla.post(f"{API}/runs", json=asked).json()["id"]
        learnt = settled(carla, f"{API}/runs/{run}", "state", {"done", "failed", "cancelled"})
        assert (learnt["state"], learnt["epoch"]) == ("done", learnt["epochs"]), learnt["log"]
        model = f"{API}/models/{learnt['version_id']}"
        settled(carla, model, "state", {"submitted", "refused"})

        carla.post(f"{model}/evaluation", json={"dataset_id": dataset}).raise_for_status()
        judged = settled(carla, model, "state", {"evaluated"})["evaluation"]
        assert judged["images"] == snapshot["counts"]["test"] == judged["groups"] * EACH
        assert judged["figures"]["dice"]["second"] > judged["figures"]["dice"]["first"]
        assert judged["verdict"] == "cannot be told apart", "pictures of so few people prove nothing"
        shown = judged["pictures"][0]["number"]
        assert carla.get(f"{model}/evaluation/{shown}/second").content[8:12] == b"WEBP"

        first, poor = outlined(carla, 900)
        assert carla.post(f"{model}/activation", json={"password": "not mine"}).status_code == 401
        signed = {"password": PASSWORD}
        assert carla.post(f"{model}/activation", json=signed).json()["code"] == "reason_needed"
        signed |= {"reason": "It outlines what the former one cannot see."}
        carla.post(f"{model}/activation", json=signed).raise_for_status()
        eventually(lambda: outlined(carla, 901)[0] == learnt["version"])
        assert outlined(carla, 900)[1] > max(0.5, poor)
        assert carla.post(f"{model}/rollback").json()["version"] == first
        eventually(lambda: outlined(carla, 902)[0] == first)

        leaver = next(one for one in people if uses(one)["split"] == "training")
        assert (uses(leaver)["dataset_id"], uses(leaver)["versions"]) == (dataset, [learnt["version"]])
        number, forms = leaver.get(f"{API}/me").json()["id"], ("folders", "coco", "masks")
        before = {form: archive(carla, dataset, form) for form in forms}
        files = {kind: kept(own, kind) for kind in ("pictures", "masks", "outlines")}
        leaver.post(f"{API}/me/deletion", json={"password": PASSWORD}).raise_for_status()
        after = carla.get(f"{API}/datasets/{dataset}").json()
        assert (after["removed"], after["sha256"]) == (EACH, snapshot["sha256"])
        for form in forms:
            assert len(items(archive(carla, dataset, form))) == len(items(before[form])) - EACH
        rows = csv.DictReader(io.StringIO(archive(carla, dataset, "folders")["index.csv"].decode("utf-8-sig")))
        assert len(list(rows)) == len(items(before["folders"])) - EACH
        for kind, there in files.items():
            eventually(lambda kind=kind, there=there: len(kept(own, kind)) < len(there), within_s=PATIENCE_S)  # type: ignore[misc]

        administrator = stack.enter_context(own.sign_in(*own.administrator))
        (noted,) = administrator.get(f"{API}/audit", params={"action": "user.erased"}).json()["items"]
        assert (noted["subject"], noted["email"]) == (f"user:{number}", None)
        assert noted["facts"] == {"images": EACH, "datasets": [dataset], "versions": [learnt["version"]]}


def uses(client: httpx.Client) -> dict[str, Any]:
    """The one dataset that has this person's images."""
    (use,) = client.get(f"{API}/me/datasets").json()
    found: dict[str, Any] = use
    return found


def kept(own: Service, kind: str) -> set[str]:
    """What datasets keep of pictures or masks."""
    return {path.name for path in (own.data_dir / "blobs" / kind).rglob("*") if path.is_file()}


def items(files: dict[str, bytes]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(files["dataset.json"])["items"]
    return found
