"""Nothing is set that was not meant to be set: fields beside the named ones are refused, or mean nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from atisbo.domain.access import Actor, Role
from atisbo.services import users
from atisbo.services.work import Workplace
from tests.conftest import PASSWORD
from tests.web.doors import Door, bearer, opened
from tests.web.permissions import routes
from tests.web.tabs import Tab

Make = Callable[..., Actor]
WANTED = {
    "role": "administrator",
    "id": "00000000-0000-4000-8000-000000000000",
    "owner_id": "00000000-0000-4000-8000-000000000000",
    "user_id": "00000000-0000-4000-8000-000000000000",
    "password_hash": "x",
    "disabled_at": None,
    "max_bytes": 2**50,
    "state": "active",
    "status": "done",
    "sampled": True,
    "created_at": "2000-01-01T00:00:00Z",
}
OURS = "/api/"
"""The other one, /v2, has bodies that somebody else's protocol defines."""
FREE = {"metadata", "answers", "values"}
"""Objects whose names the application's form gives; the service checks them against it."""


@pytest.fixture
def app(workplace: Workplace, tmp_path: Path) -> FastAPI:
    return opened(workplace, tmp_path)


def test_every_json_body_refuses_what_it_does_not_name(app: FastAPI, workplace: Workplace, make_actor: Make) -> None:
    door = Door(app, bearer(workplace, make_actor("root", Role.ADMINISTRATOR)))
    document, tried, wrong = app.openapi(), 0, {}
    for route in routes(app):
        if isinstance(route.body.get("json"), dict) and route.path.startswith(OURS):
            known = properties(document, route.path, route.method)
            for name, value in WANTED.items():
                if name not in known:
                    body = route.body["json"] | {name: value}
                    answer = door.ask(route.method, route.address.removeprefix("/api/v1"), json=body)
                    tried += 1
                    if answer.status_code != 422 or f'{name}","reason"' not in answer.text.replace(" ", ""):
                        wrong[f"{route.name} {name}"] = (answer.status_code, answer.text[:120])
    assert tried > 200
    assert wrong == {}


def properties(document: dict[str, Any], path: str, method: str) -> set[str]:
    schema = document["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]["schema"]
    return set(resolved(document, schema).get("properties", ()))


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        return found
    return schema


def loose(document: dict[str, Any], schema: dict[str, Any], at: str) -> list[str]:
    """Objects within a body that take any name."""
    schema = resolved(document, schema)
    inner = [one for key in ("anyOf", "oneOf", "allOf") for one in schema.get(key, ())]
    found = [where for one in inner for where in loose(document, one, at)]
    if schema.get("type") == "array":
        return found + loose(document, schema.get("items", {}), f"{at}[]")
    parts = schema.get("properties", {})
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        found += [at] if at.rsplit(".", 1)[-1] not in FREE else []
    return found + [where for name, one in parts.items() for where in loose(document, one, f"{at}.{name}")]


def test_no_object_within_a_body_takes_any_name(app: FastAPI) -> None:
    document, found = app.openapi(), list[str]()
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            content = said.get("requestBody", {}).get("content", {})
            if "application/json" in content and path.startswith(OURS):
                found += loose(document, content["application/json"]["schema"], f"{method} {path}")
    assert found == []


def test_a_form_sets_only_its_own_fields(app: FastAPI, workplace: Workplace, make_actor: Make) -> None:
    tab, root = Tab(app), make_actor("root", Role.ADMINISTRATOR)
    more = {name: str(value) for name, value in WANTED.items()}
    assert tab.post("/register", email="ana@example.org", password=PASSWORD, **more).status_code == 303
    assert tab.post("/account/language", language="es", **more).status_code == 303
    known = workplace.within(lambda s: users.list_users(s, root))
    ana = next(one for one in known if one.email == "ana@example.org")
    assert (ana.role, ana.disabled, ana.own_room) == (Role.USER, False, False)
    assert str(ana.id) != WANTED["id"]
    assert tab.get("/manage/users").status_code == 403


NUL = "a\x00b"


def test_a_character_that_cannot_be_stored_is_the_senders_fault(
    workplace: Workplace, make_actor: Make, tmp_path: Path
) -> None:
    """Wherever a text goes: never a server error."""
    app = opened(workplace, tmp_path)
    root = make_actor("root", Role.ADMINISTRATOR)
    tab, hers = Tab(app), bearer(workplace, root)
    tab.sign_in(root)
    filters = {"application": "eye", "filters": {"labels": [NUL], "versions": [NUL]}}
    token = tab.csrf
    answers = {
        "body": tab.ask("POST", "/api/v1/datasets/count", json=filters, headers=hers),
        "name": tab.ask("POST", "/api/v1/tokens", json={"name": NUL, "scopes": ["predict"]}, headers=hers),
        "query": tab.get("/api/v1/applications/eye/images", params={"owner": NUL, "version": NUL}, headers=hers),
        "cursor": tab.get("/api/v1/predictions", params={"before": NUL, "application": NUL}, headers=hers),
        "page": tab.get("/manage/datasets/count", params={"application": "eye", "labels": NUL, "versions": NUL}),
        "search": tab.get("/manage/users", params={"part": NUL}),
        "form": tab.ask("POST", "/business/scenarios", data={"name": NUL, "csrf_token": token}),
        "key": tab.ask("POST", "/api/v1/auth/refresh", json={"refresh_token": NUL}),
        "sign in": tab.ask("POST", "/sign-in", data={"email": NUL, "password": NUL, "csrf_token": token}),
    }
    assert {name: one.status_code for name, one in answers.items() if one.status_code >= 500} == {}
    assert answers["body"].json()["code"] == "value_wrong"
