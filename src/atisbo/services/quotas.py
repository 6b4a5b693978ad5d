"""How much somebody keeps here, and how much they may."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from atisbo.errors import TooLarge, TooMany
from atisbo.store.accounts import Room, UsageRecord, UserRecord

_AGAIN_S = 3600
_MEGABYTE = 1024**2
_KEPT: Final = (
    select(UserRecord.max_images, UserRecord.max_bytes, UsageRecord.images, UsageRecord.bytes)
    .outerjoin(UsageRecord, UsageRecord.user_id == UserRecord.id)
    .where(UserRecord.id == bindparam("user_id"))
)


def check(session: Session, user_id: UUID, *, more_images: int = 0, more_bytes: int = 0) -> None:
    """Of whose images they are: before bytes are stored, with what is to come; and again once the rows are written.

    Writing an image holds the row that counts its owner's until the transaction ends, so the second look sees every
    image that was written before.

    Raises:
        TooMany: there would be too many images.
        TooLarge: they would take too much room.
    """
    row = session.execute(_KEPT, {"user_id": user_id}).one_or_none()
    if row is None:
        return
    room = room_of(session, *row[:2])
    if (row[2] or 0) + more_images > room.images:
        raise TooMany(
            "quota_images",
            "You keep as many images here as you may: {count}. Delete some, or ask an administrator for more room.",
            retry_after_s=_AGAIN_S,
            count=room.images,
        )
    if (row[3] or 0) + more_bytes > room.bytes:
        raise TooLarge(
            "quota_bytes",
            "Your images would take more room here than the {limit} MB that you have. Delete some, or ask an "
            "administrator for more room.",
            limit=room.bytes // _MEGABYTE,
        )


def room_of(session: Session, max_images: int | None, max_bytes: int | None) -> Room:
    """What is allowed to this user alone, else what the settings allow everybody."""
    everybody: Room = session.info["room"]
    return Room(
        everybody.images if max_images is None else max_images,
        everybody.bytes if max_bytes is None else max_bytes,
    )
