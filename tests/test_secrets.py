"""Secrets are made here, kept as hashes, written nowhere: a real run, then every log and every table is searched."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pyotp
import pytest
from psycopg import sql

from tests.conftest import PASSWORD, Service, start_service, stop_service
from tests.pictures import jpeg

PAGE = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html", "Accept-Language": "en"}
METRICS = "figures-5d1b7f0e6f2c4a9d"
KEPT_ON_PURPOSE = {"secrets.json"}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Service, Path]]:
    """A service that writes down as much as it can."""
    log = tmp_path / "stderr.log"
    environment = {"ATISBO_LOG_LEVEL": "DEBUG", "ATISBO_METRICS_TOKEN": METRICS, "ATISBO_WEBHOOK_HOSTS": "x.test"}
    running = start_service(tmp_path / "data", complaints=log, **environment)
    yield running, log
    if running.process.poll() is None:
        stop_service(running)


class Person:
    """Uses every secret there is in every way that there is, rightly and wrongly."""

    def __init__(self, service: Service) -> None:
        self.url = service.url
        self.secrets: dict[str, str] = {"password": PASSWORD, "figures": METRICS}
        self.secrets["administrator's password"] = service.administrator[1]
        root = json.loads((service.data_dir / "secrets.json").read_text())["root"]
        self.secrets["root"] = root
        self.administrator = service.sign_in(*service.administrator)

    def noted(self, name: str, value: str) -> str:
        assert len(value) >= 6, name
        self.secrets[name] = value
        return value

    def api(self) -> None:
        account = {"email": "ana@example.org", "password": PASSWORD, "consent": True}
        httpx.post(f"{self.url}/api/v1/auth/register", json=account).raise_for_status()
        pair = self._token(username="ana@example.org", password=PASSWORD).json()
        self.noted("access token", pair["access_token"])
        old = self.noted("refresh token", pair["refresh_token"])
        fresh = httpx.post(f"{self.url}/api/v1/auth/refresh", json={"refresh_token": old}).json()
        self.noted("next refresh token", fresh["refresh_token"])
        hers = {"Authorization": f"Bearer {fresh['access_token']}"}
        body = {"name": "t", "scopes": ["predict"]}
        made = httpx.post(f"{self.url}/api/v1/tokens", json=body, headers=hers).json()["token"]
        self.noted("personal token", made)
        secret = httpx.post(f"{self.url}/api/v1/me/webhooks/secret", headers=hers).json()["secret"]
        self.noted("webhook secret", secret)
        asked = {"Authorization": f"Bearer {made}", "Prefer": "wait=30"}
        ask = f"{self.url}/api/v1/applications/polyp/predictions"
        httpx.post(ask, files={"file": ("a.jpg", jpeg())}, headers=asked, timeout=60).raise_for_status()
        httpx.get(f"{self.url}/metrics", headers={"Authorization": f"Bearer {METRICS}"}).raise_for_status()
        httpx.post(f"{self.url}/api/v1/auth/refresh", json={"refresh_token": old})  # the theft is noticed

    def _token(self, **form: str) -> httpx.Response:
        return httpx.post(f"{self.url}/api/v1/auth/token", data=form)

    def mistakes(self) -> None:
        """A password in the wrong field, a token in the address, and whatever makes the service complain."""
        self._token(username=PASSWORD, password=self.noted("another's password", "another horse entirely"))
        self._token(username="x" * 100_000, password=PASSWORD)
        for bad in ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", self.noted("old token", "atb_" + "q" * 43)):
            httpx.get(f"{self.url}/api/v1/me", headers={"Authorization": f"Bearer {bad}"})
            httpx.get(f"{self.url}/api/v1/me?access_token={bad}")
        wrong = {"email": "ana@example.org", "password": self.noted("typed twice", "typed-twice-password"), "x": 1}
        httpx.post(f"{self.url}/api/v1/auth/register", json=wrong)
        httpx.post(f"{self.url}/api/v1/auth/register", json={k: wrong[k] for k in ("email", "password")})

    def pages(self) -> None:
        with httpx.Client(base_url=self.url, headers=PAGE, timeout=30) as client:
            self._form(client, "/sign-in", email="ana@example.org", password=PASSWORD)
            self._cookies(client)
            begun = self._form(client, "/account/second-factor")
            key = self.noted("key of the second factor", found(r"<code>([A-Z2-7]{32})</code>", begun))
            done = self._form(client, "/account/second-factor/confirmation", code=pyotp.TOTP(key).now())
            self.noted("recovery code", found(r"<code>([0-9a-f]{6}-[0-9a-f]{6})</code>", done))
        with httpx.Client(base_url=self.url, headers=PAGE, timeout=30) as client:
            asked = self._form(client, "/sign-in", email="ana@example.org", password=PASSWORD)
            ticket = self.noted("ticket", found(r'name="ticket" value="([^"]+)"', asked))
            code = pyotp.TOTP(self.secrets["key of the second factor"]).at(int(time.time()) + 30)
            self._form(client, "/sign-in/code", ticket=ticket, code=code)
            self._cookies(client, "second ")
            new = self.noted("new password", "a password that is new")
            self._form(client, "/account/password", current=PASSWORD, new=new)

    def links(self) -> None:
        """What an administrator hands out, opened and used."""
        user = next(one for one in self.administrator.get("/api/v1/users").json() if one["email"].startswith("ana@"))
        reset = self.administrator.post(f"/api/v1/users/{user['id']}/reset").json()["token"]
        self.noted("reset", reset)
        invitation = self.administrator.post("/api/v1/users/invitations", json={"role": "curator"}).json()["token"]
        self.noted("invitation", invitation)
        with httpx.Client(base_url=self.url, headers=PAGE, timeout=30) as client:
            client.get(f"/password?token={reset}").raise_for_status()
            self._form(client, "/password", token=reset, password=self.noted("reset password", "one more password"))
            client.get(f"/register?invitation={invitation}").raise_for_status()
            self._form(client, "/register", email="eva@example.org", password=PASSWORD, invitation=invitation)

    def _form(self, client: httpx.Client, path: str, **fields: str) -> str:
        token = self.noted("csrf token", found(r'name="csrf-token" content="(\w+)"', client.get("/about").text))
        answer = client.post(path, data=fields | {"csrf_token": token})
        assert answer.status_code in (200, 303), (path, answer.status_code, answer.text[:2000])
        return answer.text

    def _cookies(self, client: httpx.Client, which: str = "") -> None:
        for one in client.cookies.jar:
            if one.name in ("atisbo_session", "atisbo_device"):
                self.noted(which + one.name, str(one.value))


def found(pattern: str, text: str) -> str:
    hit = re.search(pattern, text)
    assert hit, (pattern, text[:3000])
    return hit[1]


def rows(service: Service) -> Iterator[tuple[str, str]]:
    """Every row of the database as text, with its table."""
    with psycopg.connect(service.database_url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (name,) in names:
            query: Any = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(name))
            yield from ((name, row[0]) for row in connection.execute(query))


def files(data_dir: Path) -> Iterator[tuple[str, str]]:
    """What else was written: logs, settings, leftovers; not the tables, which were read, and their journal."""
    tables = {"base", "pg_wal", "global"}
    for path in data_dir.rglob("*"):
        name = path.relative_to(data_dir)
        if path.is_file() and path.name not in KEPT_ON_PURPOSE and not tables & set(name.parts):
            yield str(name), path.read_bytes().decode("latin-1")


def test_no_secret_is_logged_or_stored(own: tuple[Service, Path]) -> None:
    service, log = own
    person = Person(service)
    person.api()
    person.mistakes()
    person.pages()
    person.links()
    person.administrator.close()
    stored = {(name, table) for table, row in rows(service) for name, one in person.secrets.items() if one in row}
    assert stored == set()
    stop_service(service)
    assert len(person.secrets) > 20
    said = log.read_text()
    assert "INFO    worker: " in said, "the log was not read"
    texts = {log.name: said} | dict(files(service.data_dir))
    assert any("postgres" in name and "log" in name for name in texts), "the database's own log was not read"
    leaked = {(name, where) for where, text in texts.items() for name, one in person.secrets.items() if one in text}
    assert leaked == set()
