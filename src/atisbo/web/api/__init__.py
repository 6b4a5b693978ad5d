"""The JSON API under /api/v1."""

from fastapi import APIRouter, Depends

from atisbo.web.api import accounts, applications, events, images, predictions, views
from atisbo.web.deps import protect

router = APIRouter(prefix="/api/v1", dependencies=[Depends(protect)])
for part in (accounts, applications, predictions, events, views, images):
    router.include_router(part.router)
