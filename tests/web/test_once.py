"""Secrets that are shown once: where the browser looks, not again, to nobody else, and reloading makes no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from atisbo.domain.access import Actor, Role
from atisbo.services import tokens
from atisbo.services.work import Workplace
from tests.web.doors import opened
from tests.web.tabs import Tab

Make = Callable[..., Actor]


@pytest.fixture
def root(make_actor: Make) -> Actor:
    return make_actor("root", Role.ADMINISTRATOR)


@pytest.fixture
def tab(workplace: Workplace, root: Actor, tmp_path: Path) -> Tab:
    tab = Tab(opened(workplace, tmp_path, webhook_hosts=("hooks.example.org",)))
    tab.sign_in(root)
    return tab


def secrets(answer: httpx.Response) -> list[str]:
    """What stands in fields to be copied from; the browser goes to them by itself."""
    return re.findall(r'value="([^"]+)" readonly autofocus', answer.text)


def asked(tab: Tab, kind: str, somebody: Actor) -> httpx.Response:
    if kind == "token":
        return tab.post("/account/tokens", name="script", scopes="predict", days="7")
    if kind == "signing":
        return tab.post("/account/webhooks/secret")
    if kind == "invitation":
        return tab.post("/manage/users/invitations", role="user")
    return tab.post(f"/manage/users/{somebody.user_id}/reset")


@pytest.mark.parametrize("kind", ["token", "signing", "invitation", "reset"])
def test_a_secret_is_shown_once_at_an_address_that_makes_none(kind: str, tab: Tab, make_actor: Make) -> None:
    answer = asked(tab, kind, make_actor("ana"))
    assert answer.status_code == 303, "what the browser reloads is another page"
    page = answer.headers["location"]
    assert not urlsplit(page).query
    (secret,) = secrets(tab.get(page))
    assert len(secret) > 20
    assert secrets(tab.get(page)) == []


def test_reloading_leaves_one_token(workplace: Workplace, tab: Tab, root: Actor, make_actor: Make) -> None:
    page = asked(tab, "token", root).headers["location"]
    (secret,) = secrets(tab.get(page))
    tab.get(page)
    (token,) = workplace.within(lambda s: tokens.list_tokens(s, root))
    assert secret.startswith(token.hint)


def test_the_cookie_is_worth_nothing_elsewhere(tab: Tab, root: Actor, make_actor: Make) -> None:
    sent = asked(tab, "token", root).headers["set-cookie"]
    assert "HttpOnly" in sent
    assert "Path=/account" in sent
    assert "SameSite=strict" in sent
    cookie = tab.cookie("atisbo_once_token")
    other = Tab(tab.app)
    other.sign_in(make_actor("eve", Role.ADMINISTRATOR))
    other.cookies.set("atisbo_once_token", cookie)
    assert secrets(other.get("/account")) == [], "in another session"
    tab.cookies.set("atisbo_once_signing", cookie)
    assert len(secrets(tab.get("/account"))) == 1, "as a secret of another kind"
