"""What a door is given to work with: settings, keys, the database and the blobs, opened once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from atisbo.config import Secrets, Settings
from atisbo.errors import Misconfigured
from atisbo.services.crowd import Crowd
from atisbo.store import db
from atisbo.store.accounts import Room
from atisbo.store.blobs import Blobs

__all__ = ["Blobs", "Workplace"]

T = TypeVar("T")


@dataclass(frozen=True)
class Workplace:
    """Shared by every request or job of a process."""

    settings: Settings
    secrets: Secrets
    blobs: Blobs
    engine: Engine
    sessions: sessionmaker[Session] = field(repr=False)  # it carries a key

    @classmethod
    def open(cls, settings: Settings) -> Workplace:
        """Connect to the database that ``settings.database_url`` names; nothing is sent yet."""
        if settings.database_url is None:
            raise Misconfigured(
                "database_unset", "Set ATISBO_DATABASE_URL, or start the whole service with: atisbo serve"
            )
        engine = db.connect(settings.database_url, pool_size=settings.database_pool_size)
        secrets = Secrets.open(settings.secrets_path)
        return cls(
            settings=settings,
            secrets=secrets,
            blobs=Blobs.open(settings.data_dir, settings.blob_url, reserve_bytes=settings.reserve_bytes),
            engine=engine,
            sessions=db.sessions(
                engine,
                audit_key=secrets.key("audit"),
                room=Room(settings.user_images, settings.user_bytes),
                grace=timedelta(seconds=settings.undo_s),
                crowd=Crowd(settings.max_waiting),
            ),
        )

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Commits on success, rolls back on error; raises Unavailable when the database is away."""
        with db.transaction(self.sessions) as session:
            yield session

    def within(self, use: Callable[[Session], T]) -> T:
        with self.transaction() as session:
            return use(session)

    def close(self) -> None:
        self.engine.dispose()
