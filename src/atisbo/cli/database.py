"""The database for commands that run beside or without the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from atisbo.config import Settings
from atisbo.services.work import Workplace


@contextmanager
def opened(settings: Settings) -> Iterator[Workplace]:
    """A migrated database: the configured one, the embedded one of a running service, or one started for this."""
    if settings.database_url is not None:
        workplace = Workplace.open(settings)
        workplace.migrate()
        yield workplace
        workplace.close()
        return
    from atisbo.store.postgres import EmbeddedPostgres

    server = EmbeddedPostgres(settings.data_dir)
    url = server.start()
    try:
        workplace = Workplace.open(settings.model_copy(update={"database_url": url}))
        workplace.migrate()
        yield workplace
        workplace.close()
    finally:
        server.stop()
