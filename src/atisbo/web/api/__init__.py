"""The JSON API under /api/v1."""

from typing import Any

from fastapi import APIRouter, Depends, Security
from fastapi.security import OAuth2PasswordBearer

from atisbo.web.api import (
    accounts,
    applications,
    audit,
    auth,
    batches,
    consents,
    corrections,
    datasets,
    deletions,
    events,
    gallery,
    heatmaps,
    images,
    inbox,
    maps,
    mine,
    notices,
    pairs,
    pictures,
    predictions,
    regions,
    reviews,
    runs,
    system,
    users,
    versions,
    views,
    watch,
    webhooks,
)
from atisbo.web.deps import protect

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What was wrong and what to do, in the reader's language"},
        "code": {"type": "string", "description": "Stable, for programs"},
    },
}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": _PROBLEM}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": _problem("RFC 9457: what the caller can mend"),
    "5XX": _problem("RFC 9457: not the caller's fault; `Retry-After` says when to try again"),
}
router = APIRouter(prefix="/api/v1", dependencies=[Depends(protect)], responses=PROBLEMS)
router.include_router(auth.router)
router.include_router(consents.open_router)
_documented = OAuth2PasswordBearer("/api/v1/auth/token", auto_error=False)
"""Only tells the document's readers how to sign in; ``web.security`` decides."""
_parts = (
    accounts,
    applications,
    predictions,
    batches,
    pairs,
    events,
    reviews,
    corrections,
    pictures,
    heatmaps,
    inbox,
    regions,
    views,
    images,
    deletions,
    maps,
    consents,
    mine,
    notices,
    versions,
    datasets,
    webhooks,
    gallery,
    runs,
    users,
    system,
    audit,
    watch,
)
for part in _parts:
    router.include_router(part.router, dependencies=[Security(_documented)])
