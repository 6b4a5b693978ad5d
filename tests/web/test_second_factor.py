"""Setting the second factor up on the page, and signing in with it."""

from __future__ import annotations

import re
import time
from uuid import uuid4

import httpx
import pyotp

from tests.conftest import PASSWORD, Service

HEADERS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html", "Accept-Language": "en"}


def form(client: httpx.Client, address: str, **fields: str) -> httpx.Response:
    found = re.search(
        r'name="csrf_token" value="([0-9a-f]+)"', client.get("/about" if "code" in fields else "/sign-in").text
    )
    token = found[1] if found else re.findall(r'csrf-token" content="([0-9a-f]+)"', client.get("/about").text)[0]
    return client.post(address, data=fields | {"csrf_token": token})


def test_from_setting_up_to_signing_in(service: Service) -> None:
    email = f"second-{uuid4().hex[:8]}@example.org"
    service.register(email.partition("@")[0]).close()
    with httpx.Client(base_url=service.url, headers=HEADERS) as client:
        assert form(client, "/sign-in", email=email, password=PASSWORD).status_code == 303
        begun = form(client, "/account/second-factor")
        assert "<svg" in begun.text
        key = re.search(r"<code>([A-Z2-7]{32})</code>", begun.text)
        assert key
        app = pyotp.TOTP(key[1])
        wrong = form(client, "/account/second-factor/confirmation", code="12")
        assert wrong.status_code == 422
        assert key[1] in wrong.text, "the same key is shown again"
        done = form(client, "/account/second-factor/confirmation", code=app.now())
        codes = re.findall(r"<code>([0-9a-f]{6}-[0-9a-f]{6})</code>", done.text)
        assert len(codes) == 8

    with httpx.Client(base_url=service.url, headers=HEADERS) as client:
        asked = form(client, "/sign-in", email=email, password=PASSWORD, next="/images")
        assert asked.status_code == 200
        assert "atisbo_session" not in str(client.cookies)
        ticket = re.search(r'name="ticket" value="([^"]+)"', asked.text)
        assert ticket
        refused = form(client, "/sign-in/code", ticket=ticket[1], code="000001", next="/images")
        assert refused.status_code == 401
        assert "The code is wrong" in refused.text
        code = app.at(int(time.time()) + 30)
        opened = form(client, "/sign-in/code", ticket=ticket[1], code=code, next="/images")
        assert (opened.status_code, opened.headers["location"]) == (303, "/images")
        assert client.get("/images").status_code == 200
        late = form(client, "/sign-in/code", ticket="nonsense", code="1", next="/images")
        assert late.headers["location"].startswith("/sign-in?next=")

    answer = httpx.post(f"{service.url}/api/v1/auth/token", data={"username": email, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_needed")
    answer = httpx.post(
        f"{service.url}/api/v1/auth/token", data={"username": email, "password": PASSWORD, "code": codes[0]}
    )
    assert answer.status_code == 200
