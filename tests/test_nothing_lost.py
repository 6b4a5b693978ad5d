"""An accepted upload ends in exactly one result, whatever is killed when."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from atisbo.domain.consents import USE
from tests.conftest import Service, eventually, start_service, stop_service
from tests.pictures import jpeg

ASK = "/api/v1/applications/polyp/predictions"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of its own, to be mistreated; a dead worker's jobs are handed on after two seconds."""
    running = start_service(tmp_path_factory.mktemp("own"), ATISBO_LEASE_S="2")
    yield running
    stop_service(running)


@pytest.fixture(scope="module")
def ana(own: Service) -> Iterator[httpx.Client]:
    with own.register("ana") as client:
        yield client


def child(service: Service, name: str) -> psutil.Process | None:
    for process in psutil.Process(service.process.pid).children():
        if name in process.cmdline():
            return process
    return None


def accepted(client: httpx.Client, count: int) -> list[str]:
    ids = []
    for n in range(count):
        answer = client.post(ASK, files={"file": ("frame.jpg", jpeg(seed=n))})
        assert answer.status_code == 202
        ids.append(answer.json()["id"])
    return ids


def all_done(client: httpx.Client, ids: list[str]) -> bool:
    return all(client.get(f"/api/v1/predictions/{i}").json()["status"] == "done" for i in ids)


def test_a_worker_killed_in_the_middle_loses_nothing_and_comes_back(own: Service, ana: httpx.Client) -> None:
    ids = accepted(ana, 12)
    victim = child(own, "worker")
    assert victim is not None
    victim.kill()
    eventually(lambda: all_done(ana, ids), within_s=90)
    successor = child(own, "worker")
    assert successor is not None
    assert successor.pid != victim.pid


def test_a_stopped_worker_cannot_write_late(own: Service, ana: httpx.Client) -> None:
    """Past its lease another worker answers; when it goes on, its own answer is refused."""
    victim = child(own, "worker")
    assert victim is not None
    ids = accepted(ana, 12)
    victim.send_signal(signal.SIGSTOP)
    url = own.database_url
    second = subprocess.Popen(
        [*victim.cmdline()[:3], "worker"],
        env=os.environ | {"ATISBO_DATABASE_URL": url, "ATISBO_DATA_DIR": str(own.data_dir), "ATISBO_LEASE_S": "2"},
    )
    try:
        eventually(lambda: all_done(ana, ids), within_s=90)
        finished = [ana.get(f"/api/v1/predictions/{i}").json()["finished_at"] for i in ids]
        victim.send_signal(signal.SIGCONT)
        time.sleep(2)
        assert [ana.get(f"/api/v1/predictions/{i}").json()["finished_at"] for i in ids] == finished
    finally:
        victim.send_signal(signal.SIGCONT)
        second.terminate()
        second.wait(20)


def test_the_web_process_killed_comes_back_and_keeps_what_it_accepted(own: Service, ana: httpx.Client) -> None:
    ids = accepted(ana, 4)
    victim = child(own, "web")
    assert victim is not None
    victim.kill()

    def answers() -> bool:
        try:
            return httpx.get(f"{own.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    eventually(answers)
    eventually(lambda: all_done(ana, ids), within_s=90)


def test_a_database_that_is_gone_for_a_while_costs_503s_and_no_upload(own: Service, ana: httpx.Client) -> None:
    ids = accepted(ana, 6)
    postmaster = int((own.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGQUIT)
    codes = set()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        code = ana.post(ASK, files={"file": ("frame.jpg", jpeg(seed=99))}).status_code
        codes.add(code)
        if code == 202 and len(codes) > 1:
            break
        time.sleep(0.05)
    assert codes <= {202, 503}
    assert 503 in codes, "the outage was not noticed; the test proves nothing"
    eventually(lambda: all_done(ana, ids), within_s=90)
    eventually(lambda: all(item["status"] == "done" for item in ana.get("/api/v1/predictions").json()["items"]))


def test_stopping_is_clean_and_a_second_start_finds_everything(tmp_path: Path) -> None:
    first = start_service(tmp_path / "data")
    email, password = first.administrator
    assert password
    with first.sign_in(email, password) as client:
        client.put("/api/v1/me/consents/use", json={"version": USE.version}).raise_for_status()
        said = client.post(ASK, files={"file": ("frame.jpg", jpeg())}, headers={"Prefer": "wait=30"}).json()
    children = psutil.Process(first.process.pid).children(recursive=True)
    assert stop_service(first) == 0
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    assert not (tmp_path / "data" / "postgres" / "postmaster.pid").exists()
    second = start_service(tmp_path / "data")
    assert second.administrator == ("", ""), "the password is shown only once"
    with second.sign_in(email, password) as client:
        assert client.get(said["links"]["self"]).json()["findings"] == said["findings"]
        assert client.get(said["links"]["mask"]).status_code == 200
    stop_service(second)
