"""The headers that protect a reader stand on every kind of answer, and no page holds a script or style of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi import FastAPI

from atisbo.domain.access import Actor, Role
from atisbo.domain.applications import load
from atisbo.services.work import Workplace
from atisbo.store.blobs import derived
from atisbo.web import assets
from tests.services.asked import answered
from tests.web.doors import bearer, opened
from tests.web.permissions import routes
from tests.web.tabs import Tab

Make = Callable[..., Actor]
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
POLICY = {
    "default-src": {"'none'"},
    "script-src": {"'self'"},
    "style-src": {"'self'"},
    "img-src": {"'self'", "blob:", "data:"},
    "connect-src": {"'self'"},
    "font-src": {"'self'"},
    "manifest-src": {"'self'"},
    "form-action": {"'self'"},
    "frame-ancestors": {"'none'"},
    "base-uri": {"'none'"},
}
SHOWN = {"image/png", "image/jpeg", "image/webp"}


def protected(headers: dict[str, str], *, kept: bool = False) -> list[str]:
    """What is missing."""
    said = headers.get("content-security-policy", "")
    policy = {name: set(words) for name, *words in (part.split() for part in said.split(";") if part.strip())}
    wrong = [] if policy == POLICY else [f"content-security-policy: {said}"]
    wrong += [name for name, value in ALWAYS.items() if headers.get(name) != value]
    wrong += [] if "camera" in headers.get("permissions-policy", "") else ["permissions-policy"]
    cache = headers.get("cache-control", "")
    return wrong + ([] if kept or re.search("no-store|private", cache) else [f"cache-control: {cache}"])


@pytest.fixture
def app(workplace: Workplace, tmp_path: Path) -> FastAPI:
    made = opened(workplace, tmp_path, trials_per_minute=1)

    @made.get("/api/v1/broken")
    def broken() -> None:
        raise RuntimeError("a mistake in our own code, with a secret in it")

    @made.get("/broken")
    def broken_page() -> None:
        raise RuntimeError("the same as a page")

    return made


def test_every_kind_of_answer_is_protected(
    app: FastAPI, workplace: Workplace, make_actor: Make, tmp_path: Path
) -> None:
    ana = make_actor("ana")
    eye, _ = load(tmp_path / "eye")
    view = answered(workplace, ana, application=eye)
    for name in ("preview.jpg", "thumbnail.jpg", "crop.png"):
        workplace.blobs.put(derived(view.id, name), b"\xff\xd8 a picture")
    tab, hers = Tab(app), bearer(workplace, ana)
    tab.sign_in(ana)
    one = f"/api/v1/predictions/{view.id}"
    kinds = {
        "page": (200, tab.get("/about")),
        "page of one's own": (200, tab.get("/images")),
        "page that is not there": (404, tab.get("/nothing")),
        "page that is not allowed": (403, tab.get("/manage/users")),
        "page that broke": (500, tab.get("/broken")),
        "page to sign in first": (303, Tab(app).get("/images")),
        "form refused": (401, Tab(app).post("/sign-in", email="x", password="y")),
        "form from elsewhere": (403, tab.ask("POST", "/account/language", headers={"Sec-Fetch-Site": "cross-site"})),
        "static": (200, tab.get(assets.url("css/tokens.css"))),
        "static that is not there": (404, tab.get(assets.url("css/nothing.css"))),
        "sample": (200, tab.get("/a/polyp/samples/" + sample(app))),
        "reference": (200, tab.get("/docs")),
        "document": (200, tab.get("/api/openapi.json")),
        "healthy": (200, tab.get("/healthz")),
        "figures": (404, tab.get("/metrics")),
        "api": (200, tab.get("/api/v1/me", headers=hers)),
        "api without credentials": (401, Tab(app).get("/api/v1/me")),
        "api not there": (404, tab.get("/api/v1/nothing", headers=hers)),
        "api wrong method": (405, tab.ask("PATCH", "/api/v1/me", headers=hers)),
        "api malformed": (422, tab.ask("POST", "/api/v1/tokens", json={"days": "x"}, headers=hers)),
        "api no json": (422, tab.ask("POST", "/api/v1/tokens", content=b"{", headers=hers)),
        "api broken": (500, tab.get("/api/v1/broken", headers={"Accept": "application/json"})),
        "too large": (413, tab.ask("PUT", f"{one}/review", content=bytes(33 << 20), headers=hers)),
        "stranger's body": (401, Tab(app).ask("POST", "/api/v1/auth/logout", content=bytes(2 << 20))),
        "picture": (200, tab.get(f"{one}/preview.jpg", headers=hers)),
        "picture of a search": (200, tab.get(f"/api/v1/pictures/{view.id}/thumbnail.jpg", headers=hers)),
        "taken along": (200, tab.get("/api/v1/me/export", headers=hers)),
        "events that end": (200, tab.get(f"{one}/events", headers=hers)),
    }
    wrong = {}
    for name, (status, answer) in kinds.items():
        missing = protected(dict(answer.headers), kept=name in ("static", "static that is not there", "sample"))
        if answer.status_code != status or missing:
            wrong[name] = (answer.status_code, missing)
    assert wrong == {}
    for name in ("picture", "picture of a search"):
        headers = kinds[name][1].headers
        assert headers["content-type"] in SHOWN
        assert headers["content-disposition"].startswith(("inline", "attachment"))
    assert "secret" not in kinds["api broken"][1].text


def sample(app: FastAPI) -> str:
    return str(app.state.atisbo.application("polyp")[0].samples[0].file)


class _Inline(HTMLParser):
    """What a policy without inline would refuse."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.found += [f"{tag} {name}" for name in values if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and not values.get("src") and "json" not in str(values.get("type"))):
            self.found.append(tag)
        links = [str(values.get(name) or "") for name in ("href", "src", "action", "formaction")]
        self.found += [
            f"{tag} {link}" for link in links if link.lower().lstrip().startswith(("javascript:", "data:text"))
        ]


def test_no_page_holds_a_script_or_a_style(workplace: Workplace, make_actor: Make, tmp_path: Path) -> None:
    app = opened(workplace, tmp_path)
    tab = Tab(app)
    tab.sign_in(make_actor("root", Role.ADMINISTRATOR))
    seen, wrong = 0, {}
    for route in routes(app):
        if route.page and route.method == "GET":
            answer = tab.get(route.address, **route.body)
            if answer.headers.get("content-type", "").startswith("text/html"):
                seen += 1
                kept = "max-age" in answer.headers["cache-control"]
                if said := protected(dict(answer.headers), kept=kept) + _Inline(answer.text).found:
                    wrong[route.name] = said
    assert seen > 30
    assert wrong == {}
