"""Several web and worker processes on several hosts; one is cut off and brought back: nothing is lost, nothing twice.

``ATISBO_TORTURE=0.1`` does a tenth of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import s3
from tests.torture.hosts import PYTHON, Hosts, postgresql

pytestmark = [pytest.mark.torture, pytest.mark.timeout(900)]
SCALE = float(os.environ.get("ATISBO_TORTURE", "1"))
UPLOADS = max(24, int(120 * SCALE))
CUT_S = max(12.0, 40 * SCALE)
WAITING = "import sys, socket; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)"


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    made = Hosts("base", "one", "two", "people")
    yield made
    made.close()


def reachable(hosts: Hosts, address: str, port: int, *, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while True:
        try:
            hosts.by_name["people"].said(PYTHON, "-c", WAITING, address, str(port))
            return
        except subprocess.CalledProcessError:
            assert time.monotonic() < deadline, f"{address}:{port} does not answer"


def service(hosts: Hosts, folder: Path) -> list[str]:
    """Database and storage on one host, web and worker on each of two others; the addresses of the web processes."""
    base = hosts.by_name["base"]
    url = postgresql(base, folder / "base")
    storage = s3.made(folder / "s3")
    storage.host, storage.before = base.address, base.lead
    storage.start()
    assert storage.process is not None
    base.running.append(storage.process)
    reachable(hosts, base.address, 5432)
    reachable(hosts, base.address, storage.ports["s3.port"])
    shared = storage.environment | {
        "ATISBO_DATABASE_URL": url,
        "ATISBO_BLOB_URL": f"s3://{s3.BUCKET}/blobs",
        "ATISBO_SECRETS_FILE": str(folder / "secrets.json"),
        "ATISBO_DEVELOPMENT": "true",
        "ATISBO_LEASE_S": "3",
        "ATISBO_PORT": "8080",
        "ATISBO_LOG_LEVEL": "ERROR",
        "ATISBO_WORKER_QUEUES": "answers",
    }
    urls = []
    for name in ("one", "two"):
        host = hosts.by_name[name]
        own = shared | {"ATISBO_DATA_DIR": str(folder / name), "ATISBO_HOST": host.address}
        if not urls:
            host.said(PYTHON, "-m", "atisbo", "migrate", **own)
        for part in ("web", "worker"):
            host.start(PYTHON, "-m", "atisbo", part, **own)
        urls.append(f"http://{host.address}:8080")
    return urls


def test_a_host_is_cut_off_and_brought_back(hosts: Hosts, tmp_path: Path) -> None:
    urls = service(hosts, tmp_path)
    people = hosts.by_name["people"]
    order = {"urls": urls, "count": UPLOADS, "pause_s": 0.3, "patience_s": 240}
    with subprocess.Popen(
        [*people.lead, PYTHON, "-m", "tests.torture.clients"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(json.dumps(order))
        client.stdin.close()
        said = [json.loads(client.stdout.readline()) for _ in range(UPLOADS // 3)]
        hosts.cut("two")
        began = time.monotonic()
        said += [json.loads(client.stdout.readline()) for _ in range(UPLOADS // 3)]
        time.sleep(max(0.0, CUT_S - (time.monotonic() - began)))
        hosts.join("two")
        said += [json.loads(line) for line in client.stdout]
    found = said.pop()["found"]
    ids = [one["id"] for one in said]
    assert len(ids) == len(set(ids)) == UPLOADS
    assert sum(one["refusals"] for one in said) > 0, "nobody noticed that a host was gone; the test proves nothing"
    assert set(found) == set(ids), "an upload was lost, or made twice"
    assert set(found.values()) == {"done"}, found
    after = [one for number, one in enumerate(said) if number > 0.75 * UPLOADS and number % 2]
    assert any(one["refusals"] == 0 for one in after), "the host that was cut off takes nothing"
