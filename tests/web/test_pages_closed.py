"""Pages of an installation that does not let everybody in, or that is being tried at."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from atisbo.services.work import Workplace
from atisbo.web.app import create_app

FORM = {"email": "ana@example.org", "password": "correct horse battery"}


class Door:
    """The shipped application with other settings, spoken to directly."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app)

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self._ask("GET", path, None))

    def post(self, path: str, data: dict[str, str]) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, data))

    async def _ask(self, method: str, path: str, data: dict[str, str] | None) -> httpx.Response:
        headers = {"Accept": "text/html", "Accept-Language": "es"}
        async with httpx.AsyncClient(transport=self._transport, base_url="http://door", headers=headers) as client:
            return await client.request(method, path, data=data)


def door(workplace: Workplace, **settings: object) -> Door:
    return Door(create_app(replace(workplace, settings=workplace.settings.model_copy(update=settings))))


@pytest.mark.parametrize(("mode", "said"), [("closed", "El registro está cerrado"), ("invitation", "Con invitación")])
def test_registering_where_it_is_not_open(workplace: Workplace, mode: str, said: str) -> None:
    visitor = door(workplace, registration=mode)
    page = visitor.get("/register").text
    assert said in page
    assert 'name="password"' not in page
    answer = visitor.post("/register", FORM)
    assert answer.status_code == 403
    assert "atisbo_session" not in answer.cookies
    assert 'href="/register"' not in visitor.get("/").text


def test_a_wrong_invitation_is_said(workplace: Workplace) -> None:
    visitor = door(workplace, registration="invitation")
    assert 'name="password"' in visitor.get("/register?invitation=guess").text
    answer = visitor.post("/register", FORM | {"invitation": "guess"})
    assert answer.status_code == 422
    assert "Esta invitación ya no es válida." in answer.text


def test_too_many_wrong_passwords_are_slowed_down(workplace: Workplace) -> None:
    visitor = door(workplace, sign_in_attempts_per_minute=2)
    codes = [visitor.post("/sign-in", FORM).status_code for _ in range(3)]
    assert codes == [401, 401, 429]
    assert "Demasiados intentos fallidos." in visitor.post("/sign-in", FORM).text


def test_with_a_public_https_address_the_cookie_is_bound_to_it(workplace: Workplace) -> None:
    visitor = door(workplace, public_url="https://atisbo.example.org")
    answer = visitor.post("/register", FORM)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-atisbo_session=")
    assert {"HttpOnly", "Secure", "Path=/"} <= set(cookie.split("; "))
    assert "Strict-Transport-Security" in answer.headers
