"""Two pictures of one person: asked about together, answered side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from atisbo import i18n
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.consents import SHARING
from atisbo.domain.images import Region
from atisbo.domain.pairs import Difference, PairSection
from atisbo.errors import NotFound
from atisbo.services import consents, pairs
from atisbo.services.answers import shape
from atisbo.services.pairs import Side
from atisbo.services.predictions import PredictionView
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, State, protect
from atisbo.web.pages import guides
from atisbo.web.pages.workbench import ACCEPT, sentence
from atisbo.web.render import Translate
from atisbo.web.shown import Shown, show

router = APIRouter(prefix="/a/{application}/pair", include_in_schema=False, dependencies=[Depends(protect)])


@dataclass(frozen=True)
class Panel:
    """One of the two on the page."""

    value: str
    title: str
    prediction: PredictionView | None = None
    shown: Shown | None = None
    """The answer, if there is one."""
    said: str = ""
    """The answer in a few words, or why there is none."""
    more: str = ""
    picture: str = ""
    """Where there is no answer to draw on it; empty for one that could not be opened."""


@router.get("")
def new(request: Request, application: str, db: Db, actor: CurrentActor, state: AppState) -> Response:
    asked, card, section = _known(state, application)
    language = render.language_of(request)
    return render.page(
        request,
        "pair_new.html",
        name=asked.name,
        title=asked.title.in_(language),
        heading=section.offer.in_(language),
        pair_id=uuid4(),
        sides=_titles(asked, section, language),
        agreed=consents.agreed(db, actor),
        consent=asked.consent.text.in_(language) if asked.consent else "",
        alike=card.output.embedding is not None,
        sharing=SHARING.text.in_(language),
        guide=guides.address(asked),
        max_bytes=state.settings.max_upload_bytes,
        accept=ACCEPT,
        region=asked.input.region,
        region_required=asked.input.region_required,
        region_hint=asked.input.hint.in_(language) if asked.input.hint else "",
        find=asked.input.find.offer.in_(language) if asked.input.find else "",
        labels={},
        task=card.task,
    )


@router.get("/{pair_id:uuid}")
def both(request: Request, application: str, pair_id: UUID, db: Db, actor: CurrentActor, state: AppState) -> Response:
    asked, card, section = _known(state, application)
    language, _ = render.language_of(request), render.translator(request)
    found = pairs.get(db, actor, application=asked, pair_id=pair_id)
    titles = _titles(asked, section, language)
    return render.page(
        request,
        "pair.html",
        name=asked.name,
        title=asked.title.in_(language),
        heading=section.title.in_(language),
        open=found.open,
        panels=[_panel(name, titles[name], side, (asked, card), _, language) for name, side in found.sides.items()],
        difference=_difference(found.difference, asked, section, titles, language),
        error=_error(card, section, language),
        status_words=render.status_words(_),
    )


def _known(state: State, name: str) -> tuple[Application, Card, PairSection]:
    application, card = state.application(name)
    if application.pair is None:
        raise NotFound("pair_unwanted", "This application does not compare two pictures.")
    return application, card, application.pair


def _titles(application: Application, section: PairSection, language: str) -> dict[str, str]:
    fields = (field for field in application.review.fields if field.name == section.field)
    return {choice.value: choice.label.in_(language) for field in fields for choice in field.choices}


def _panel(
    value: str, title: str, side: Side | None, asked: tuple[Application, Card], _: Translate, language: str
) -> Panel:
    if side is None:
        return Panel(value, title, said=_("There is no picture."))
    prediction = side.prediction
    if prediction.failure is not None:
        detail = shape(prediction, language).failure
        first, _dot, rest = (detail.detail if detail else _("No answer for this picture")).partition(". ")
        return Panel(value, title, prediction, said=first.rstrip(".") + ".", more=rest, picture=_picture(prediction))
    if side.findings is None or prediction.image.width is None or prediction.image.height is None:
        return Panel(value, title, prediction, said=_("The network is looking at it"))
    shown = _shown(prediction, side.findings, asked, language)
    if side.findings.get("unsure"):
        leans = _("It leans towards: {answer}.", answer=shown.sentence)
        return Panel(value, title, prediction, shown, _("The network is not sure. Have an expert look at it."), leans)
    return Panel(value, title, prediction, shown, shown.sentence)


def _shown(
    prediction: PredictionView, findings: dict[str, Any], asked: tuple[Application, Card], language: str
) -> Shown:
    whole = Region(x=0, y=0, width=prediction.image.width or 1, height=prediction.image.height or 1)
    part = prediction.region or whole
    return show(findings, *asked, language, picture=_picture(prediction), seen=part, placed=part)


def _picture(prediction: PredictionView) -> str:
    """The part that was marked, or all of it."""
    if prediction.status == "failed":
        return ""
    return f"/api/v1/predictions/{prediction.id}/{'crop.png' if prediction.region else 'preview.jpg'}"


def _difference(
    found: Difference | None,
    application: Application,
    section: PairSection,
    titles: dict[str, str],
    language: str,
) -> dict[str, Any] | None:
    """The two measures and how far they are apart, in words."""
    if found is None:
        return None

    def two(value: float) -> str:
        return i18n.number(language, value, 2)

    return {
        "measure": sentence(application.word(found.measure, language)),
        "values": [(titles[side], two(value)) for side, value in found.values.items()],
        "difference": two(found.difference),
        "notable": found.notable,
        "limit": i18n.number(language, section.notable, 1),
        "note": section.note.in_(language),
    }


def _error(card: Card, section: PairSection, language: str) -> str:
    """The mean error of the measure in the last test that stands on the card; empty where none does."""
    errors = (one.figures[f"mae_{section.compare}"] for one in card.quality if f"mae_{section.compare}" in one.figures)
    last = next(errors, None)
    return i18n.number(language, last.value, 2) if last else ""
