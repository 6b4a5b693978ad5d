"""Pages of errors: who is signed in finds the own language and the way on, also where no route has asked who it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from atisbo.domain.access import Actor
from atisbo.services.work import Workplace
from tests.web.doors import opened
from tests.web.tabs import Tab

SPANISH = {"Accept-Language": "es"}


@pytest.fixture
def tab(workplace: Workplace, make_actor: Callable[..., Actor], tmp_path: Path) -> Tab:
    tab = Tab(opened(workplace, tmp_path))
    tab.sign_in(make_actor("ana"))
    return tab


def test_an_unknown_address_is_answered_in_the_language_of_the_account(tab: Tab) -> None:
    lost = tab.get("/nowhere", headers=SPANISH)
    assert lost.status_code == 404
    assert '<html lang="en"' in lost.text
    assert "ana@example.org" in lost.text, "the navigation knows who is there"
    assert '<html lang="es"' in Tab(tab.app).get("/nowhere", headers=SPANISH).text


def test_a_refused_form_is_answered_in_the_language_of_the_account(tab: Tab) -> None:
    refused = tab.ask("POST", "/account/language", data={"language": "es"}, headers=SPANISH)
    assert refused.status_code == 403
    assert '<html lang="en"' in refused.text


def test_without_the_database_it_is_still_an_unknown_address(tab: Tab) -> None:
    state = tab.app.state.atisbo
    away = sessionmaker(create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    tab.app.state.atisbo = replace(state, workplace=replace(state.workplace, sessions=away))
    assert tab.get("/nowhere").status_code == 404
