"""The first page and its samples, for visitors without an account."""

from __future__ import annotations

import re

import httpx
import psycopg
import pytest
from fastapi import Request

from atisbo.domain.applications import SHIPPED, discover
from atisbo.errors import TooMany
from atisbo.web.assets import FOLDER
from atisbo.web.limits import Pace, address_of
from atisbo.web.shown import examples
from tests.conftest import Service

HEADERS = {"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Site": "same-origin"}
FROM_ELSEWHERE = HEADERS | {"Sec-Fetch-Site": "cross-site"}


def request_from(host: str) -> Request:
    return Request({"type": "http", "client": (host, 1234), "headers": []})


def counts(service: Service) -> list[int]:
    tables = ("trials", "images", "predictions", "users")
    with psycopg.connect(service.database_url) as connection:
        return [connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()[0] for table in tables]  # type: ignore[index]


def test_the_examples_were_computed_by_the_networks_that_ship() -> None:
    """After another network was shipped: python docs/pictures/showcase.py"""
    shipped, _ = discover([SHIPPED])
    assert {name: one.version for name, one in examples().items()} == {
        name: card.version for name, (_, card) in shipped.items()
    }
    for name, one in examples().items():
        assert (SHIPPED / name / "samples" / one.file).is_file()
        assert (FOLDER / one.picture).is_file()


def test_the_first_page_shows_an_answer_of_each(service: Service) -> None:
    html = httpx.get(service.url, headers=HEADERS).text
    for one in examples().values():
        assert one.version in html
        assert one.picture in html
    assert html.count('<path class="line"') >= 3
    assert "It is not a medical device" in html


def test_a_sample_is_answered_without_an_account_and_nothing_is_kept_until_it_is_too_often(service: Service) -> None:
    before = counts(service)
    page = httpx.post(f"{service.url}/try/glaucoma/retina-healthy.jpg", headers=HEADERS, timeout=60)
    assert page.status_code == 200, page.text
    assert re.search(r"<h1>(Healthy|Suspected glaucoma)</h1>", page.text)
    assert "Vertical cup-to-disc ratio" in page.text
    assert page.text.count('<path class="line"') == 2
    assert "set-cookie" not in page.headers
    assert counts(service) == before
    assert before[0] == 0
    answers = [httpx.post(f"{service.url}/try/polyp/frame-4.jpg", headers=HEADERS, timeout=60) for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert counts(service) == before


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("polyp/none.jpg", HEADERS, 404),
        ("nothing/frame-4.jpg", HEADERS, 404),
        ("polyp/..%2Fapplication.toml", HEADERS, 404),
        ("polyp/frame-4.jpg", FROM_ELSEWHERE, 403),
    ],
)
def test_nothing_but_a_sample_and_only_from_our_own_page(
    service: Service, path: str, headers: dict[str, str], status: int
) -> None:
    assert httpx.post(f"{service.url}/try/{path}", headers=headers, timeout=60).status_code == status


def test_after_a_switch_of_language_one_is_back_at_the_samples(service: Service) -> None:
    answer = httpx.get(f"{service.url}/try", headers=HEADERS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/#try")


def test_the_pace_is_an_addresss_own_and_everybodys() -> None:
    pace = Pace(2)
    for _ in range(2):
        pace.step(request_from("192.0.2.1"))
    with pytest.raises(TooMany):
        pace.step(request_from("192.0.2.1"))
    for n in range(58):
        pace.step(request_from(f"198.51.100.{n}"))
    with pytest.raises(TooMany):
        pace.step(request_from("203.0.113.1"))


def test_a_network_of_ipv6_addresses_counts_as_one() -> None:
    assert address_of(request_from("2001:db8::1")) == address_of(request_from("2001:db8::ffff"))
    assert address_of(request_from("2001:db8::1")) != address_of(request_from("2001:db8:0:1::1"))
    assert address_of(request_from("192.0.2.1")) == "192.0.2.1"


def test_pictures_of_the_first_page_are_light() -> None:
    assert sum((FOLDER / one.picture).stat().st_size for one in examples().values()) < 150_000
