"""Pictures that a search found, and what is most like each of them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from atisbo.domain.neighbours import MOST, By, Neighbour, Neighbours, Seen
from atisbo.errors import Invalid, NotFound
from atisbo.services import neighbours
from atisbo.services.neighbours import Wish
from atisbo.services.pictures import View
from atisbo.services.views import MEDIA_TYPES
from atisbo.web.deps import in_transaction
from atisbo.web.waiting import found_picture

router = APIRouter(tags=["similar pictures"])
Include = Annotated[str, Query(max_length=60, description="`thumbnails`: each with its thumbnail, JPEG in base64")]


class SaidShape(BaseModel):
    verdict: Literal["right", "wrong", "unknown"]
    label: str | None


class NeighbourShape(BaseModel):
    position: int
    """1 is the most alike."""
    label: str | None
    similarity: float
    """Cosine, at most 1. Not a probability."""
    id: UUID
    kind: Literal["collection", "image"]
    """From the application's collection, or somebody's image; of others' images only shared ones are found."""
    title: str
    """Empty for other people's images."""
    source: str
    licence: str
    location: str
    """Where the collection keeps it."""
    mine: bool
    asked_at: datetime | None
    """Of one's own images."""
    review: SaidShape | None
    """What was last said of it, without who said it."""
    links: dict[str, str]
    thumbnail: str | None = None
    """With `include=thumbnails`: JPEG, base64."""


class SeenShape(BaseModel):
    prediction_id: UUID
    asked_at: datetime
    same_file: bool
    """The very same bytes; else the same picture to the eye."""
    links: dict[str, str]


class NeighboursShape(BaseModel):
    by: By
    version: str | None
    """Of the network whose embeddings were compared; never two in one answer."""
    label: str | None
    """What the picture itself is taken for."""
    same_class: bool
    complete: bool
    """False while pictures are being looked at by a new version: then `ready` of `total` were compared."""
    ready: int
    total: int
    items: list[NeighbourShape]
    seen: list[SeenShape]
    """One's own earlier uploads of the same picture."""


@dataclass(frozen=True)
class Asked:
    wish: Wish
    thumbnails: bool


def asked(
    k: Annotated[int, Query(ge=1, le=MOST, description="How many")] = 5,
    same_class: Annotated[bool, Query(description="Only pictures that are taken for the same")] = False,
    reviewed: Annotated[bool, Query(description="Only pictures that somebody has reviewed")] = False,
    mine: Annotated[bool, Query(description="Only your own")] = False,
    by: By = "embedding",
    include: Include = "",
) -> Asked:
    """What a request for neighbours says; raises Invalid for something to include that there is not."""
    check_include(include, "thumbnails")
    return Asked(Wish(k, by, same_class, reviewed, mine), thumbnails=bool(include))


Question = Annotated[Asked, Depends(asked)]


@router.get("/predictions/{prediction_id}/neighbours")
async def of_prediction(prediction_id: UUID, request: Request, question: Question) -> NeighboursShape:
    """The pictures most like the one that was asked about: `by=embedding` those that look alike to the network,
    `by=palette` those of the same colours. Compared are the application's collection, one's own images and those that
    others share.
    """
    return await nearest(request, prediction_id, question.wish, thumbnails=question.thumbnails)


@router.get("/pictures/{picture_id}/neighbours")
async def of_picture(picture_id: UUID, request: Request, question: Question) -> NeighboursShape:
    """More like any picture that was found."""
    return await nearest(request, picture_id, question.wish, thumbnails=question.thumbnails)


@router.get(
    "/pictures/{picture_id}/{view}",
    response_class=Response,
    responses={200: {"content": {"image/png": {}, "image/jpeg": {}}}},
)
async def view(picture_id: UUID, view: View, request: Request) -> Response:
    """A picture of the collection, of one's own or of others who share it, encoded anew without metadata."""
    data = await found_picture(request, picture_id, view)
    headers = {"Cache-Control": "private, max-age=600", "Content-Disposition": "inline"}
    return Response(data, media_type=MEDIA_TYPES[view], headers=headers)


def check_include(include: str, *known: str) -> None:
    """Raises Invalid for something to include that there is not."""
    if unknown := set(include.split(",")) - {"", *known}:
        raise Invalid(
            "include_unknown",
            "“{name}” cannot be included. What can be: {known}.",
            name=min(unknown),
            known=", ".join(known),
        )


async def nearest(request: Request, picture_id: UUID, wish: Wish, *, thumbnails: bool = False) -> NeighboursShape:
    """What is most like a picture, for whoever asks; with ``thumbnails`` these are waited for."""
    found = await in_transaction(
        request, lambda session, actor: neighbours.find(session, actor, picture_id=picture_id, wish=wish)
    )
    said = shape(found)
    if thumbnails:
        for one, neighbour in zip(said.items, found.items, strict=True):
            one.thumbnail = await _thumbnail(request, neighbour)
    return said


async def _thumbnail(request: Request, one: Neighbour) -> str | None:
    """None for a picture that was deleted meanwhile, and where there is only the embedding."""
    if not one.pictured:
        return None
    try:
        return b64encode(await found_picture(request, one.id, _small(one))).decode()
    except NotFound:
        return None


def shape(found: Neighbours) -> NeighboursShape:
    plain = {
        name: getattr(found, name) for name in ("by", "version", "label", "same_class", "complete", "ready", "total")
    }
    return NeighboursShape(
        **plain,
        items=[_neighbour(one) for one in found.items],
        seen=[_seen(one) for one in found.seen],
    )


def _neighbour(one: Neighbour) -> NeighbourShape:
    links = {"neighbours": f"/api/v1/pictures/{one.id}/neighbours"}
    if one.pictured:
        large: View = "crop.png" if one.part else "preview.jpg"
        links |= {"picture": _address(one.id, large), "thumbnail": _address(one.id, _small(one))}
    if one.mine:
        links["prediction"] = f"/api/v1/predictions/{one.id}"
    copied = {name: getattr(one, name) for name in _COPIED}
    review = one.review and SaidShape(verdict=one.review.verdict, label=one.review.label)
    return NeighbourShape(**copied, similarity=round(one.similarity, 6), review=review, links=links)


_COPIED = ("position", "label", "id", "kind", "title", "source", "licence", "location", "mine", "asked_at")


def _small(one: Neighbour) -> View:
    return "part.jpg" if one.part else "thumbnail.jpg"


def _address(picture_id: UUID, view: View) -> str:
    return f"/api/v1/pictures/{picture_id}/{view}"


def _seen(one: Seen) -> SeenShape:
    links = {"prediction": f"/api/v1/predictions/{one.prediction_id}"}
    return SeenShape(prediction_id=one.prediction_id, asked_at=one.asked_at, same_file=one.same_file, links=links)
