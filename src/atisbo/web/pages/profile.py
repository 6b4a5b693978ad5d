"""What the pictures of an application are like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from atisbo.domain.access import Right
from atisbo.domain.applications import Application
from atisbo.i18n import number
from atisbo.services import profiles
from atisbo.services.profiles import COMPARED, Class, Profile, Twins
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, protect
from atisbo.web.pages.cards import called
from atisbo.web.pages.tones import drawn
from atisbo.web.pages.workbench import sentence

router = APIRouter(prefix="/a/{application}", include_in_schema=False, dependencies=[Depends(protect)])


@router.get("/profile")
def profile(request: Request, application: str, db: Db, actor: CurrentActor, state: AppState) -> Response:
    asked, _ = state.application(application)
    found = profiles.get(db, actor, application=asked.name)
    language = render.language_of(request)
    return render.page(
        request,
        "profile.html",
        name=asked.name,
        title=asked.title.in_(language),
        version=found.version,
        count=found.count,
        everything=actor.may(Right.SEE_ALL),
        classes=_classes(asked, found, language, request),
        tones=drawn(found.tones, _naming(asked, language, request)),
        same=[_twins(one, asked, language) for one in found.same],
        near=None if found.near is None else [_twins(one, asked, language) for one in found.near],
        compared=number(language, COMPARED),
    )


def _classes(application: Application, found: Profile, language: str, request: Request) -> list[dict[str, Any]]:
    most = max((one.count for one in found.classes), default=1)
    word = _naming(application, language, request)
    return [_class(one, word(one.label), most, found.count) for one in found.classes]


def _naming(application: Application, language: str, request: Request) -> Callable[[str | None], str]:
    unknown = render.translator(request)("Nothing said")
    return lambda label: _word(application, label, language) or unknown


def _class(one: Class, word: str, most: int, all_: int) -> dict[str, Any]:
    """Numbers for the drawings: widths in percent of the longest bar, places along a strip."""
    at, strip = 0.0, []
    for shade in one.shades:
        strip.append({"at": round(100 * at, 2), "width": round(100 * shade.share + 0.1, 2), "colour": shade.colour})
        at += shade.share
    highest = max(one.lightness, default=0) or 1
    return {
        "word": word,
        "count": one.count,
        "share": 100 * one.count / max(all_, 1),
        "parts": [
            {"known": known, "count": count, "width": round(100 * count / most, 2)}
            for known, count in (
                ("collection", one.collection),
                ("reviewed", one.reviewed),
                ("answered", one.answered),
            )
        ],
        "strip": strip,
        "lightness": [round(100 * value / highest, 1) for value in one.lightness] if strip else [],
        "typical": one.typical,
        "odd": one.odd,
    }


def _twins(twins: Twins, application: Application, language: str) -> dict[str, Any]:
    words = [_word(application, label, language) for label in twins.labels]
    pictures = [
        {"id": identity, "name": name, "word": word}
        for identity, name, word in zip(twins.ids, twins.names, words, strict=True)
    ]
    return {"pictures": pictures, "differ": len(set(words)) > 1}


def _word(application: Application, label: str | None, language: str) -> str:
    return sentence(called(application, label, language)) if label else ""
