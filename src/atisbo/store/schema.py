"""Bringing a database to this program's schema, and telling whether the records and the migrations agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from atisbo.store import (  # noqa: F401 -- they register their records
    accounts,
    audit,
    collections,
    consents,
    datasets,
    deletions,
    embeddings,
    images,
    maps,
    notices,
    predictions,
    readings,
    reviews,
    runs,
    scenarios,
    second_factors,
    shadows,
    sweeps,
    tensors,
    trials,
    versions,
    webhooks,
    workers,
)
from atisbo.store.db import Base

metadata = Base.metadata
_LOCK = 7_245_001


def include_object(_item: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
    """PgQueuer keeps its own tables; the indexes of a search are built when it has grown."""
    return not (name or "").startswith({"table": "pgqueuer", "index": "ix_nearest_"}.get(kind, "\0"))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def migrate(engine: Engine) -> None:
    """Upgrade to the newest schema; several processes may call it at once, one does the work."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config = _config(connection)
        newest = ScriptDirectory.from_config(config).get_current_head()
        if MigrationContext.configure(connection).get_current_revision() != newest:
            command.upgrade(config, "head")


def drift(engine: Engine) -> list[Any]:
    """Differences between the records and a migrated database; empty when they agree."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": include_object})
        return list(compare_metadata(context, metadata))
