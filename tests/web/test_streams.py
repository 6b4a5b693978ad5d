"""A stream of events ends with the credentials that opened it: whoever is thrown out hears nothing more."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest

from tests.conftest import PASSWORD, Service
from tests.pictures import jpeg

ASK = "/api/v1/applications/polyp/predictions"


def by_revoking(service: Service, ana: httpx.Client) -> tuple[str, Callable[[], object]]:
    token = ana.post("/api/v1/tokens", json={"name": "t", "scopes": ["predict"]}).json()["token"]
    identity = ana.get("/api/v1/tokens").json()[0]["id"]
    return token, lambda: ana.delete(f"/api/v1/tokens/{identity}").raise_for_status()


def by_signing_out(service: Service, ana: httpx.Client) -> tuple[str, Callable[[], object]]:
    form = {"username": ana.get("/api/v1/me").json()["email"], "password": PASSWORD}
    pair = httpx.post(f"{service.url}/api/v1/auth/token", data=form).json()
    body = {"refresh_token": pair["refresh_token"]}
    return pair["access_token"], lambda: httpx.post(f"{service.url}/api/v1/auth/logout", json=body).raise_for_status()


@pytest.mark.parametrize("way", [by_revoking, by_signing_out])
def test_a_stream_ends_with_the_token_that_opened_it(
    service: Service, way: Callable[[Service, httpx.Client], tuple[str, Callable[[], object]]]
) -> None:
    with service.register(f"stream-{uuid4().hex[:8]}") as ana:
        token, end = way(service, ana)
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.stream("GET", f"{service.url}/api/v1/events", headers=headers, timeout=60) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000"
            asked = ana.post(ASK, files={"file": ("a.jpg", jpeg(seed=1))}).json()["id"]
            heard = next(line for line in lines if asked in line)
            assert "status" in heard
            end()
            time.sleep(1)  # as long as it may last
            later = ana.post(ASK, files={"file": ("b.jpg", jpeg(seed=2))}).json()["id"]
            assert not [line for line in lines if later in line], "it went on"
        assert httpx.get(f"{service.url}/api/v1/me", headers=headers).status_code == 401
