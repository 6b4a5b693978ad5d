"""The page that says whether it pays: open to all, shared by its address, kept by who is signed in."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from pypdf import PdfReader

from atisbo.domain.access import Actor
from atisbo.domain.finance import Case
from atisbo.errors import Conflict, Invalid, NotFound
from atisbo.services import scenarios
from atisbo.services.work import Workplace
from tests.conftest import PASSWORD, Service


def text(service: Service, query: str = "", language: str = "en") -> str:
    answer = httpx.get(f"{service.url}/business?{query}", headers={"Accept-Language": language})
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_the_published_case_is_worked_out_for_everybody(service: Service) -> None:
    said = text(service)
    for figure in ("2,284.22 USD", "161.9 %", "7 months (0.58 years)", "Break-even clients 1.9"):
        assert figure in said
    assert "2284,22 USD" in text(service, language="es").replace(".", "")


def test_the_address_holds_the_case(service: Service) -> None:
    said = text(service, "price=30&discount=8&tax=25&currency=eur")
    assert "EUR" in said
    assert "2,284.22" not in said
    html = httpx.get(f"{service.url}/business?price=30&discount=8&currency=eur").text
    assert 'id="share" readonly value="http' in html
    assert "/business?price=30&amp;discount=8&amp;currency=EUR" in html


def test_what_is_no_answer_is_said_in_words(service: Service) -> None:
    assert "No number is enough" in text(service, "price=0")
    assert "There is none: nothing comes back." in text(service, "clients=0")
    assert "Never within the plan" in text(service, "clients=1")


@pytest.mark.parametrize(("query", "limit"), [("churn=140", "0 to 100"), ("years=x", "1 to 30"), ("price=-1", "0 to")])
def test_a_wrong_value_is_said_at_its_field_and_the_rest_goes_on(service: Service, query: str, limit: str) -> None:
    html = httpx.get(f"{service.url}/business?{query}").text
    assert f'id="{query.partition("=")[0]}-error"' in html
    assert f"Write a number from {limit}" in html
    assert "2,284.22" in html


def test_the_flows_for_a_spreadsheet(service: Service) -> None:
    answer = httpx.get(f"{service.url}/business/flows.csv?clients=10")
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.DictReader(answer.text.lstrip("﻿").splitlines()))
    assert [float(row["cash_flow"]) for row in rows] == [-700, 2700, 2700, 2700]
    assert float(rows[-1]["cumulative"]) == 7400


@pytest.mark.parametrize(("query", "said"), [("", "2,284.22 USD"), ("price=0", "No number is enough")])
def test_the_case_on_paper(service: Service, query: str, said: str) -> None:
    answer = httpx.get(f"{service.url}/business/case.pdf?{query}", headers={"Accept-Language": "en"})
    assert answer.headers["content-type"] == "application/pdf"
    pages = PdfReader(io.BytesIO(answer.content)).pages
    words = " ".join(pages[0].extract_text().split())
    for wanted in (said, "Break-even clients", "Discount rate", "Running costs a year", "no advice"):
        assert wanted in words
    assert len(pages) == 1


def test_a_case_is_kept_compared_and_deleted(service: Service) -> None:
    name = f"owner-{uuid4().hex[:8]}"
    service.register(name).close()
    with httpx.Client(base_url=service.url, headers={"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}) as client:

        def token() -> str:
            found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', client.get("/sign-in").text)
            assert found
            return found[1]

        client.post("/sign-in", data={"email": f"{name}@example.org", "password": PASSWORD, "csrf_token": token()})
        page = client.get("/business").text
        csrf = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page)
        assert csrf
        kept = client.post("/business/scenarios?price=40", data={"name": "  Dear  ones ", "csrf_token": csrf[1]})
        assert kept.status_code == 303, kept.text
        page = client.get("/business").text
        assert re.search(r'href="/business\?price=40">Dear ones</a>', page)
        deletion = re.search(r'action="(/business/scenarios/[0-9a-f-]+/deletion\?[^"]*)"', page)
        assert deletion
        assert client.post(deletion[1], data={"csrf_token": csrf[1]}).status_code == 303
        page = client.get("/business").text
        assert "Dear ones" not in page
        undoing = re.search(r'action="(/deletions/[0-9a-f-]+/undoing)"', page)
        assert undoing
        client.post(undoing[1], data={"csrf_token": csrf[1], "back": "/business"})
        assert "Dear ones" in client.get("/business").text


def test_only_ones_own_are_seen_and_there_are_not_too_many(
    workplace: Workplace, make_actor: Callable[..., Actor]
) -> None:
    ana, ben = make_actor("ana"), make_actor("ben")

    def save(actor: Actor, name: str) -> None:
        workplace.within(lambda s: scenarios.save(s, actor, name=name, currency="USD", case=Case(price=30)))

    save(ana, "one")
    save(ana, "one")
    mine = workplace.within(lambda s: scenarios.list_(s, ana))
    assert [view.name for view in mine] == ["one"]
    assert mine[0].plan.case == Case(price=30)
    assert workplace.within(lambda s: scenarios.list_(s, ben)) == []
    with pytest.raises(NotFound):
        workplace.within(lambda s: scenarios.delete(s, ben, scenario_id=mine[0].id))
    with pytest.raises(Invalid):
        save(ana, "   ")
    for number in range(scenarios.MOST - 1):
        save(ana, f"more {number}")
    with pytest.raises(Conflict):
        save(ana, "one too many")
    assert workplace.within(scenarios.measured_throughput) is None
