"""``atisbo serve``: the database, the web process and the workers, started, watched and stopped together."""

from __future__ import annotations

import http.client
import logging
import signal
import socket
import subprocess
import threading
import time
from contextlib import closing

from atisbo.cli.children import Child
from atisbo.cli.database import prepare
from atisbo.config import Settings
from atisbo.errors import Misconfigured
from atisbo.services.work import Workplace
from atisbo.store.postgres import EmbeddedPostgres

log = logging.getLogger(__name__)

STOP_PATIENCE_S = 10.0
READY_PATIENCE_S = 60.0


class Supervisor:
    """
    Args:
        web: started early; it waits for the database.

    Raises:
        Misconfigured: its workers would refuse the settings.
    """

    def __init__(self, settings: Settings, web: Child) -> None:
        settings.queues  # noqa: B018 -- a wrong one is refused here, not by a worker over and over
        self._settings = settings
        self._postgres: EmbeddedPostgres | None = None
        self._web = web
        self._children = [web]
        self._stop = threading.Event()

    def run(self) -> int:
        """Run until SIGINT or SIGTERM; returns the exit code."""
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, lambda *_: self._stop.set())
        began = time.monotonic()
        try:
            _need_port(self._settings)
            url = self._database()
            administrator = self._prepare(url)
            try:
                self._start(url)
                ready = self._ready()
            except BaseException:
                _tell(administrator)  # it is made by now, and would never be heard of
                raise
            if ready:
                address = self._settings.public_url or f"http://{self._settings.host}:{self._settings.port}"
                _tell(
                    administrator,
                    f"Atisbo is ready at {address}  ({time.monotonic() - began:.1f} s)",
                    "Ctrl-C stops it.",
                )
            while not self._stop.wait(0.2):
                self._watch()
        finally:
            self._end()
        return 0

    def _database(self) -> str:
        if self._settings.database_url is not None:
            return self._settings.database_url
        self._postgres = EmbeddedPostgres(self._settings.data_dir)
        return self._postgres.start()

    def _prepare(self, url: str) -> tuple[str, str] | None:
        with closing(Workplace.open(self._settings.model_copy(update={"database_url": url}))) as workplace:
            return prepare(workplace)

    def _start(self, url: str) -> None:
        self._web.go_on(url)
        workers = [Child("worker", self._web.environment) for _ in range(self._settings.workers)]
        self._children += workers
        for child in workers:
            child.start()

    def _ready(self) -> bool:
        """Wait until the web process answers.

        Raises:
            Misconfigured: it does not.
        """
        deadline = time.monotonic() + READY_PATIENCE_S
        web = self._web.process
        while not self._stop.wait(0.02):
            if web is not None and web.poll() is not None:
                raise Misconfigured("web_ended", "The web process could not start. See the messages above.")
            if _answers(self._settings):
                return True
            if time.monotonic() > deadline:
                raise Misconfigured("web_silent", "The web process does not answer. See the messages above.")
        return False

    def _watch(self) -> None:
        for child in self._children:
            child.check()
        if self._postgres is not None and not self._postgres.alive():
            log.error("the database ended; starting it again")
            try:
                self._postgres.revive()
            except (OSError, subprocess.SubprocessError) as error:
                log.error("the database does not start: %s", error)
                self._stop.wait(2)

    def _end(self) -> None:
        """Ask the web process and the workers to finish, then stop the database."""
        for child in self._children:
            if child.process is not None:
                child.process.terminate()
        deadline = time.monotonic() + STOP_PATIENCE_S
        for child in self._children:
            child.stop(deadline)
        if self._postgres is not None:
            self._postgres.stop()


def _answers(settings: Settings) -> bool:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    connection = http.client.HTTPConnection(host, settings.port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _need_port(settings: Settings) -> None:
    """Raises Misconfigured: the port is taken, perhaps by another Atisbo, whose answers would be taken for ours."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
            listener.listen()
        except OSError as error:
            raise Misconfigured(
                "port_taken",
                "{host}:{port} cannot be listened on: {reason}. Set ATISBO_PORT to another one.",
                host=settings.host,
                port=settings.port,
                reason=error.strerror,
            ) from error


def _tell(administrator: tuple[str, str] | None, *lines: str) -> None:
    """Of the service, and of an administrator who was made: what this command says on stdout."""
    made = (
        (
            "",
            f"  administrator  {administrator[0]}",
            f"  password       {administrator[1]}   shown only this once",
            "",
        )
        if administrator
        else ()
    )
    print("\n".join((*lines[:1], *made, *lines[1:])), flush=True)  # noqa: T201 -- that is what it is for
