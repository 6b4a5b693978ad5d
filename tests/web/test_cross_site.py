"""Another site cannot make a signed-in browser do anything: tried on every route that changes something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from atisbo.domain.access import Actor, Role
from atisbo.services import tokens
from atisbo.services.work import Workplace
from tests.conftest import PASSWORD
from tests.web.doors import opened
from tests.web.permissions import Route, routes
from tests.web.tabs import Tab

Make = Callable[..., Actor]


@pytest.fixture
def app(workplace: Workplace, tmp_path: Path) -> FastAPI:
    return opened(workplace, tmp_path)


@pytest.fixture
def tab(app: FastAPI, make_actor: Make) -> Tab:
    """An administrator's, who may do everything."""
    tab = Tab(app)
    assert tab.sign_in(make_actor("root", Role.ADMINISTRATOR)).status_code == 303
    return tab


def code(tab: Tab, route: Route, headers: dict[str, str | None], **form: str) -> tuple[int, str]:
    """The status, and which refusal it was."""
    body: dict[str, Any] = dict(route.body)
    if "data" in body:
        body["data"] = body["data"] | form
    answer = tab.ask(route.method, route.address, headers=headers | {"Accept": "*/*"}, **body)
    said = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    return answer.status_code, str(said.get("code", ""))


WAYS: dict[str, tuple[dict[str, str | None], bool, str]] = {
    "another site, with the token": ({"Sec-Fetch-Site": "cross-site"}, True, "cross_site"),
    "a sibling's host, with the token": ({"Sec-Fetch-Site": "same-site"}, True, "cross_site"),
    "an old browser": ({"Sec-Fetch-Site": None, "Origin": "https://evil.example"}, True, "cross_site"),
    "a sandbox": ({"Sec-Fetch-Site": None, "Origin": "null"}, True, "cross_site"),
    "our own site, without the token": ({}, False, "csrf"),
    "nothing said of where": ({"Sec-Fetch-Site": None}, False, "csrf"),
    "behind a proxy's own password": ({"Authorization": "Basic eDp5"}, False, "csrf"),
    "another's token": ({"X-CSRF-Token": "0" * 64}, False, "csrf"),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_unsafe_route_is_carried_out(app: FastAPI, tab: Tab, way: str) -> None:
    headers, with_token, expected = WAYS[way]
    if with_token:
        headers = headers | {"X-CSRF-Token": tab.csrf}
    unsafe = [route for route in routes(app) if route.method not in ("GET", "HEAD", "OPTIONS")]
    assert len(unsafe) > 80
    wrong = {route.name: said for route in unsafe if (said := code(tab, route, headers)) != (403, expected)}
    assert wrong == {}
    assert tab.get("/account").status_code == 200, "not even signing out"


def test_a_token_is_of_one_session(app: FastAPI, tab: Tab, make_actor: Make) -> None:
    other = Tab(app)
    other.sign_in(make_actor("eva"))
    theirs = other.csrf
    assert theirs != tab.csrf
    form = {"language": "es", "csrf_token": theirs}
    assert tab.ask("POST", "/account/language", data=form).status_code == 403
    assert tab.ask("POST", "/account/language", data=form | {"csrf_token": tab.csrf}).status_code == 303
    before = tab.csrf
    tab.post("/sign-out")
    assert tab.csrf != before


def test_nobody_is_signed_in_by_another_site(app: FastAPI, make_actor: Make) -> None:
    """To have somebody upload their pictures to an account that is not theirs."""
    thief, victim = make_actor("thief"), Tab(app)
    form = {"email": thief.email, "password": PASSWORD, "csrf_token": victim.csrf}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": None, "Origin": "https://evil.example"}):
        assert victim.ask("POST", "/sign-in", data=form, headers=headers).status_code == 403
    assert victim.get("/account").status_code == 303


def test_a_program_needs_no_token_and_lends_nobody_its_own(
    app: FastAPI, make_actor: Make, workplace: Workplace
) -> None:
    ana = make_actor("ana")
    token = workplace.within(lambda s: tokens.create(s, ana, name="t", scopes=["predict"]))
    asked = {"Authorization": f"Bearer {token}", "Origin": "https://evil.example"}
    answer = Tab(app).get("/api/v1/predictions", headers=asked)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers, "a script of another site cannot read it"
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    preflight = Tab(app).ask("OPTIONS", "/api/v1/tokens", headers=asked)
    assert preflight.status_code == 405
    assert not [name for name in preflight.headers if name.startswith("access-control-")]
