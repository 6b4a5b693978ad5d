"""Reference collections: pictures of an application that everybody may find, each with its source."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from atisbo.store.db import Base, Identified, now


class CollectionRecord(Base):
    """What is known of an application's searchable pictures as a whole."""

    __tablename__ = "collections"

    application: Mapped[str] = mapped_column(String(60), primary_key=True)
    version: Mapped[str | None] = mapped_column(String(100))
    """The network's version that is searched; it changes when the next one's embeddings are complete."""
    shipped: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the list of the collection that came with the application, once it has been taken in."""


class ItemRecord(Identified, Base):
    """One picture; its bytes lie under the item's id."""

    __tablename__ = "collection_items"
    __table_args__ = (
        UniqueConstraint("application", "sha256"),
        Index("ix_collection_items_created", "application", "created_at", "id"),
    )

    application: Mapped[str] = mapped_column(ForeignKey("collections.application", ondelete="CASCADE"))
    sha256: Mapped[str | None] = mapped_column(String(64))
    """Of the original bytes; None where only the embedding was imported."""
    file_name: Mapped[str] = mapped_column(String(200))
    label: Mapped[str | None] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(Text, default="")
    licence: Mapped[str] = mapped_column(Text, default="")
    location: Mapped[str] = mapped_column(Text, default="")
    """Where the picture is kept: a path in the collection's folder, a shelf mark, an address."""
    created_at: Mapped[datetime] = mapped_column(default=now)
