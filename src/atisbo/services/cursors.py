"""Marks that continue a list, newest first, where a page of it ended."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from atisbo.errors import Invalid


def mark(created_at: datetime, identity: UUID) -> str:
    """It can stand in an address as it is: a plus sign, as of +00:00, would be read as a space."""
    stamp = created_at.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{stamp}Z_{identity}"


def position(said: str) -> tuple[datetime, UUID]:
    """Raises Invalid for a mark that was not made here."""
    stamp, _, identity = said.partition("_")
    try:
        moment = datetime.fromisoformat(stamp)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment, UUID(identity)
    except ValueError as error:
        raise Invalid("cursor_wrong", "The continuation mark is not valid. Start from the first page.") from error
