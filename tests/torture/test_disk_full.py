"""A full disk costs an error that says so and no half file; with room again all goes on by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from atisbo.domain.consents import USE
from tests.conftest import Service, eventually, start_service, stop_service
from tests.pictures import jpeg

pytestmark = [pytest.mark.torture, pytest.mark.timeout(600)]
ASK = "/api/v1/applications/polyp/predictions"


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str, Path], Path]]:
    """Makes folders that hold little; it takes the right to mount."""
    folders = list[Path]()

    def mount(size: str, folder: Path) -> Path:
        folder.mkdir(parents=True)
        words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if subprocess.run(words, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small disk is not allowed here")
        folders.append(folder)
        return folder

    yield mount
    for folder in folders:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small_disk(mounted: Callable[[str, Path], Path], tmp_path: Path) -> Path:
    return mounted("6m", tmp_path / "disk")


@pytest.fixture
def own(tmp_path: Path, small_disk: Path) -> Iterator[Service]:
    running = start_service(tmp_path / "own", ATISBO_BLOB_URL=f"file://{small_disk}", ATISBO_RESERVE_BYTES="0")
    yield running
    stop_service(running)


def agreed(client: httpx.Client) -> None:
    client.put("/api/v1/me/consents/use", json={"version": USE.version}).raise_for_status()


def send(client: httpx.Client, seed: int) -> httpx.Response:
    return client.post(ASK, files={"file": ("frame.jpg", jpeg(600, 400, seed=seed))})


def statuses(client: httpx.Client) -> dict[str, str]:
    items = client.get("/api/v1/predictions?limit=200").raise_for_status().json()["items"]
    return {one["id"]: one["status"] for one in items}


def answered(client: httpx.Client, wanted: set[str]) -> bool:
    with suppress(httpx.HTTPError):
        said = statuses(client)
        return set(said) == wanted and set(said.values()) <= {"done", "unsure"}
    return False


def fill(folder: Path) -> Path:
    """All but nothing is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def test_uploads_are_refused_and_come_back_with_room(own: Service, small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with own.register("ana") as ana:
        agreed(ana)
        ballast.write_bytes(bytes(3 << 20))
        answers: list[httpx.Response] = []
        for seed in range(200):
            answers.append(send(ana, seed))
            if answers[-1].status_code != 202:
                break
        refused = answers[-1]
        assert refused.status_code == 507, refused.text
        assert refused.json()["code"] == "storage_full"
        assert refused.headers["Retry-After"]
        assert send(ana, 999).status_code == 507
        taken = [answer.json()["id"] for answer in answers[:-1]]
        ballast.unlink()
        again = send(ana, 1000)
        assert again.status_code == 202, again.text
        wanted = {*taken, again.json()["id"]}
        eventually(lambda: answered(ana, wanted), within_s=120)
    hashes = [path for path in (small_disk / "originals").rglob("*") if path.is_file()]
    assert len(hashes) == len(wanted), "a half file was left"


def test_results_wait_for_room(own: Service, small_disk: Path) -> None:
    """For longer than three tries: what is full is nobody's fault."""
    (worker,) = [one for one in psutil.Process(own.process.pid).children() if "worker" in one.cmdline()]
    with own.register("ana") as ana:
        agreed(ana)
        worker.send_signal(signal.SIGSTOP)
        wanted = {send(ana, seed).raise_for_status().json()["id"] for seed in range(4)}
        ballast = fill(small_disk)
        worker.send_signal(signal.SIGCONT)
        time.sleep(15)
        assert set(statuses(ana).values()) <= {"waiting", "running"}
        ballast.unlink()
        eventually(lambda: answered(ana, wanted), within_s=120)
        for one in wanted:
            assert ana.get(f"/api/v1/predictions/{one}/mask.png").content.endswith(b"IEND\xaeB`\x82")
    assert not [path for path in small_disk.rglob("*") if "#" in path.name], "a half file was left"


def test_a_full_disk_below_the_database_costs_uploads_only(
    mounted: Callable[[str, Path], Path], tmp_path: Path
) -> None:
    folder = mounted("160m", tmp_path / "own/postgres")
    os.chmod(folder, 0o700)  # noqa: PTH101
    own = start_service(tmp_path / "own")
    try:
        with own.register("ana") as ana:
            agreed(ana)
            wanted = {send(ana, seed).raise_for_status().json()["id"] for seed in range(3)}
            ballast = fill(folder)
            codes = list[int]()
            for seed in range(100, 2000):
                answer = send(ana, seed)
                codes.append(answer.status_code)
                if answer.status_code == 202:
                    wanted.add(answer.json()["id"])
                elif codes.count(503) > 5:
                    break
            assert set(codes) <= {202, 503, 507}, codes
            assert 503 in codes or 507 in codes, "the disk was never full; the test proves nothing"
            ballast.unlink()
            eventually(lambda: send_again(ana, wanted), within_s=60)
            eventually(lambda: answered(ana, wanted), within_s=180)
    finally:
        stop_service(own)


def send_again(client: httpx.Client, wanted: set[str]) -> bool:
    with suppress(httpx.TransportError):
        answer = send(client, 5000)
        if answer.status_code == 202:
            wanted.add(answer.json()["id"])
            return True
    return False
