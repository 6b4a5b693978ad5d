"""Who may use which route: the table says it, and every row of it is tried; a route without a row fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi import FastAPI

from atisbo.domain.access import SCOPES, Actor, Role
from atisbo.services import tokens
from atisbo.services.work import Workplace
from tests.web.doors import bearer, opened
from tests.web.permissions import ENDLESS, TABLE, Route, routes

Make = Callable[..., Actor]
REFUSED = (401, 403)
SIGN_IN = ("/api/v1/auth/token", "/api/v1/auth/refresh", "/sign-in")
"""Whoever may ask here is told 401 for the wrong password."""
RANK = {"nobody": 0, "user": 1, "curator": 2, "administrator": 3}


@dataclass(frozen=True)
class Row:
    """The least role that may, and the sets of a personal token's scopes each of which is enough.

    ``late`` rows need more of a request than is sent here before they look at who asks; they refuse all the same.
    """

    least: str
    scopes: tuple[frozenset[str], ...]
    late: bool

    @property
    def refusals(self) -> set[int]:
        return {403, 404, 422} if self.late else {403}


def table() -> dict[str, Row]:
    """``METHOD path role scopes``; ``-`` for a route that no personal token opens, ``*`` for any token at all,
    ``a,b`` where either will do and ``a+b`` where both are needed.

    ``late`` may stand at the end.
    """
    rows = {}
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            method, path, least, scopes, *late = line.split()
            said = {"-": [], "*": list(SCOPES)}.get(scopes, scopes.split(","))
            rows[f"{method} {path}"] = Row(least, tuple(frozenset(one.split("+")) for one in said), bool(late))
    return rows


async def ask(client: httpx.AsyncClient, route: Route, headers: dict[str, str]) -> int:
    accept = {"Accept": "text/html" if route.page else "application/json"}
    answer = await client.request(route.method, route.address, headers=headers | accept, **route.body)
    signed_out = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")
    return 401 if signed_out else answer.status_code


async def statuses(app: FastAPI, asked: list[tuple[Route, dict[str, str]]]) -> list[int]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        return [await ask(client, route, headers) for route, headers in asked]


def token(workplace: Workplace, actor: Actor, scopes: frozenset[str]) -> dict[str, str]:
    made = workplace.within(lambda s: tokens.create(s, actor, name="t", scopes=sorted(scopes)))
    return {"Authorization": f"Bearer {made}"}


def test_every_route_has_a_row_and_every_row_a_route(workplace: Workplace, tmp_path: Path) -> None:
    there = {route.name for route in routes(opened(workplace, tmp_path))}
    assert there - set(table()) == set(), "say in permissions.txt who may use them:\n" + "\n".join(
        sorted(there - set(table()))
    )
    assert set(table()) - there == set()


def test_each_role_reaches_what_the_table_says_and_nothing_else(
    workplace: Workplace, make_actor: Make, tmp_path: Path
) -> None:
    app = opened(workplace, tmp_path)
    rows = table()
    people = {role.value: bearer(workplace, make_actor(role.value, role)) for role in Role}
    asked, expected = [], []
    for route in routes(app):
        rank = RANK[rows[route.name].least]
        for name in ("nobody", *people)[max(0, rank - 1) : rank + 1]:  # the last that may not, the first that may
            may = RANK[name] >= rank
            if not (may and route.path in ENDLESS):
                asked.append((route, people.get(name, {})))
                expected.append((rows[route.name], name, may))
    wrong = []
    for (row, who, may), (route, _), status in zip(expected, asked, asyncio.run(statuses(app, asked)), strict=True):
        refused = {401} if who == "nobody" else row.refusals
        if (status in REFUSED and route.path not in SIGN_IN) if may else (status not in refused):
            wrong.append((route.name, who, "may" if may else "may not", status))
    assert wrong == [], "\n".join(map(str, wrong))


def test_a_personal_token_opens_what_its_scopes_say_and_nothing_else(
    workplace: Workplace, make_actor: Make, tmp_path: Path
) -> None:
    """Of an administrator, who would be allowed everything without one."""
    app = opened(workplace, tmp_path)
    root = make_actor("root", Role.ADMINISTRATOR)
    made: dict[frozenset[str], dict[str, str]] = {}
    asked, expected = [], []
    for route in routes(app):
        row = table()[route.name]
        if row.least == "nobody" or row.late or route.path in ENDLESS:
            continue
        spare = frozenset(SCOPES) - {min(one) for one in row.scopes}  # everything, but of each set one is missing
        for scopes, may in [(spare, False), *((one, True) for one in row.scopes[:1])]:
            if scopes:
                made.setdefault(scopes, token(workplace, root, scopes))
                asked.append((route, made[scopes]))
                expected.append((route.name, sorted(scopes), may))
    wrong = []
    for (name, scope, may), status in zip(expected, asyncio.run(statuses(app, asked)), strict=True):
        if (status in REFUSED) if may else (status != 403):
            wrong.append((name, scope, "may" if may else "may not", status))
    assert wrong == [], "\n".join(map(str, wrong))
