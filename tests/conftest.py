"""A real PostgreSQL for the whole run, a clean database for each test that writes, the whole service on request."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from atisbo.config import Settings
from atisbo.domain.access import Actor, Role
from atisbo.domain.consents import USE
from atisbo.services import accounts, consents, snapshots
from atisbo.services.work import Workplace
from atisbo.store.postgres import EmbeddedPostgres
from atisbo.store.schema import migrate

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("database"))
    yield server.start()
    server.stop()


@pytest.fixture(scope="session")
def _migrated(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), database_url=database_url)
    workplace = Workplace.open(settings)
    migrate(workplace.engine)
    yield workplace
    workplace.close()


@pytest.fixture
def workplace(_migrated: Workplace) -> Iterator[Workplace]:
    """The composition every door gets, on a database that is emptied afterwards."""
    yield _migrated
    with _migrated.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # the audit log may be emptied
        names = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        tables = sorted(set(names) - {"alembic_version"})
        connection.execute(text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY"))


@pytest.fixture
def session(workplace: Workplace) -> Iterator[Session]:
    """A session whose work is rolled back."""
    with workplace.sessions() as session:
        yield session
        session.rollback()


@pytest.fixture
def make_actor(workplace: Workplace) -> Callable[..., Actor]:
    """Make a user who agrees to the terms, and return the actor: ``make_actor("ana", Role.CURATOR)``."""

    def make(name: str = "ana", role: Role = Role.USER, *, agrees: bool = True) -> Actor:
        with workplace.transaction() as session:
            user = accounts.create(session, email=f"{name}@example.org", password=PASSWORD, role=role)
            actor = accounts.actor_of(user)
            if agrees:
                consents.agree(session, actor, version=USE.version, language="en")
            return actor

    return make


@pytest.fixture(scope="session")
def describe() -> Iterator[snapshots.Describe]:
    """The decoder of datasets, as a worker has it."""
    with snapshots.opened(Settings()) as opened:
        yield opened


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Service:
    """A running ``atisbo serve`` on a folder of its own."""

    url: str
    data_dir: Path
    process: subprocess.Popen[str]
    administrator: tuple[str, str]

    def child(self, name: str) -> psutil.Process:
        """Its process of this name: ``web`` or ``worker``. Raises psutil.NoSuchProcess while there is none."""
        for process in psutil.Process(self.process.pid).children():
            if name in process.cmdline():
                return process
        raise psutil.NoSuchProcess(self.process.pid, name)

    @property
    def database_url(self) -> str:
        """Of the database that it has started, as the server itself writes it down."""
        lines = (self.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
        return f"postgresql://postgres:@/postgres?host={lines[4]}&port={lines[3]}"

    def register(self, name: str) -> httpx.Client:
        """A client with a bearer token of a new user."""
        email = f"{name}@example.org"
        account = {"email": email, "password": PASSWORD, "consent": True}
        httpx.post(f"{self.url}/api/v1/auth/register", json=account).raise_for_status()
        return self.sign_in(email, PASSWORD)

    def appoint(self, client: httpx.Client, role: str) -> None:
        """The administrator gives the client's account a role."""
        user_id = client.get("/api/v1/me").raise_for_status().json()["id"]
        with self.sign_in(*self.administrator) as administrator:
            administrator.patch(f"/api/v1/users/{user_id}", json={"role": role}).raise_for_status()

    def sign_in(self, email: str, password: str) -> httpx.Client:
        answer = httpx.post(f"{self.url}/api/v1/auth/token", data={"username": email, "password": password})
        answer.raise_for_status()
        token = answer.json()["access_token"]
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def start_service(data_dir: Path, *, complaints: Path | None = None, **environment: str) -> Service:
    """Start the whole service as a user would and wait until it says that it is ready.

    Args:
        complaints: file for what it writes to stderr; without one it goes to ours.
    """
    port = free_port()
    with complaints.open("w") if complaints else nullcontext() as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "atisbo", "serve"],
            env=os.environ | {"ATISBO_DATA_DIR": str(data_dir), "ATISBO_PORT": str(port)} | environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    said: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        words = line.split()
        if words[:1] in (["administrator"], ["password"]):
            said[words[0]] = words[1]
        if line.startswith("Ctrl-C"):
            break
    else:
        process.stdout.close()
        raise RuntimeError(f"the service ended with {process.wait()}")
    return Service(
        f"http://127.0.0.1:{port}", data_dir, process, (said.get("administrator", ""), said.get("password", ""))
    )


def stop_service(service: Service) -> int:
    service.process.terminate()
    code = service.process.wait(30)
    if service.process.stdout is not None:
        service.process.stdout.close()
    return code


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One running service shared by the tests that only use it from outside."""
    running = start_service(tmp_path_factory.mktemp("service"))
    yield running
    stop_service(running)


def eventually(check: Callable[[], bool], *, within_s: float = 20.0) -> None:
    """Wait for something that happens in another process."""
    deadline = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
