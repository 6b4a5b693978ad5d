"""Taking everything along and leaving, by API."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

from atisbo.domain.access import Actor, Role
from atisbo.services.work import Workplace
from tests.conftest import PASSWORD
from tests.services.asked import ask
from tests.web.doors import Door, bearer, opened

Make = Callable[..., Actor]


def door(workplace: Workplace, folder: Path, actor: Actor) -> Door:
    return Door(opened(workplace, folder), bearer(workplace, actor))


def test_the_export_is_a_download(workplace: Workplace, make_actor: Make, tmp_path: Path) -> None:
    ana = make_actor()
    asked = ask(workplace, ana, b"mine")
    answer = door(workplace, tmp_path, ana).get("/me/export")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="atisbo.zip"'
    assert answer.headers["cache-control"] == "no-store"
    assert ZipFile(io.BytesIO(answer.content)).read(f"images/{asked.image.id}/original.jpg") == b"mine"


def test_leaving_needs_the_password_and_ends_everything(workplace: Workplace, make_actor: Make, tmp_path: Path) -> None:
    ana = door(workplace, tmp_path, make_actor())
    wrong = ana.post("/me/deletion", json={"password": "wrong wrong wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "password_wrong")
    assert ana.post("/me/deletion", json={"password": PASSWORD}).status_code == 204
    assert ana.get("/me").status_code == 401
    again = ana.post("/auth/token", data={"username": "ana@example.org", "password": PASSWORD})
    assert again.status_code == 401


def test_guessing_the_password_is_slowed_down(workplace: Workplace, make_actor: Make, tmp_path: Path) -> None:
    ana = door(workplace, tmp_path, make_actor())
    codes = [ana.post("/me/deletion", json={"password": "wrong wrong"}).status_code for _ in range(11)]
    assert codes == [422] * 10 + [429]


def test_the_only_administrator_stays(workplace: Workplace, make_actor: Make, tmp_path: Path) -> None:
    kim = door(workplace, tmp_path, make_actor("kim", Role.ADMINISTRATOR))
    answer = kim.post("/me/deletion", json={"password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")
    assert kim.get("/me").status_code == 200
