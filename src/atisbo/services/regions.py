"""Where the part that matters lies in a whole picture: proposed, never stored."""

from __future__ import annotations

import json
import time
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application
from atisbo.errors import Invalid
from atisbo.services import again, consents
from atisbo.services.asking import Upload
from atisbo.store.blobs import Blobs, original
from atisbo.store.predictions import notify
from atisbo.store.queue import FIND, URGENT, enqueue

PROPOSED: Final = "proposed"
"""Said on the predictions' channel in place of a status, with the answer behind it as JSON; the question's own number
stands in the prediction's place."""
_FOLDER: Final = "proposals/"
_FORGOTTEN_S: Final = 3600
BROKEN: Final = "Something went wrong on our side. It has been noted; try again later."


def ask(
    session: Session,
    actor: Actor,
    *,
    blobs: Blobs,
    number: UUID,
    application: Application,
    source: Upload | UUID,
) -> str | None:
    """Have a worker look for it in bytes that are not kept, or in an image of one's own that is stored.

    Args:
        number: of this question, new.

    Returns:
        The name of the blob that holds the bytes meanwhile; the worker deletes it, and so should the caller.

    Raises:
        ConsentNeeded: the actor has not agreed to the terms.
        Invalid: no bytes, or the application does not look for anything.
        NotFound, NotAllowed: see ``again.own``.
    """
    actor.require(Right.PREDICT)
    consents.require(session, actor)
    if application.input.find is None:
        raise Invalid("find_unknown", "This application does not look for the part that matters. Mark it yourself.")
    kept = original(again.own(session, actor, source).sha256) if isinstance(source, UUID) else None
    name = kept or f"{_FOLDER}{int(time.time())}-{number}"
    said = {"number": str(number), "owner": str(actor.user_id), "application": application.name, "blob": name}
    enqueue(session, FIND, said | {"kept": kept is not None}, priority=URGENT)
    if isinstance(source, UUID):
        return None
    if not source.data:
        raise Invalid("upload_empty", "The file is empty. Choose the picture again.")
    blobs.put(name, source.data)
    return name


def propose(session: Session, *, owner_id: str, number: str, answer: dict[str, Any]) -> None:
    """For workers: tell whoever asked."""
    notify(session, f"{owner_id} {number} {PROPOSED} {json.dumps(answer)}")


def sweep(blobs: Blobs) -> None:
    """For workers: remove what was left behind where a process was killed between its two halves."""
    for name in list(blobs.names(_FOLDER)):
        stamp = name.removeprefix(_FOLDER).split("-")[0]
        if not stamp.isdigit() or int(stamp) < time.time() - _FORGOTTEN_S:
            blobs.delete(name)
