"""Versions and runs at the door: who may, and what a curator sees."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from atisbo.domain.access import Actor, Role
from atisbo.services import accounts, versions
from atisbo.services.work import Workplace
from tests.conftest import PASSWORD
from tests.services.versions import another, installed
from tests.web.doors import Door, bearer, opened

ONE = str(uuid4())
ROUTES = [
    ("POST", "/models", {"data": {"application": "colour"}, "files": {"card": b"{}", "model": b"x"}}),
    ("GET", "/models", {}),
    ("GET", "/models/activations?application=colour", {}),
    ("GET", f"/models/{ONE}", {}),
    ("POST", f"/models/{ONE}/activation", {"json": {"password": PASSWORD}}),
    ("POST", f"/models/{ONE}/rollback", {}),
    ("POST", f"/models/{ONE}/evaluation", {"json": {"dataset_id": ONE}}),
    ("GET", f"/models/{ONE}/evaluation/1/first", {}),
    ("PUT", f"/models/{ONE}/shadow", {}),
    ("DELETE", f"/models/{ONE}/shadow", {}),
    ("GET", f"/models/{ONE}/shadow", {}),
    ("POST", f"/models/{ONE}/retirement", {}),
    ("POST", "/runs", {"json": {"application": "colour", "dataset_id": ONE, "recipe": "recipe"}}),
    ("GET", "/runs", {}),
    ("GET", f"/runs/{ONE}", {}),
    ("POST", f"/runs/{ONE}/cancellation", {}),
    ("GET", f"/runs/{ONE}/events", {}),
]


@pytest.fixture
def door(workplace: Workplace, make_actor: Callable[..., Actor], tmp_path: Path) -> Callable[[Role], Door]:
    workplace.within(lambda s: versions.install(s, installed()))
    app = opened(workplace, tmp_path)
    return lambda role: Door(app, bearer(workplace, make_actor(role.value, role)))


def test_only_those_who_look_after_the_networks_may(door: Callable[[Role], Door]) -> None:
    ana, carla, admin = (door(role) for role in Role)
    for method, path, more in ROUTES:
        assert ana.ask(method, path, **more).status_code == 403, (method, path)
        for one in (carla, admin):
            assert one.ask(method, path, **more).status_code in (200, 404, 422), (method, path)


def test_a_wrong_signature_changes_nothing_and_guessing_is_slowed_down(
    workplace: Workplace, door: Callable[[Role], Door]
) -> None:
    carla = door(Role.CURATOR)
    card, model = another()
    files = {"card": card.model_dump_json().encode(), "model": model}
    brought = carla.post("/models", data={"application": "colour"}, files=files)
    assert (brought.status_code, brought.json()["state"]) == (202, "received")
    identity = brought.json()["id"]
    workplace.within(lambda s: versions.proven(s, version_id=UUID(identity)))
    codes = [
        carla.post(f"/models/{identity}/activation", json={"password": "guess", "reason": "x"}).status_code
        for _ in range(11)
    ]
    assert codes == [401] * 10 + [429]
    states = {one["version"]: one["state"] for one in carla.get("/models?application=colour").json()}
    assert states[card.version] == "submitted"


def test_pages_show_what_answers_and_what_may(workplace: Workplace, door: Callable[[Role], Door]) -> None:
    carla = door(Role.CURATOR)
    card, model = another()
    files = {"card": card.model_dump_json().encode(), "model": model}
    identity = carla.post("/models", data={"application": "colour"}, files=files).json()["id"]
    workplace.within(lambda s: versions.proven(s, version_id=UUID(identity)))
    token = workplace.within(
        lambda s: accounts.sign_in(s, workplace.settings, email="curator@example.org", password=PASSWORD)
    )

    def page(path: str) -> httpx.Response:
        async def get() -> httpx.Response:
            headers = {"Accept": "text/html", "Accept-Language": "en", "Cookie": f"atisbo_session={token}"}
            transport = httpx.ASGITransport(carla.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers) as client:
                return await client.get(path)

        return asyncio.run(get())

    overview = page("/manage/versions")
    assert overview.status_code == 200
    assert card.version in overview.text
    assert installed()["colour"][1].version in overview.text
    one = page(f"/manage/versions/{identity}").text
    assert "Your password, as your signature" in one
    assert "It was not found better: why should it answer?" in one
    assert "Training" in page("/manage/runs?application=colour").text
    assert page(f"/manage/versions/{uuid4()}").status_code == 404
