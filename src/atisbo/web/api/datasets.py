"""Datasets: asking for one, reading it, taking it along."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field

from atisbo.domain.datasets import Filters, Shares, Split, Status
from atisbo.i18n import translate
from atisbo.services import datasets, datasheets, exports, lineage
from atisbo.services.datasets import DatasetView
from atisbo.services.exports import Format
from atisbo.web.api.shapes import Body, FailureShape
from atisbo.web.deps import AppState, CurrentActor, Db
from atisbo.web.render import language_of, translator

router = APIRouter(tags=["datasets"])


class Order(Body):
    application: str = Field(max_length=60)
    name: str = Field(max_length=200)
    purpose: str = Field(default="", max_length=2000)
    """What it is for, for its datasheet."""
    filters: Filters = Filters()
    group_by: list[str] | None = Field(default=None, max_length=20)
    """`owner`, and fields of the application's form: images that have one in common stay on one side. Without it: by
    owner. Decided by an application's first dataset; later ones follow it."""
    shares: Shares | None = None
    """Of training, validation and test; decided by the first dataset, too."""


class Wanted(Body):
    application: str = Field(max_length=60)
    filters: Filters = Filters()


class CountShape(BaseModel):
    images: int
    by_label: dict[str, int]
    owners: int
    by_reviewer: dict[str, int]
    without_consent: int
    """They would fit, but nobody agreed that they may be learnt from."""


class DatasetShape(BaseModel):
    id: UUID
    application: str
    name: str
    purpose: str
    status: Status
    filters: Filters
    group_by: list[str]
    shares: Shares
    sha256: str | None
    """Over the hashes of its items; there when it is ready."""
    counts: dict[str, int]
    """Images of each side that are still in it."""
    removed: int
    """Images that were taken back since it was made."""
    facts: dict[str, Any]
    """What was counted when it was made."""
    failure: FailureShape | None
    created_at: datetime
    finished_at: datetime | None
    links: dict[str, str]


class ItemShape(BaseModel):
    number: int
    split: Split
    sha256: str
    """Over picture, label, masks and side; stays when the image was taken back."""
    label: str | None
    outlines: list[str]
    width: int
    height: int
    group: str | None
    """Equal for images that had to stay on one side."""
    facts: dict[str, Any]
    prediction_id: UUID | None
    removed_at: datetime | None
    links: dict[str, str]


class ItemPage(BaseModel):
    items: list[ItemShape]
    next: int | None
    """Give it as `after`."""


class UseShape(BaseModel):
    dataset_id: UUID
    name: str
    application: str
    created_at: datetime
    split: Split | None
    """Told to the image's owner and to administrators alone: what is sealed stays so."""
    removed_at: datetime | None
    """Since when the image is out of it."""
    versions: list[str]
    """Of networks that learnt from the dataset, or were judged on it."""


@router.get("/datasets")
def list_datasets(
    request: Request, db: Db, actor: CurrentActor, application: Annotated[str | None, Query(max_length=60)] = None
) -> list[DatasetShape]:
    """All datasets, or those of an application, newest first."""
    language = language_of(request)
    return [_shape(view, language) for view in datasets.list_(db, actor, application=application)]


@router.post("/datasets", status_code=202)
def create_dataset(
    body: Order, request: Request, response: Response, db: Db, state: AppState, actor: CurrentActor
) -> DatasetShape:
    """Ask for a dataset of the images that are reviewed and may be learnt from; a worker makes it."""
    application, card = state.application(body.application)
    view = datasets.create(
        db,
        actor,
        application=application,
        card=card,
        name=body.name,
        purpose=body.purpose,
        filters=body.filters,
        group_by=None if body.group_by is None else tuple(body.group_by),
        shares=body.shares,
    )
    response.headers["Location"] = f"/api/v1/datasets/{view.id}"
    return _shape(view, language_of(request))


@router.post("/datasets/count")
def count_images(body: Wanted, db: Db, state: AppState, actor: CurrentActor) -> CountShape:
    """How many images filters catch now, before duplicates are left out. Nothing is made."""
    application, card = state.application(body.application)
    found = datasets.count(db, actor, application=application, card=card, filters=body.filters)
    return CountShape(**vars(found))


@router.get("/datasets/{dataset_id}")
def get_dataset(dataset_id: UUID, request: Request, db: Db, actor: CurrentActor) -> DatasetShape:
    return _shape(datasets.get(db, actor, dataset_id=dataset_id), language_of(request))


@router.get("/datasets/{dataset_id}/items")
def list_items(
    dataset_id: UUID,
    db: Db,
    actor: CurrentActor,
    split: Split | None = None,
    label: Annotated[str | None, Query(max_length=200)] = None,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ItemPage:
    """Its images in their lasting order: those of training and validation. `split=test` opens the sealed part, which
    only an administrator can, and which is written down."""
    page = datasets.items(db, actor, dataset_id=dataset_id, split=split, label=label, after=after, limit=limit)
    base = f"/api/v1/datasets/{dataset_id}/items"
    items = [
        ItemShape(
            links={"picture": f"{base}/{item.number}/picture"} if item.picture else {},
            **{name: value for name, value in vars(item).items() if name in ItemShape.model_fields},
        )
        for item in page.items
    ]
    return ItemPage(items=items, next=page.next)


@router.get(
    "/datasets/{dataset_id}/items/{number}/picture",
    response_class=Response,
    responses={200: {"content": {"image/png": {}, "image/jpeg": {}}}},
)
def item_picture(dataset_id: UUID, number: int, db: Db, state: AppState, actor: CurrentActor) -> Response:
    """The picture as it is learnt from: the marked part, upright, without metadata."""
    data, media_type = datasets.image(db, actor, blobs=state.blobs, dataset_id=dataset_id, number=number)
    return Response(data, media_type=media_type, headers={"Cache-Control": "private, max-age=3600"})


@router.get(
    "/datasets/{dataset_id}/datasheet.md",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/markdown": {}}}},
)
def datasheet(dataset_id: UUID, request: Request, db: Db, state: AppState, actor: CurrentActor) -> Response:
    """What is in it and what is not (after Gebru et al. 2021), as Markdown in the reader's language."""
    view = datasets.get(db, actor, dataset_id=dataset_id)
    application = state.applications[view.application][0] if view.application in state.applications else None
    text = datasheets.markdown(view, translator(request), language_of(request), application)
    return Response(text, media_type="text/markdown; charset=utf-8")


@router.get(
    "/datasets/{dataset_id}/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}}},
)
def export(
    dataset_id: UUID,
    db: Db,
    state: AppState,
    actor: CurrentActor,
    form: Annotated[Format, Query(alias="format")] = Format.FOLDERS,
    sealed: Literal["yes", "no"] = "no",
) -> StreamingResponse:
    """The dataset as a ZIP. `sealed=yes` takes the sealed part along, which only an administrator can."""
    pieces = exports.stream(state.workplace, db, actor, dataset_id=dataset_id, form=form, sealed=sealed == "yes")
    headers = {"Content-Disposition": f'attachment; filename="dataset-{str(dataset_id)[:8]}-{form.value}.zip"'}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


@router.get("/images/{image_id}/datasets")
def image_datasets(image_id: UUID, db: Db, actor: CurrentActor) -> list[UseShape]:
    """Which datasets hold or held an image, and which versions came of them; for its owner and for curators, who are
    not told on which side it is. An administrator is, and if it is the sealed one that is written down."""
    return [UseShape(**vars(use)) for use in lineage.of_image(db, actor, image_id=image_id, sides=True)]


@router.get("/me/datasets")
def my_datasets(db: Db, actor: CurrentActor) -> list[UseShape]:
    """Which datasets hold or held any of one's own images."""
    return [UseShape(**vars(use)) for use in lineage.of_owner(db, actor)]


def _shape(view: DatasetView, language: str) -> DatasetShape:
    base = f"/api/v1/datasets/{view.id}"
    failure = view.failure
    return DatasetShape(
        id=view.id,
        application=view.application,
        name=view.name,
        purpose=view.purpose,
        status=view.status,
        filters=view.filters,
        group_by=list(view.plan.group_by),
        shares=view.plan.shares,
        sha256=view.sha256,
        counts={side.value: number for side, number in view.counts.items()},
        removed=view.removed,
        facts=view.facts,
        failure=failure
        and FailureShape(
            code=failure.code,
            status=failure.status,
            detail=translate(language, failure.message, **failure.values_in(language)),
        ),
        created_at=view.created_at,
        finished_at=view.finished_at,
        links={
            "self": base,
            "items": f"{base}/items",
            "datasheet": f"{base}/datasheet.md",
            "export": f"{base}/export",
        },
    )
