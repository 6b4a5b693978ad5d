"""Is it alive, is it ready."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import text

from atisbo.web.deps import AppState

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(state: AppState) -> dict[str, str]:
    """The process can reach its database; 503 otherwise."""
    with state.workplace.transaction() as session:
        session.execute(text("SELECT 1"))
    return {"status": "ready"}
