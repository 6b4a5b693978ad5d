"""Does it pay? The assumptions are the page's address, so that a link shares them."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy.orm import Session

from atisbo import i18n
from atisbo.domain.access import Actor
from atisbo.domain.finance import Case, plan
from atisbo.domain.sensitivity import around, limits, simulate, tornado, two_way
from atisbo.errors import UserError
from atisbo.services import deletions, scenarios
from atisbo.web import render
from atisbo.web.deps import CurrentActor, Db, MaybeActor, protect
from atisbo.web.pages import sketch
from atisbo.web.pages.case import CURRENCY, PERCENT, Words, printed, table
from atisbo.web.pages.forms import blame, see

router = APIRouter(prefix="/business", include_in_schema=False, dependencies=[Depends(protect)])


@router.get("")
def business(request: Request, db: Db, actor: MaybeActor) -> Response:
    case, errors = _read(request)
    return _page(request, db, actor, case, errors=errors)


@router.get("/flows.csv")
def flows(request: Request, _actor: MaybeActor) -> Response:
    """Every year of the case, for a spreadsheet."""
    case, _ = _read(request)
    headers = {"Content-Disposition": 'attachment; filename="atisbo-business.csv"'}
    return Response("﻿" + table(plan(case)), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/case.pdf")
def paper(request: Request, _actor: MaybeActor) -> Response:
    """The case on a printed page."""
    case, _ = _read(request)
    language, translate = render.language_of(request), render.translator(request)
    page = printed(plan(case), Words(language, _currency(request), translate))
    headers = {"Content-Disposition": 'attachment; filename="atisbo-business.pdf"'}
    return Response(page, media_type="application/pdf", headers=headers)


@router.post("/scenarios")
def save(request: Request, db: Db, actor: CurrentActor, name: Annotated[str, Form(max_length=300)] = "") -> Response:
    case, errors = _read(request)
    try:
        with db.begin_nested():
            scenarios.save(db, actor, name=name, currency=_currency(request), case=case)
    except UserError as error:
        return _page(request, db, actor, case, errors=blame(request, error, {"scenario_name": "scenario"}))
    return see(f"/business?{request.url.query}#scenarios") if not errors else _page(request, db, actor, case, errors)


@router.post("/scenarios/{scenario_id}/deletion")
def delete(request: Request, db: Db, actor: CurrentActor, scenario_id: UUID) -> Response:
    scenarios.delete(db, actor, scenario_id=scenario_id)
    return see(f"/business?{request.url.query}#scenarios")


def _read(request: Request) -> tuple[Case, render.Errors]:
    """The case of the address; what is wrong in it falls back to the default, and is said at its field."""
    _ = render.translator(request)
    language = render.language_of(request)
    errors, values = render.Errors(), dict[str, float]()
    for name, field in Case.model_fields.items():
        text = request.query_params.get(name, "").strip().replace(",", ".")
        if not text:
            continue
        factor = 100 if name in PERCENT else 1
        try:
            value = float(text) / factor
            values |= Case.model_validate({name: int(value) if field.annotation is int else value}).model_dump(
                include={name}
            )
        except (ValueError, OverflowError, ValidationError):
            low, high = (i18n.number(language, end * factor) for end in limits(name))
            errors[name] = _("Write a number from {low} to {high}.", low=low, high=high)
    return Case.model_validate(values), errors


def _currency(request: Request) -> str:
    said = request.query_params.get("currency", "").upper()
    return said if re.fullmatch(r"[A-Z]{3}", said) else CURRENCY


def _page(
    request: Request, db: Session, actor: Actor | None, case: Case, errors: render.Errors | None = None
) -> Response:
    language, _ = render.language_of(request), render.translator(request)
    words, currency = Words(language, _currency(request), _), _currency(request)
    found, chances = plan(case), simulate(case)
    swings = tornado(case)
    grid = (around(case.clients), around(case.price))
    return render.page(
        request,
        "business.html",
        deleted=deletions.recent(db, actor, kind=deletions.Kind.SCENARIO) if actor else None,
        case=case,
        asked=request.query_params,
        errors=errors or render.Errors(),
        currency=currency,
        percent=PERCENT,
        values={name: _shown(name, getattr(case, name)) for name in Case.model_fields},
        link=_link(case, currency),
        share=str(request.base_url).rstrip("/") + _link(case, currency),
        plan=found,
        words=words,
        verdict=words.verdict(found),
        irr=words.rate(found.irr),
        names=words.names(),
        measured=scenarios.measured_throughput(db),
        years=sketch.columns(found.flows),
        swings=sketch.swings(swings, found.npv),
        chances=chances,
        bars=sketch.histogram(chances.bars()),
        grid=list(zip(grid[0], two_way(case, ("clients", grid[0]), ("price", grid[1])), strict=True)),
        prices=grid[1],
        saved=[
            {"view": one, "link": _link(one.plan.case, one.currency), "words": Words(language, one.currency, _)}
            for one in (scenarios.list_(db, actor) if actor else [])
        ],
    )


def _shown(name: str, value: float) -> str:
    """A number as an input field takes it."""
    return f"{value * 100 if name in PERCENT else value:.6g}"


def _link(case: Case, currency: str) -> str:
    """The address of a case: what differs from the published one."""
    usual = Case()
    said = {
        name: _shown(name, getattr(case, name))
        for name in Case.model_fields
        if getattr(case, name) != getattr(usual, name)
    }
    return "/business?" + urlencode(said | ({"currency": currency} if currency != CURRENCY else {}))
