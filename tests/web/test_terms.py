"""The page on which one agrees, without a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import PASSWORD, Service
from tests.web.test_pages import Reader


@pytest.fixture
def newcomer(service: Service) -> Iterator[Reader]:
    """Registered by the page; nothing is agreed to yet."""
    reader = Reader(service, "es")
    page = reader.post("/register", "/register", email=reader.email, password=PASSWORD)
    assert page.url.path == "/a/polyp"
    yield reader
    reader.http.close()


def test_the_workbench_knows_who_has_to_be_asked_before_the_first_upload(newcomer: Reader) -> None:
    assert "data-agreed" not in newcomer.http.get("/a/polyp").text
    page = newcomer.http.get("/terms?next=/a/polyp")
    assert "no son un diagnóstico" in page.text
    agreed = newcomer.post("/terms?next=/a/polyp", "/terms")
    assert (agreed.status_code, agreed.url.path) == (200, "/a/polyp")
    assert "data-agreed" in agreed.text
    assert "Usted ya lo ha aceptado." in newcomer.http.get("/terms").text


def test_everything_but_uploading_is_open_without_agreeing(newcomer: Reader) -> None:
    for path in ("/a/polyp", "/images", "/account", "/a/polyp/card", "/about"):
        page = newcomer.http.get(path)
        assert (page.status_code, page.url.path) == (200, path)


def test_an_older_text_is_shown_anew(newcomer: Reader) -> None:
    page = newcomer.post("/terms", "/terms", version="99")
    assert page.status_code == 412
    assert "El texto ha cambiado." in page.text


def test_nobody_is_sent_to_another_site(newcomer: Reader) -> None:
    page = newcomer.post("/terms?next=https://evil.example/", "/terms")
    assert page.url.host == "127.0.0.1"
    assert page.url.path == "/a/polyp"


def test_a_stranger_can_read_it_and_not_agree(service: Service) -> None:
    reader = Reader(service)
    page = reader.http.get("/terms").text
    assert "not a diagnosis" in page
    assert "I have read this and agree" not in page
    reader.http.close()
