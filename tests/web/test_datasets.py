from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest
from fastapi import FastAPI

from atisbo.domain.access import Actor, Role
from atisbo.domain.applications import installed
from atisbo.services import snapshots
from atisbo.services.work import Workplace
from tests.services.curated import eye
from tests.web.doors import Door, bearer, opened

Make = Callable[..., Actor]


@dataclass(frozen=True)
class House:
    """Twelve reviewed images of ana's, and everybody's way in."""

    app: FastAPI
    doors: dict[str, Door]
    images: list[str]

    def __getitem__(self, who: str) -> Door:
        return self.doors[who]


@pytest.fixture
def house(workplace: Workplace, make_actor: Make, tmp_path: Path) -> House:
    app = opened(workplace, tmp_path)
    people = {
        "ana": make_actor(),
        "eva": make_actor("eva"),
        "cleo": make_actor("cleo", Role.CURATOR),
        "kim": make_actor("kim", Role.ADMINISTRATOR),
    }
    kind = installed(tmp_path)["eye"]
    views = [eye(workplace, people["ana"], seed, ("normal", "glaucoma")[seed % 2], kind=kind) for seed in range(12)]
    doors = {name: Door(app, bearer(workplace, actor)) for name, actor in people.items()}
    return House(app, doors, [str(view.image.id) for view in views])


@pytest.fixture
def made(house: House, workplace: Workplace, describe: snapshots.Describe) -> str:
    order = {"application": "eye", "name": "Spring", "group_by": []}
    answer = house["cleo"].post("/datasets", json=order)
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "building"
    number = str(answer.json()["id"])
    snapshots.build(workplace, dataset_id=answer.json()["id"], describe=describe)
    return number


def test_from_asking_to_taking_it_along(house: House, made: str) -> None:
    cleo = house["cleo"]
    said = cleo.get(f"/datasets/{made}").json()
    assert (said["status"], sum(said["counts"].values())) == ("ready", 12)
    assert [one["id"] for one in cleo.get("/datasets?application=eye").json()] == [made]
    assert cleo.get("/datasets?application=polyp").json() == []
    first = cleo.get(said["links"]["items"].removeprefix("/api/v1") + "?limit=5").json()
    rest = cleo.get(f"/datasets/{made}/items?after={first['next']}&limit=200").json()
    items = [*first["items"], *rest["items"]]
    assert len(items) == said["counts"]["training"] + said["counts"]["validation"]
    assert {item["split"] for item in items} == {"training", "validation"}
    picture = cleo.get(items[0]["links"]["picture"].removeprefix("/api/v1"))
    assert picture.content.startswith(b"\x89PNG")
    assert "# Spring" in cleo.get(f"/datasets/{made}/datasheet.md").text
    archive = ZipFile(io.BytesIO(cleo.get(f"/datasets/{made}/export").content))
    assert {"index.csv", "dataset.json"} <= set(archive.namelist())
    assert archive.testzip() is None


def test_a_count_before_anything_is_made(house: House) -> None:
    wanted = {"application": "eye", "filters": {"labels": ["normal"]}}
    assert house["cleo"].post("/datasets/count", json=wanted).json() == {
        "images": 6,
        "by_label": {"normal": 6},
        "owners": 1,
        "by_reviewer": {"owner": 6},
        "without_consent": 0,
    }


def test_who_may_do_what(house: House, made: str) -> None:
    order = {"application": "eye", "name": "Summer"}
    calls = [
        ("GET", "/datasets", {}, 200, 200),
        ("POST", "/datasets", {"json": order}, 202, 202),
        ("POST", "/datasets/count", {"json": {"application": "eye"}}, 200, 200),
        ("GET", f"/datasets/{made}", {}, 200, 200),
        ("GET", f"/datasets/{made}/items", {}, 200, 200),
        ("GET", f"/datasets/{made}/items?split=test", {}, 403, 200),
        ("GET", f"/datasets/{made}/datasheet.md", {}, 200, 200),
        ("GET", f"/datasets/{made}/export", {}, 200, 200),
        ("GET", f"/datasets/{made}/export?sealed=yes", {}, 403, 200),
        ("GET", f"/datasets/{made}/export?format=masks", {}, 409, 409),
        ("GET", f"/datasets/{made}/items/0/picture", {}, 404, 404),
    ]
    for method, path, more, curator, administrator in calls:
        assert house["ana"].ask(method, path, **more).status_code == 403, path
        assert house["cleo"].ask(method, path, **more).status_code == curator, path
        assert house["kim"].ask(method, path, **more).status_code == administrator, path


def test_the_picture_of_a_sealed_image_is_sealed_too(house: House, made: str) -> None:
    (item, *_) = house["kim"].get(f"/datasets/{made}/items?split=test").json()["items"]
    path = item["links"]["picture"].removeprefix("/api/v1")
    assert house["cleo"].get(path).status_code == 403
    assert house["kim"].get(path).status_code == 200


def test_no_image_tells_a_curator_that_it_is_sealed(house: House, made: str) -> None:
    def sides(name: str) -> list[str | None]:
        return [use["split"] for image in house.images for use in house[name].get(f"/images/{image}/datasets").json()]

    counts = house["cleo"].get(f"/datasets/{made}").json()["counts"]
    assert sides("cleo") == [None] * len(house.images)
    assert Counter(sides("ana")) == counts
    assert house["kim"].get("/audit?action=dataset.unsealed").json()["items"] == []
    assert sides("kim") == sides("ana")
    noted = house["kim"].get("/audit?action=dataset.unsealed").json()["items"]
    assert [one["subject"] for one in noted] == [f"dataset:{made}"] * counts["test"]


def test_whoever_takes_an_image_back_is_told_where_it_was(house: House, made: str) -> None:
    ana, image = house["ana"], house.images[0]
    (use,) = ana.get(f"/images/{image}/datasets").json()
    assert (use["name"], use["removed_at"], use["versions"]) == ("Spring", None, [])
    assert house["eva"].get(f"/images/{image}/datasets").status_code == 404
    (told,) = ana.delete(f"/images/{image}/consent").json()
    assert told["dataset_id"] == made
    assert told["removed_at"] is not None
    assert [one["name"] for one in ana.get("/me/datasets").json()] == ["Spring"]
    assert house["eva"].get("/me/datasets").json() == []
    assert house["cleo"].get(f"/datasets/{made}").json()["removed"] == 1


def test_what_is_wrong_is_said(house: House) -> None:
    def refused(**order: object) -> str:
        answer = house["cleo"].post("/datasets", json={"application": "eye", "name": "x"} | order)
        assert answer.status_code in (404, 409, 422)
        return str(answer.json()["code"])

    assert refused(name=" ") == "dataset_name"
    assert refused(group_by=["shoe"]) == "grouping_unknown"
    assert refused(application="nothing") == "application_unknown"
    assert refused(filters={"versions": ["v9"]}) == "dataset_empty"
    assert refused(shares={"training": 0.5, "validation": 0.1, "test": 0.1})
