"""A browser without scripts on the application itself: it keeps cookies, comes from an address, and says so."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
from fastapi import FastAPI

from atisbo.domain.access import Actor
from tests.conftest import PASSWORD

OURS = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html", "Accept-Language": "en"}


class Tab:
    """What a person types and sends; nothing is followed."""

    def __init__(self, app: FastAPI, *, address: str = "192.0.2.1", https: bool = False) -> None:
        self.app = app
        self.address = address
        self.base = "https://atisbo.test" if https else "http://atisbo.test"
        self.cookies = httpx.Cookies()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._ask(method, path, more))

    async def _ask(self, method: str, path: str, more: dict[str, Any]) -> httpx.Response:
        headers = {key: value for key, value in (OURS | more.pop("headers", {})).items() if value is not None}
        transport = httpx.ASGITransport(self.app, client=(self.address, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=self.base, cookies=self.cookies) as client:
            answer = await client.request(method, path, headers=headers, **more)
            self.cookies = client.cookies
        return answer

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    @property
    def csrf(self) -> str:
        found = re.search(r'name="csrf-token" content="(\w+)"', self.get("/about").text)
        return found[1] if found else ""

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of ours."""
        return self.ask("POST", path, data=fields | {"csrf_token": self.csrf})

    def sign_in(self, actor: Actor, password: str = PASSWORD) -> httpx.Response:
        return self.post("/sign-in", email=actor.email, password=password)

    def cookie(self, name: str) -> str:
        return next((one.value or "" for one in self.cookies.jar if one.name == name), "")
