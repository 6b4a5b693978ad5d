"""All images and the other pages of those who look after the service, without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import Service, eventually
from tests.web.test_pages import Forms, Reader


@pytest.fixture
def readers(service: Service) -> Iterator[Callable[..., Reader]]:
    with ExitStack() as stack:

        def make() -> Reader:
            reader = Reader(service)
            stack.callback(reader.http.close)
            return reader

        yield make


@pytest.fixture
def member(readers: Callable[..., Reader]) -> Reader:
    reader = readers()
    reader.register().raise_for_status()
    return reader


PLACES = ("images", "watch", "users", "system", "audit")


def administrator(service: Service, readers: Callable[..., Reader]) -> Reader:
    email, password = service.administrator
    reader = readers()
    reader.post("/sign-in", "/sign-in", email=email, password=password).raise_for_status()
    return reader


def test_every_place_opens_for_an_administrator_alone(
    service: Service, readers: Callable[..., Reader], member: Reader
) -> None:
    root = administrator(service, readers)
    for place in PLACES:
        page = root.http.get(f"/manage/{place}")
        assert page.status_code == 200, place
        assert f'href="/manage/{place}" aria-current="page"' in page.text, place
        assert member.http.get(f"/manage/{place}").status_code == 403, place
    assert root.http.get("/manage").url.path == "/manage/images"


def test_an_image_of_somebody_is_found_taken_along_and_deleted(
    service: Service, member: Reader, readers: Callable[..., Reader]
) -> None:
    said = member.upload("findme.jpg")
    root = administrator(service, readers)
    address = f"/manage/images?application=polyp&owner={member.email}"
    page = root.http.get(address).text
    assert "findme.jpg" in page
    assert "findme.jpg" not in root.http.get(address + "&status=failed").text
    form = Forms(page).by_action["/manage/images/deletion"]
    chosen = form | {"chosen": str(said["id"])}
    archive = root.http.post("/manage/images/archive", data=chosen)
    assert archive.content[:2] == b"PK"
    asking = root.http.post("/manage/images/deletion", data=chosen)
    assert "Delete this image?" in asking.text
    again = Forms(asking.text).by_action["/manage/images/deletion"]
    gone = root.http.post("/manage/images/deletion", data=again)
    assert "Deleted: one image." in gone.text
    assert member.http.get(f"/api/v1/predictions/{said['id']}").status_code == 404
    (undoing,) = (action for action in Forms(gone.text).by_action if action.startswith("/deletions/"))
    back = root.http.post(undoing, data=Forms(gone.text).by_action[undoing])
    assert back.url.path == "/manage/images"
    assert "findme.jpg" in member.http.get("/images").text
    root.http.post("/manage/images/deletion", data=again)
    log = root.http.get("/manage/audit?action=image.deleted").text
    assert "Deleted an image" in log


def test_a_link_for_a_new_password_is_made_and_used(
    service: Service, member: Reader, readers: Callable[..., Reader]
) -> None:
    root = administrator(service, readers)
    found = re.search(r'href="(/manage/users/[\w-]{36})"', root.http.get(f"/manage/users?q={member.email}").text)
    assert found
    offered = root.post(found[1], f"{found[1]}/reset")
    link = re.search(r"/password\?token=[\w-]+", offered.text)
    assert link
    set_anew = readers().post(link[0], "/password", password="quite another one")
    assert "The new password is set." in set_anew.text
    assert member.http.get("/account", follow_redirects=False).status_code == 303, "signed out everywhere"
    root.post(found[1], f"{found[1]}/disabling")
    refused = readers().post("/sign-in", "/sign-in", email=member.email, password="quite another one")
    assert refused.status_code == 401


def test_the_same_is_told_by_api(service: Service) -> None:
    with service.sign_in(*service.administrator) as client:
        watch = client.get("/api/v1/applications/polyp/watch?days=7").raise_for_status().json()
        assert len(watch["days"]) == 7
        page = client.get("/api/v1/audit?limit=1").raise_for_status().json()
        assert page["items"][0]["action"] == "user.signed_in"
        assert page["next"] == page["items"][0]["number"]
        eventually(lambda: [one["alive"] for one in client.get("/api/v1/system").json()["workers"]] == [True])
        found = client.get("/api/v1/applications/polyp/images?until=9999-12-31&owner=nobody").raise_for_status().json()
        assert found == {"items": [], "next": None, "count": 0}
