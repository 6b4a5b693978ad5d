"""Datasets, for curators: what there is, making one, looking into one."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ValidationError

from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.datasets import LEARNING, OWNER, Filters, Plan, Split, Status
from atisbo.errors import Invalid, UserError
from atisbo.i18n import translate
from atisbo.services import datasets, datasheets, tones
from atisbo.services.datasets import DatasetView
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, State, protect
from atisbo.web.pages import manage
from atisbo.web.pages.forms import blame, see
from atisbo.web.pages.tones import drawn
from atisbo.web.render import Translate

router = APIRouter(prefix="/manage/datasets", include_in_schema=False, dependencies=[Depends(protect)])
PAGE_SIZE = 24
_MIDDLE: Final = 0.5
"""Uncertainty from which an answer counts as unsure here."""
_GROUPING: Final = ("text",)
"""Kinds of fields that can say what belongs together: of few choices none does."""


class Sift(BaseModel):
    """The form's filters, as a browser sends them."""

    application: str = ""
    verdicts: list[str] = []
    labels: list[str] = []
    reviewer: str = ""
    certainty: str = ""
    since: str = ""
    until: str = ""
    outlined: bool = False

    def filters(self) -> Filters:
        """Raises Invalid: a date is none, or the first is later than the last."""
        said: dict[str, Any] = {
            "verdicts": self.verdicts,
            "labels": self.labels,
            "reviewer": self.reviewer or None,
            "since": self.since or None,
            "until": self.until or None,
            "uncertainty_to": _MIDDLE if self.certainty == "sure" else None,
            "uncertainty_from": _MIDDLE if self.certainty == "unsure" else None,
            "outlined": self.outlined,
        }
        try:
            return Filters.model_validate(said)
        except ValidationError as error:
            raise Invalid("dataset_filters_wrong", "Something is wrong with the filters. Check the dates.") from error


class Order(Sift):
    name: str = ""
    purpose: str = ""
    group_by: list[str] = []


@router.get("")
def everything(
    request: Request,
    db: Db,
    actor: CurrentActor,
    state: AppState,
    application: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    wanted = application if application in state.applications else ""
    views = datasets.list_(db, actor, application=wanted or None)
    return manage.page(
        request,
        actor,
        "manage/datasets.html",
        datasets=views,
        wanted=wanted,
        **_words(request),
    )


@router.get("/new")
def order(request: Request, db: Db, actor: CurrentActor, state: AppState, sift: Annotated[Sift, Query()]) -> Response:
    actor.require(Right.CURATE)
    return _form(request, db, actor, state, Order(application=sift.application))


@router.get("/count")
def count(request: Request, db: Db, actor: CurrentActor, state: AppState, sift: Annotated[Sift, Query()]) -> Response:
    """A piece of the form: how many images its filters catch."""
    application, card = state.application(sift.application)
    found = datasets.count(db, actor, application=application, card=card, filters=sift.filters())
    language = render.language_of(request)
    return render.page(
        request, "manage/dataset_count.html", found=found, word=lambda label: application.word(label, language)
    )


@router.post("")
def create(request: Request, db: Db, actor: CurrentActor, state: AppState, said: Annotated[Order, Form()]) -> Response:
    application, card = state.application(said.application)
    try:
        with db.begin_nested():
            view = datasets.create(
                db,
                actor,
                application=application,
                card=card,
                name=said.name,
                purpose=said.purpose,
                filters=said.filters(),
                group_by=tuple(said.group_by),
            )
    except UserError as error:
        errors = blame(request, error, {"dataset_name": "name"})
        return _form(request, db, actor, state, said, status=error.status, errors=errors)
    return see(f"/manage/datasets/{view.id}")


@router.get("/{dataset_id}")
def one(
    request: Request,
    db: Db,
    actor: CurrentActor,
    state: AppState,
    dataset_id: UUID,
    split: Split | None = None,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    view = datasets.get(db, actor, dataset_id=dataset_id)
    ready = view.status is Status.READY
    page = (
        datasets.items(db, actor, dataset_id=dataset_id, split=split, after=after, limit=PAGE_SIZE) if ready else None
    )
    _, language = render.translator(request), render.language_of(request)
    application = state.applications[view.application][0] if view.application in state.applications else None
    found = tones.of_dataset(db, actor, dataset_id=dataset_id) if ready else []

    def word(label: str) -> str:
        return application.word(label, language) if application else label

    return manage.page(
        request,
        actor,
        "manage/dataset.html",
        view=view,
        page=page,
        split=split,
        after=after,
        sheet=datasheets.sections(view, _, language, application) if ready else [],
        bars=_bars(view),
        tones=drawn(found, lambda label: word(label) if label else _("All images")),
        failure=translate(language, view.failure.message, **view.failure.values_in(language)) if view.failure else "",
        word=word,
        may_unseal=actor.may(Right.OPEN_SEALED),
        formats=_formats(view, _),
        learning=[side.value for side in LEARNING],
        **_words(request),
    )


def _form(
    request: Request, db: Db, actor: Actor, state: State, said: Order, *, status: int = 200, **more: Any
) -> Response:
    """The form, with what was said, and the count of what its filters catch."""
    chosen = said.application if said.application in state.applications else next(iter(state.applications))
    application, card = state.application(chosen)
    language = render.language_of(request)
    try:
        found = datasets.count(db, actor, application=application, card=card, filters=said.filters())
    except Invalid:
        found = None
    return manage.page(
        request,
        actor,
        "manage/dataset_new.html",
        status=status,
        said_form=said,
        chosen=application,
        plan=Plan.of(application, card, ()),
        labels={label: application.word(label, language) for label in _labels(application, card)},
        division=datasets.division(db, application.name),
        groupings=_groupings(application, render.translator(request), language),
        found=found,
        word=lambda label: application.word(label, language),
        **more,
    )


def _labels(application: Application, card: Card) -> tuple[str, ...]:
    return card.output.labels if application.task == "classification" else ()


def _groupings(application: Application, _: Translate, language: str) -> dict[str, str]:
    fields = {field.name: field.label.in_(language) for field in application.review.fields if field.type in _GROUPING}
    return {OWNER: _("The person who uploaded them")} | fields


def _bars(view: DatasetView) -> list[dict[str, Any]]:
    """Of each class its counts by side, and where its bar's parts begin and end, in percent of the largest class."""
    classes = view.facts.get("classes", {})
    most = max((sum(counts.values()) for counts in classes.values()), default=1)
    bars = []
    for label, counts in classes.items():
        at, parts = 0.0, []
        for side in Split:
            width = 100 * counts.get(side.value, 0) / most
            parts.append({"side": side.value, "at": round(at, 3), "width": round(width, 3)})
            at += width
        bars.append({"label": label, "counts": counts, "total": sum(counts.values()), "parts": parts})
    return bars


def _formats(view: DatasetView, _: Translate) -> list[tuple[str, str]]:
    all_ = [
        ("folders", _("Folders and a table (CSV)")),
        ("coco", _("COCO (JSON)")),
        ("yolo", _("YOLO, polygons or classes")),
        ("yolo-boxes", _("YOLO, boxes")),
        ("masks", _("Masks alone")),
    ]
    outlined = view.plan.task == "segmentation" or view.facts.get("drawn")
    return all_ if outlined else all_[:3]


def _words(request: Request) -> dict[str, Any]:
    _ = render.translator(request)
    return {
        "split_words": datasheets.split_words(_),
        "dataset_states": {
            Status.BUILDING: ("running", _("Being made")),
            Status.READY: ("done", _("Ready")),
            Status.FAILED: ("failed", _("Not made")),
        },
    }
