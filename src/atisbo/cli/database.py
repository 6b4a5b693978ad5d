"""The database for commands that run beside or without the service."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError

from atisbo.config import Settings
from atisbo.domain.applications import discover, roots
from atisbo.errors import Misconfigured, Unavailable
from atisbo.services import users, versions
from atisbo.services.work import Workplace
from atisbo.store.postgres import EmbeddedPostgres
from atisbo.store.schema import migrate

log = logging.getLogger(__name__)

_OPERATORS: Final = (psycopg.OperationalError, psycopg.NotSupportedError, psycopg.errors.InsufficientPrivilege)
"""Errors that somebody has to mend on the server, or in its address."""


@contextmanager
def opened(settings: Settings) -> Iterator[Workplace]:
    """A migrated database: the configured one, the embedded one of a running service, or one started for this.

    Raises:
        Misconfigured: there is no installation. A command that made one would do its work on nothing and say so of all.
    """
    if settings.database_url is None and not EmbeddedPostgres.there(settings.data_dir):
        raise Misconfigured(
            "installation_missing",
            "There is no installation in {folder}. Set ATISBO_DATA_DIR, or ATISBO_DATABASE_URL, as the service has it.",
            folder=settings.data_dir.resolve(),
        )
    with as_it_is(settings) as workplace:
        migrate(workplace.engine)
        yield workplace


@contextmanager
def as_it_is(settings: Settings) -> Iterator[Workplace]:
    """The same, whatever its schema; a new embedded one has none.

    Raises:
        Misconfigured: there is no such database, or it does not let us in.
    """
    if settings.database_url is not None:
        with _told(), closing(Workplace.open(settings)) as workplace:
            yield workplace
        return
    server = EmbeddedPostgres(settings.data_dir)
    try:
        with (
            _told(),
            closing(Workplace.open(settings.model_copy(update={"database_url": server.start()}))) as workplace,
        ):
            yield workplace
    finally:
        server.stop()


def prepare(workplace: Workplace) -> tuple[str, str] | None:
    """Bring the schema up to date and register the installed versions; several hosts may do so at once.

    Returns:
        Address and password of an administrator who was made, the first time.

    Raises:
        Misconfigured: the database or the storage of blobs does not let us in.
    """
    if workplace.settings.blob_url is not None:
        _check_storage(workplace)
    with _told():
        migrate(workplace.engine)
    administrator = workplace.within(users.first_administrator)
    found, _ = discover(roots(workplace.settings.applications_dir))
    workplace.within(lambda session: versions.install(session, found))
    return administrator


@contextmanager
def _told() -> Iterator[None]:
    """What a database says that is away, refuses us, or lacks an extension, in a sentence for the operator."""
    try:
        yield
    except DBAPIError as error:
        wrong_option = type(error.orig) is psycopg.ProgrammingError  # of the URL; PostgreSQL's own are sub-classes
        if not (wrong_option or isinstance(error.orig, _OPERATORS)):
            raise
        raise Misconfigured(
            "database_refuses",
            "The database of ATISBO_DATABASE_URL cannot be used. Check the address, and that the server runs and lets "
            "this user in. It was said: {reason}",
            reason=" ".join(str(error.orig).split()),
        ) from error


def _check_storage(workplace: Workplace) -> None:
    """One that is away may come back; what it refuses is for the operator to mend."""
    try:
        workplace.blobs.check()
    except Unavailable as error:
        log.warning("%s", error)
