"""The database for commands that run beside or without the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from atisbo.config import Settings
from atisbo.services.work import Workplace
from atisbo.store.postgres import EmbeddedPostgres
from atisbo.store.schema import migrate


@contextmanager
def opened(settings: Settings) -> Iterator[Workplace]:
    """A migrated database: the configured one, the embedded one of a running service, or one started for this."""
    with as_it_is(settings) as workplace:
        migrate(workplace.engine)
        yield workplace


@contextmanager
def as_it_is(settings: Settings) -> Iterator[Workplace]:
    """The same, whatever its schema; a new embedded one has none."""
    if settings.database_url is not None:
        with closing(Workplace.open(settings)) as workplace:
            yield workplace
        return
    server = EmbeddedPostgres(settings.data_dir)
    try:
        with closing(Workplace.open(settings.model_copy(update={"database_url": server.start()}))) as workplace:
            yield workplace
    finally:
        server.stop()
