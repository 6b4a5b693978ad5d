"""The shipped application spoken to directly, without a server, a worker or a browser."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from atisbo.domain.access import Actor
from atisbo.services import tokens
from atisbo.services.work import Workplace
from atisbo.web.app import create_app
from tests.conftest import PASSWORD

HERE = Path(__file__).parent
APPLICATIONS = HERE.parent / "applications_for_tests"


@dataclass(frozen=True)
class Door:
    """One person's way in; ``headers`` go with every request."""

    app: FastAPI
    headers: dict[str, str]

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._ask(method, path, more))

    async def _ask(self, method: str, path: str, more: dict[str, Any]) -> httpx.Response:
        headers = self.headers | more.pop("headers", {})
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers) as client:
            return await client.request(method, f"/api/v1{path}", **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def put(self, path: str, body: Any, **more: Any) -> httpx.Response:
        return self.ask("PUT", path, json=body, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("POST", path, **more)

    def delete(self, path: str) -> httpx.Response:
        return self.ask("DELETE", path)


def opened(workplace: Workplace, folder: Path, **settings: Any) -> FastAPI:
    """The application with a folder of further applications: those of the tests, the eye with a form and a consent."""
    for name in ("eye", "colour"):
        shutil.copytree(APPLICATIONS / name, folder / name, dirs_exist_ok=True)
    toml = folder / "eye" / "application.toml"
    toml.write_text(toml.read_text() + "\n" + (HERE / "form.toml").read_text())
    changed = workplace.settings.model_copy(update={"applications_dir": folder} | settings)
    return create_app(replace(workplace, settings=changed))


def bearer(workplace: Workplace, actor: Actor) -> dict[str, str]:
    """What a program of this person sends."""
    pair = workplace.within(
        lambda s: tokens.issue(s, workplace.settings, workplace.secrets, email=actor.email, password=PASSWORD)
    )
    return {"Authorization": f"Bearer {pair.access_token}", "Accept-Language": actor.language}
