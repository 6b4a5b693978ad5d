"""Whether the newest pictures are like those that the network learnt from, by their tones and by its own eyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Float, Select, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from atisbo.domain import drift as rules
from atisbo.domain.cards import Card, Places, Reference
from atisbo.domain.drift import Change, Drift, Spread
from atisbo.store import versions as versions_store
from atisbo.store.embeddings import EmbeddingRecord
from atisbo.store.predictions import PredictionRecord
from atisbo.store.vectors import VectorType
from atisbo.store.versions import VersionRecord

_BASE: Final = 1000
"""Pictures that later ones are held against where nothing is known of those learnt from: the first of all."""
_RECENT: Final = 500


@dataclass(frozen=True)
class Drifts:
    """Each None while there are too few pictures; refused ones count nowhere."""

    brightness: Drift | None
    contrast: Drift | None
    embedding: Drift | None
    """None also for a network whose card says nothing of the pictures that it learnt from, or that gives none."""
    learnt: bool
    """Held against the pictures that the network learnt from; else against the first that were asked about."""


def look(session: Session, *, application: str, version: str | None = None) -> Drifts:
    """Of the newest answers of a version, or of all of an application, against what the version, or the one that
    answers now, learnt from."""
    known = _version(session, application, version)
    reference = Card.model_validate(known.card).reference if known else None
    scope = [PredictionRecord.application == application]
    if version is not None:
        scope.append(PredictionRecord.version == version)
    darker, flatter = (Change.DARKER, Change.LIGHTER), (Change.FLATTER, Change.HARSHER)
    columns = PredictionRecord.brightness, PredictionRecord.contrast
    if reference is None:
        return Drifts(
            brightness=_since_first(session, scope, columns[0], darker),
            contrast=_since_first(session, scope, columns[1], flatter),
            embedding=None,
            learnt=False,
        )
    return Drifts(
        brightness=_tones(session, scope, columns[0], Spread(reference.brightness, reference.images), darker),
        contrast=_tones(session, scope, columns[1], Spread(reference.contrast, reference.images), flatter),
        embedding=_embedding(session, known.name, scope, reference) if known else None,
        learnt=True,
    )


def shifts(session: Session, application: str) -> dict[str, Drift]:
    """For doors that are not opened by a person: how far the newest pictures are from those before, by property."""
    found = look(session, application=application)
    named = {"brightness": found.brightness, "contrast": found.contrast, "embedding": found.embedding}
    return {name: one for name, one in named.items() if one is not None}


def _version(session: Session, application: str, name: str | None) -> VersionRecord | None:
    if name is None:
        return versions_store.active(session, application)
    named = VersionRecord.application == application, VersionRecord.name == name
    return session.scalar(select(VersionRecord).where(*named))


_Column = InstrumentedAttribute[float | None]
_Named = tuple[Change, Change]


def _tones(
    session: Session, scope: list[ColumnElement[bool]], column: _Column, before: Spread, named: _Named
) -> Drift | None:
    newest = select(column).where(*scope, column.is_not(None)).order_by(PredictionRecord.created_at.desc())
    return rules.tones(before, _values(session, newest.limit(_RECENT)), less=named[0], more=named[1])


def _since_first(session: Session, scope: list[ColumnElement[bool]], column: _Column, named: _Named) -> Drift | None:
    """The newest pictures against the first ones."""
    seen = select(column).where(*scope, column.is_not(None))
    before = _values(session, seen.order_by(PredictionRecord.created_at).limit(_BASE))
    recent = _values(session, seen.order_by(PredictionRecord.created_at.desc()).limit(_RECENT))
    count = session.scalar(select(func.count()).where(*scope, column.is_not(None))) or 0
    if count < len(before) + len(recent):  # no picture is on both sides
        before, recent = before[: count // 2], recent[: count - count // 2]
    return rules.tones(Spread.of(before), recent, less=named[0], more=named[1])


def _values(session: Session, query: Select[float | None]) -> list[float]:
    return [value for value in session.scalars(query) if value is not None]


def _embedding(session: Session, version: str, scope: list[ColumnElement[bool]], reference: Reference) -> Drift | None:
    places = reference.places
    if places is None:
        return None
    newest = (
        select(*_distances(places))
        .join(PredictionRecord, PredictionRecord.id == EmbeddingRecord.prediction_id)
        .where(*scope, EmbeddingRecord.version == version, EmbeddingRecord.vector.is_not(None))
        .order_by(PredictionRecord.created_at.desc())
        .limit(_RECENT)
    )
    recent = [rules.group(row, places.reach) for row in session.execute(newest)]
    return rules.groups(Spread(places.shares, reference.images), recent)


def _distances(places: Places) -> list[ColumnElement[float]]:
    """1 − cosine to every centre."""
    distance = EmbeddingRecord.vector.op("<=>", return_type=Float)
    return [distance(cast(centre, VectorType)).label(f"to_{n}") for n, centre in enumerate(places.centres)]
