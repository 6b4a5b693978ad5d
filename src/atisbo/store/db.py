"""The database: connections, the base of all records, transactions."""

from __future__ import annotations

import select
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from sqlalchemy import (
    URL,
    ColumnElement,
    DateTime,
    Engine,
    MetaData,
    Uuid,
    any_,
    create_engine,
    event,
    literal,
    make_url,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from atisbo.errors import Misconfigured, Unavailable

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: DateTime(timezone=True), uuid.UUID: Uuid()}  # noqa: RUF012


class Identified:
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)


def now() -> datetime:
    return datetime.now(UTC)


PATIENCE: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "options": "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 "
    "-c tcp_user_timeout=10000",
}
"""For every connection: a host that was cut off is noticed within about ten seconds, from either side; seconds, and
milliseconds. Else a lock of a host that is gone would be held for hours."""
_AT: Final = "put back at"
_RESTED_S: Final = 1.0
EF_SEARCH: Final = 150
"""How widely an index of vectors is walked, and with a filter on and on; see :mod:`atisbo.store.nearest`."""


def connect(url: str, *, pool_size: int = 5) -> Engine:
    """An engine on a ``postgresql://`` URL; a connection that a restarted server closed is replaced unnoticed.

    Raises:
        Misconfigured: it is no such URL.
    """
    engine = create_engine(
        _address(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        hide_parameters=True,  # an error's message goes to the log; what was written is nobody's business there
        connect_args=PATIENCE,
    )
    event.listen(engine, "connect", _set)
    event.listen(engine, "checkin", _put_back)
    event.listen(engine, "checkout", _taken)
    return engine


def _address(url: str) -> URL:
    """What is wrong is not repeated: there may be a password in it."""
    try:
        said = make_url(url)
    except (ArgumentError, ValueError):
        said = None
    if said is None or said.drivername != "postgresql":
        raise Misconfigured(
            "database_url_wrong",
            "ATISBO_DATABASE_URL is no address of a PostgreSQL database. Write postgresql://user:password@host/name, "
            "or unset it: then atisbo serve starts a database of its own.",
        )
    return said.set(drivername="postgresql+psycopg")


def _put_back(_: psycopg.Connection[Any] | None, record: ConnectionPoolEntry) -> None:
    record.info[_AT] = time.monotonic()


def _taken(connection: psycopg.Connection[Any], record: ConnectionPoolEntry, _: object) -> None:
    """Ask a connection that has rested, or to which something was said meanwhile, whether it is still good; asking each
    time would cost every transaction a round trip."""
    if time.monotonic() - record.info.get(_AT, time.monotonic()) < _RESTED_S and not _addressed(connection):
        return
    try:
        connection.autocommit = True
        connection.execute("")
        connection.autocommit = False
    except psycopg.Error as error:
        raise InvalidatePoolError from error


def _addressed(connection: psycopg.Connection[Any]) -> bool:
    """Whether there is something to read, if only that the server has hung up."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _set(connection: psycopg.Connection[Any], _: object) -> None:
    """Not at the start of a connection, as ``PATIENCE``: a pooler between may ignore what is said there."""
    connection.execute("SET hnsw.iterative_scan = relaxed_order")
    connection.execute(f"SET hnsw.ef_search = {EF_SEARCH:d}")
    connection.commit()


def sessions(engine: Engine, **info: Any) -> sessionmaker[Session]:
    """Makes sessions; each carries ``info`` along."""
    return sessionmaker(engine, expire_on_commit=False, autoflush=True, info=info)


def among(column: ColumnElement[Any] | InstrumentedAttribute[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """The column is one of the values, however many: they are sent as one array. Of a list each would be a parameter,
    and a statement has at most 65,535."""
    return column == any_(literal(list(values), ARRAY(column.type)))


def hold(session: Session, keys: Iterable[int]) -> None:
    """Hold others off these 63-bit numbers until the transaction ends; in one order, so that nobody waits in a ring."""
    session.execute(_HOLD, {"keys": sorted(set(keys))})


_HOLD: Final = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")


@contextmanager
def transaction(factory: sessionmaker[Session]) -> Iterator[Session]:
    """A session that commits on success and rolls back on any error.

    Raises:
        Unavailable: the database is away, or has no room; nothing was written.
    """
    try:
        with factory.begin() as session:
            yield session
    except (DBAPIError, psycopg.OperationalError) as error:  # the queue speaks to psycopg itself
        if isinstance(error, DBAPIError) and not (error.connection_invalidated or isinstance(error, OperationalError)):
            raise
        raise Unavailable(
            "database_away", "The service cannot reach its database at the moment. Try again shortly."
        ) from error
