"""The pages of those who look after the service: one frame, and a place for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from atisbo.domain.access import Actor, Right
from atisbo.errors import NotAllowed
from atisbo.web import render
from atisbo.web.deps import CurrentActor
from atisbo.web.pages.forms import see

router = APIRouter(prefix="/manage", include_in_schema=False)


def _(message: str) -> str:
    """Marks a sentence for translation."""
    return message


@dataclass(frozen=True)
class Place:
    """A page under ``/manage`` with its name in the navigation; ``icon`` is one of ``icons.svg``."""

    address: str
    title: str
    right: Right
    icon: str


PLACES: Final = (
    Place("/manage/images", _("All images"), Right.SEE_ALL, "images"),
    Place("/manage/datasets", _("Datasets"), Right.CURATE, "layers"),
    Place("/manage/versions", _("Versions"), Right.MANAGE_VERSIONS, "versions"),
    Place("/manage/runs", _("Training"), Right.MANAGE_VERSIONS, "training"),
    Place("/manage/inbox", _("Inbox"), Right.REVIEW_ALL, "review"),
    Place("/manage/agreement", _("Two readers"), Right.REVIEW_ALL, "people"),
    Place("/manage/watch", _("Watching"), Right.SEE_ALL, "watch"),
    Place("/manage/users", _("Users"), Right.MANAGE_USERS, "people"),
    Place("/manage/system", _("System"), Right.OPERATE, "system"),
    Place("/manage/audit", _("Audit log"), Right.AUDIT, "log"),
)
"""In the order of the navigation; each is shown to those who have the right."""


def places(actor: Actor) -> list[Place]:
    """Where this actor may go."""
    return [place for place in PLACES if actor.may(place.right)]


def page(request: Request, actor: Actor, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A template that extends ``manage.html``."""
    return render.page(request, template, status=status, places=places(actor), **context)


@router.get("")
def first(actor: CurrentActor) -> Response:
    """The first place that is open to the actor."""
    for place in places(actor):
        return see(place.address)
    raise NotAllowed("not_allowed", "You are not allowed to do this. Ask an administrator.")
