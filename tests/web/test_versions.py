"""Versions and runs at the door: who may, and what a curator sees."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy.orm import Session

from atisbo.cli.trial import plain
from atisbo.domain.access import Actor, Role
from atisbo.domain.cards import Interval, Measurement
from atisbo.evaluation.compare import paired
from atisbo.services import accounts, evaluations, versions
from atisbo.services.work import Workplace
from atisbo.store.versions import VersionRecord
from tests.conftest import PASSWORD
from tests.services.versions import another, installed
from tests.web.doors import Door, bearer, opened
from tests.web.tabs import Tab
from tests.web.test_pages import Forms

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


def reading(workplace: Workplace, carla: Door) -> Callable[[str], httpx.Response]:
    """The curator's browser."""
    token = workplace.within(
        lambda s: accounts.sign_in(s, workplace.settings, email="curator@example.org", password=PASSWORD)
    )

    async def get(path: str) -> httpx.Response:
        headers = {"Accept": "text/html", "Accept-Language": "en", "Cookie": f"atisbo_session={token}"}
        transport = httpx.ASGITransport(carla.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers) as client:
            return await client.get(path)

    return lambda path: asyncio.run(get(path))


def test_pages_show_what_answers_and_what_may(workplace: Workplace, door: Callable[[Role], Door]) -> None:
    carla = door(Role.CURATOR)
    card, model = another()
    files = {"card": card.model_dump_json().encode(), "model": model}
    identity = carla.post("/models", data={"application": "colour"}, files=files).json()["id"]
    workplace.within(lambda s: versions.proven(s, version_id=UUID(identity)))
    page = reading(workplace, carla)
    overview = page("/manage/versions")
    assert overview.status_code == 200
    assert card.version in overview.text
    assert installed()["colour"][1].version in overview.text
    one = page(f"/manage/versions/{identity}").text
    assert "Your password, as your signature" in one
    assert "It was not found better: why should it answer?" in one
    assert "Training" in page("/manage/runs?application=colour").text
    assert page(f"/manage/versions/{uuid4()}").status_code == 404


def test_what_few_people_sent_in_proves_nothing_and_the_pages_say_so(
    workplace: Workplace, door: Callable[[Role], Door]
) -> None:
    """Every image but one of one person: a bootstrap without an interval once made a candidate better."""
    carla = door(Role.CURATOR)
    card, model = another()
    figures = {"accuracy": Interval(value=0.875, low=None, high=None, n=40)}
    whole = Measurement(name="validation frames", data="40 frames", data_sha256="0" * 64, command="x", figures=figures)
    card = card.model_copy(update={"quality": (whole,)})
    files = {"card": card.model_dump_json().encode(), "model": model}
    identity = UUID(carla.post("/models", data={"application": "colour"}, files=files).json()["id"])
    workplace.within(lambda s: versions.proven(s, version_id=identity))
    active = workplace.within(lambda s: versions.answering(s)["colour"].card.version)
    two = {
        "accuracy": paired([0.5] * 40, [0.7] * 40, ["ana"] * 40, name="accuracy"),
        "auc": paired([0.5] * 40, [0.7] * 40, ["ana"] * 39 + ["ben"], name="auc"),
    }
    result = {"task": "classification", "images": 40, "groups": 2, "figures": plain(two), "subgroups": []}

    def judge(session: Session) -> None:
        record = session.get_one(VersionRecord, identity)
        record.evaluation = {"status": "running", "against": active, "dataset": {"id": ONE, "name": "A set"}}
        evaluations.finish(session, version_id=identity, result=result | {"pictures": []})

    workplace.within(judge)
    said = carla.get(f"/models/{identity}").json()["evaluation"]
    assert said["verdict"] == "cannot be told apart"
    assert (said["figures"]["accuracy"]["low"], said["figures"]["accuracy"]["groups"]) == (None, 1)
    page = reading(workplace, carla)
    judged = page(f"/manage/versions/{identity}").text
    assert "to tell the two apart: 2. At least 10 are needed." in judged
    assert "40 images, independent groups: 1" in judged
    assert "no interval" in judged
    assert judged.count("Too few groups") == 2
    unsigned = carla.post(f"/models/{identity}/activation", json={"password": PASSWORD})
    assert unsigned.json()["code"] == "reason_needed"
    shown = page(f"/a/colour/card/{card.version}").text
    assert "0.875" in shown
    assert "no interval, since its 40 images belong together" in shown


def test_a_wrong_signature_is_said_at_its_field_and_blames_no_address(
    workplace: Workplace, make_actor: Callable[..., Actor], tmp_path: Path
) -> None:
    workplace.within(lambda s: versions.install(s, installed()))
    carla = make_actor("carla", Role.CURATOR)
    app = opened(workplace, tmp_path)
    card, model = another()
    files = {"card": card.model_dump_json().encode(), "model": model}
    door = Door(app, bearer(workplace, carla))
    identity = door.post("/models", data={"application": "colour"}, files=files).json()["id"]
    workplace.within(lambda s: versions.proven(s, version_id=UUID(identity)))
    tab = Tab(app)
    tab.sign_in(carla)
    answer = tab.post(f"/manage/versions/{identity}/activation", password="guess", reason="x")
    assert answer.status_code == 401
    assert "The password is not right." in answer.text
    assert "address" not in answer.text.split("The password is not right.")[0].rsplit("<form", 1)[1]
    focused = [values for _, values in Forms(answer.text).elements if "autofocus" in values]
    assert [one["id"] for one in focused] == ["password"], "there the browser goes"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("epochs", "0", "Las épocas tienen que ser un número entero de 1 a 1000."),
        ("learning_rate", "2", "La tasa de aprendizaje tiene que ser un número mayor que 0 y como mucho 1."),
    ],
)
def test_what_a_run_cannot_be_told_is_named_in_the_language_of_the_reader(
    field: str, value: str, said: str, workplace: Workplace, make_actor: Callable[..., Actor], tmp_path: Path
) -> None:
    carla = make_actor("carla", Role.CURATOR)
    workplace.within(lambda s: accounts.set_language(s, carla, language="es"))
    workplace.within(lambda s: versions.install(s, installed()))
    tab = Tab(opened(workplace, tmp_path))
    tab.sign_in(carla)
    answer = tab.post("/manage/runs", application="colour", dataset=ONE, recipe="recipe", **{field: value})
    assert answer.status_code == 422
    assert said in answer.text
    assert "Input should" not in answer.text
