"""A browser that is signed in by cookie: nobody else acts for it, and no script reads the cookie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tests.conftest import PASSWORD, Service


@pytest.fixture
def browser(service: Service) -> Iterator[httpx.Client]:
    """Signed in by cookie, as a browser is."""
    name = f"csrf-{uuid4().hex[:8]}"
    with service.register(name):
        pass
    headers = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    with httpx.Client(base_url=service.url, headers=headers) as client:
        token = re.search(r'name="csrf_token" value="([0-9a-f]+)"', client.get("/sign-in").text)
        assert token is not None
        form = {"email": f"{name}@example.org", "password": PASSWORD, "csrf_token": token[1]}
        answer = client.post("/sign-in", data=form)
        assert answer.status_code == 303, answer.text
        yield client


def csrf(client: httpx.Client) -> str:
    found = re.search(r'name="csrf-token" content="([0-9a-f]+)"', client.get("/images").text)
    assert found is not None
    return found[1]


def test_another_site_cannot_act_for_a_signed_in_browser(browser: httpx.Client) -> None:
    good = {"X-CSRF-Token": csrf(browser)}

    def create(headers: dict[str, str]) -> int:
        body = {"name": "n", "scopes": ["predict"]}
        return browser.post("/api/v1/tokens", json=body, headers=headers).status_code

    assert create(good) == 201
    assert create({}) == 403
    assert create({"X-CSRF-Token": "0" * 64}) == 403
    assert create(good | {"Sec-Fetch-Site": "cross-site"}) == 403
    assert create(good | {"Sec-Fetch-Site": "same-site"}) == 403
    del browser.headers["Sec-Fetch-Site"]
    assert create(good | {"Origin": "https://evil.example"}) == 403
    assert create(good | {"Origin": str(browser.base_url)}) == 201


def test_the_session_cookie_is_out_of_reach_of_scripts(browser: httpx.Client) -> None:
    cookie = next(c for c in browser.cookies.jar if c.name == "atisbo_session")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "lax"
