"""A full disk costs an error that says so and no half file; with room again all goes on by itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from atisbo.domain.consents import USE
from tests.conftest import Service, eventually, start_service, stop_service
from tests.pictures import jpeg

pytestmark = [pytest.mark.torture, pytest.mark.timeout(300)]
ASK = "/api/v1/applications/polyp/predictions"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that holds little; it takes the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def own(tmp_path: Path, small_disk: Path) -> Iterator[Service]:
    running = start_service(tmp_path / "own", ATISBO_BLOB_URL=f"file://{small_disk}")
    yield running
    stop_service(running)


def test_uploads_are_refused_and_come_back_with_room(own: Service, small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with own.register("ana") as ana:
        ana.put("/api/v1/me/consents/use", json={"version": USE.version}).raise_for_status()
        ballast.write_bytes(bytes(3 << 20))
        answers: list[httpx.Response] = []
        for seed in range(200):
            answers.append(ana.post(ASK, files={"file": ("frame.jpg", jpeg(600, 400, seed=seed))}))
            if answers[-1].status_code != 202:
                break
        refused = answers[-1]
        assert refused.status_code in (503, 507), refused.text
        assert refused.json()["detail"]
        assert ana.post(ASK, files={"file": ("frame.jpg", jpeg(600, 400, seed=999))}).status_code in (503, 507)
        taken = [answer.json()["id"] for answer in answers[:-1]]

        ballast.unlink()
        again = ana.post(ASK, files={"file": ("frame.jpg", jpeg(600, 400, seed=1000))})
        assert again.status_code == 202, again.text
        wanted = {*taken, again.json()["id"]}

        def answered() -> bool:
            items = ana.get("/api/v1/predictions?limit=200").json()["items"]
            done = {one["id"] for one in items if one["status"] in ("done", "unsure")}
            return wanted <= done and len(items) == len(wanted)

        eventually(answered, within_s=120)
    hashes = [path for path in (small_disk / "originals").rglob("*") if path.is_file()]
    assert len(hashes) == len(wanted), "a half file was left"
