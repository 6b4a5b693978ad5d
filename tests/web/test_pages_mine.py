"""My images and leaving, without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.conftest import PASSWORD, Service
from tests.web.test_pages import Reader


@pytest.fixture
def member(service: Service) -> Iterator[Reader]:
    reader = Reader(service)
    reader.register().raise_for_status()
    yield reader
    reader.http.close()


def test_images_are_filtered_by_review_and_application(member: Reader) -> None:
    said = member.upload("seen.jpg")
    token = re.search(r'name="csrf-token" content="(\w+)"', member.http.get("/about").text)
    assert token
    assert "seen.jpg" in member.http.get("/images?reviewed=no&application=polyp&status=done").text
    assert "seen.jpg" not in member.http.get("/images?reviewed=yes").text
    path = f"/api/v1/predictions/{said['id']}/review"
    member.http.put(path, json={"verdict": "right"}, headers={"X-CSRF-Token": token[1]}).raise_for_status()
    assert "seen.jpg" in member.http.get("/images?reviewed=yes&application=polyp").text
    assert "seen.jpg" not in member.http.get("/images?reviewed=no").text
    kept = member.http.get("/images?reviewed=yes").text
    assert "/images?status=done&amp;reviewed=yes" in kept, "a state is chosen beside what was chosen before"


def test_leaving_takes_the_password_and_then_everything(member: Reader) -> None:
    wrong = member.post("/account", "/account/deletion", password="not the password")
    assert wrong.status_code == 422
    assert "The password is not right." in wrong.text
    gone = member.post("/account", "/account/deletion", password=PASSWORD)
    assert "Your account and everything in it are deleted." in gone.text
    again = member.post("/sign-in", "/sign-in", email=member.email, password=PASSWORD)
    assert again.status_code == 401
