"""Every image of an application: find some, open them, take them along, delete them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response
from pydantic import Field

from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.gallery import Certainty, Reviewed
from atisbo.errors import Invalid
from atisbo.services import deletions, gallery
from atisbo.web import render
from atisbo.web.api.gallery import archive as taken_along
from atisbo.web.deps import AppState, CurrentActor, Db, State, protect
from atisbo.web.pages import manage
from atisbo.web.pages.cards import called
from atisbo.web.pages.forms import see
from atisbo.web.render import Translate
from atisbo.web.sieve import NOTHING, Sieve

router = APIRouter(prefix="/manage/images", include_in_schema=False, dependencies=[Depends(protect)])
PAGE_SIZE = 48


class Asked(Sieve):
    before: Annotated[str | None, Field(max_length=100)] = None


class Chosen(Sieve):
    """A form over the pictures that are shown: those that were ticked, or all that match."""

    chosen: Annotated[tuple[UUID, ...], Field(max_length=1000)] = ()
    everything: bool = False
    expected: int | None = None

    def ids(self) -> tuple[UUID, ...]:
        """Empty for all that match.

        Raises:
            Invalid: nothing was chosen.
        """
        if not self.everything and not self.chosen:
            raise Invalid("nothing_chosen", "No image is chosen. Tick at least one.")
        return () if self.everything else self.chosen


def chosen_application(state: State, name: str) -> tuple[Application, Card]:
    return state.application(name or next(iter(state.applications)))


@router.get("")
def images(
    request: Request,
    db: Db,
    actor: CurrentActor,
    state: AppState,
    asked: Annotated[Asked, Query()],
) -> Response:
    application, card = chosen_application(state, asked.application)
    sieve = Sieve(**asked.model_dump(exclude={"before"}) | {"application": application.name})
    wanted = sieve.wanted(application.name)
    page = gallery.list_(db, actor, wanted=wanted, limit=PAGE_SIZE, before=asked.before)
    _ = render.translator(request)
    return manage.page(
        request,
        actor,
        "manage/images.html",
        page=page,
        sieve=sieve,
        labels=_labels(_, application, card, render.language_of(request)),
        versions=gallery.versions(db, actor, application=application.name),
        filtered=wanted.filtered,
        next=sieve.query(before=page.next) if page.next else "",
        first=asked.before is None,
        many=gallery.MANY,
        deleted=deletions.recent(db, actor, kind=deletions.Kind.IMAGE),
        **_words(_),
    )


def _labels(_: Translate, application: Application, card: Card, language: str) -> dict[str, str]:
    names = {label: called(application, label, language) for label in card.output.labels}
    return names | ({NOTHING: _("Nothing found")} if application.task == "segmentation" else {})


def _words(_: Translate) -> dict[str, Any]:
    return {
        "status_words": render.status_words(_),
        "certainty_words": {
            Certainty.HIGH: _("Certain"),
            Certainty.MIDDLE: _("Rather certain"),
            Certainty.LOW: _("Uncertain"),
        },
        "reviewed_words": {
            Reviewed.NOT: _("Not reviewed"),
            Reviewed.ANY: _("Reviewed"),
            Reviewed.RIGHT: _("Said to be right"),
            Reviewed.WRONG: _("Said to be wrong"),
            Reviewed.UNKNOWN: _("Said to be unclear"),
        },
        "verdict_words": {
            "right": ("yes", _("Said to be right")),
            "wrong": ("cross", _("Said to be wrong")),
            "unknown": ("unknown", _("Said to be unclear")),
        },
    }


@router.post("/archive")
def archive(actor: CurrentActor, state: AppState, form: Annotated[Chosen, Form()]) -> Response:
    application, _card = chosen_application(state, form.application)
    return taken_along(state, actor, application.name, form, form.ids())


@router.post("/deletion")
def ask_before_deleting(
    request: Request, db: Db, actor: CurrentActor, state: AppState, form: Annotated[Chosen, Form()]
) -> Response:
    application, _card = chosen_application(state, form.application)
    chosen = form.ids()
    wanted = form.wanted(application.name)
    if form.expected is not None:
        gallery.delete(db, actor, wanted=wanted, chosen=chosen, expected=form.expected)
        return see(f"/manage/images?{form.query(application=application.name, **_UNSENT)}")
    ids = gallery.find(db, actor, wanted=wanted, chosen=chosen, most=gallery.MOST_DELETED)
    return manage.page(
        request,
        actor,
        "manage/images_deletion.html",
        form=form,
        count=len(ids),
        title=application.title.in_(render.language_of(request)),
        shown=ids[:12],
        back_to=form.query(**_UNSENT),
    )


_UNSENT = {"chosen": None, "everything": None, "expected": None}
"""What belongs to a form and not to an address."""
