"""Many images at once: a table that fills as they are answered."""

from __future__ import annotations

from string import ascii_lowercase
from typing import Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from atisbo.domain.applications import Application, names
from atisbo.domain.cards import Card
from atisbo.domain.consents import SHARING
from atisbo.services import consents, predictions
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, protect
from atisbo.web.pages.cards import called
from atisbo.web.pages.workbench import ACCEPT, sentence

router = APIRouter(prefix="/a/{application}", include_in_schema=False, dependencies=[Depends(protect)])
_KEYS: Final = "123456789" + "".join(letter for letter in ascii_lowercase if letter not in "nuyz")
"""Keys that set a class, in the order of the card's labels."""


@router.get("/batch")
def batch(request: Request, application: str, db: Db, actor: CurrentActor, state: AppState) -> Response:
    asked, card = state.application(application)
    language = render.language_of(request)
    named = keyed(asked, card, language)
    empty = [{"value": "nothing", "label": render.translator(request)("Nothing found")}]
    return render.page(
        request,
        "batch.html",
        name=asked.name,
        title=asked.title.in_(language),
        agreed=consents.agreed(db, actor),
        begun=predictions.begun(db, actor, application=asked.name),
        consent=asked.consent.text.in_(language) if asked.consent else "",
        alike=card.output.embedding is not None,
        sharing=SHARING.text.in_(language),
        max_bytes=state.settings.max_upload_bytes,
        accept=ACCEPT,
        task=card.task,
        region=asked.input.region,
        region_required=asked.input.region_required,
        named=named,
        labels_shown=named + (empty if card.task == "segmentation" else []),
        labels={name: called(asked, name, language) for name in names(card)},
    )


def keyed(application: Application, card: Card, language: str) -> list[dict[str, str]]:
    """Each class with its key; classes beyond the keyboard have to be clicked."""
    keys = _KEYS.ljust(len(card.output.labels))
    return [
        {"value": label, "label": sentence(called(application, label, language)), "key": key.strip()}
        for label, key in zip(card.output.labels, keys, strict=False)
    ]
