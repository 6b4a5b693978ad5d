"""Having every picture looked at by the network of today, in the background, and then searching among those."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from atisbo.services.work import Workplace
from atisbo.store import embeddings as store
from atisbo.store import nearest
from atisbo.store.blobs import collected, original
from atisbo.store.embeddings import EmbeddingRecord, Look, Unseen
from atisbo.store.nearest import Place
from atisbo.store.queue import EMBED, enqueue

__all__ = ["Look", "Unseen", "address", "ask", "finish", "index", "some", "write"]

AT_ONCE = 32
"""Pictures of one job: then others have their turn."""


def ask(session: Session, application: str, *, turn: int = 0) -> None:
    """Have a worker look at what this application's network has not seen.

    One job of each turn is enough; a job at work asks for the other turn, since its own key is still taken.
    """
    enqueue(session, EMBED, {"application": application, "turn": turn}, dedupe=f"{EMBED}:{application}:{turn}")


def some(session: Session, *, application: str, version: str) -> list[Unseen]:
    """A few pictures that this version has not seen."""
    return store.unseen(session, application=application, version=version, limit=AT_ONCE)


def address(picture: Unseen) -> str:
    """Where its bytes lie."""
    return collected(picture.subject_id, "original") if picture.image_id is None else original(picture.sha256)


def write(
    session: Session, *, application: str, version: str, pictures: Sequence[Unseen], looks: Sequence[Look]
) -> None:
    """Keep how pictures look; what was deleted meanwhile is left out."""
    store.write(session, application=application, version=version, pictures=pictures, looks=looks)


def finish(session: Session, *, application: str, version: str) -> bool:
    """Search among this version's embeddings if none is missing; returns whether it is so."""
    if store.unseen(session, application=application, version=version, limit=1):
        return False
    if store.searched(session, application) != version:
        store.switch(session, application=application, version=version)
    return True


def index(workplace: Workplace, *, application: str, version: str) -> None:
    """Build the indexes of a set that has grown large, beside what goes on; drop those of earlier versions."""
    place = Place(application, version)
    with workplace.sessions() as session:
        count = session.scalar(select(func.count()).where(*_of(place))) or 0
        missing = [by for by in nearest.INDEXED if not nearest.has_index(session, place, by)]
        sizes = {by: _dimensions(session, place, by) for by in missing}
    if count >= nearest.INDEX_FROM:
        for by, dimensions in sizes.items():
            if dimensions:
                nearest.build(workplace.engine, place, by, dimensions=dimensions)
    nearest.drop_earlier(workplace.engine, place)


def _of(place: Place) -> tuple[ColumnElement[bool], ...]:
    return EmbeddingRecord.application == place.application, EmbeddingRecord.version == place.version


def _dimensions(session: Session, place: Place, by: nearest.By) -> int:
    column = nearest.COLUMNS[by]
    one = session.scalar(select(func.vector_dims(column)).where(*_of(place), column.is_not(None)).limit(1))
    return int(one or 0)
