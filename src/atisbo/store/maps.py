"""Maps of embeddings: where each picture lies on them. A picture that goes takes its place along."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.dialects.postgresql import ARRAY, REAL
from sqlalchemy.orm import Mapped, mapped_column

from atisbo.store.db import Base, now


class MapRecord(Base):
    """The map of an application's searchable pictures, as it was computed last."""

    __tablename__ = "maps"

    application: Mapped[str] = mapped_column(String(60), primary_key=True)
    version: Mapped[str] = mapped_column(String(100))
    count: Mapped[int]
    """Pictures that it was computed from."""
    explained: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    """The share of the variance that each principal component has."""
    computed_at: Mapped[datetime] = mapped_column(default=now)


class PointRecord(Base):
    """One picture's place: by principal components, by UMAP in three dimensions and in two."""

    __tablename__ = "map_points"

    embedding_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("embeddings.id", ondelete="CASCADE"), primary_key=True)
    pca: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    umap: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    flat: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    kin: Mapped[str | None] = mapped_column(String(100))
    """The label that most of the nearest pictures carry."""
