"""A backup that is taken while people upload comes back whole on an empty machine, in time.

Ten thousand images at full length; ``ATISBO_TORTURE=0.1`` a tenth of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from atisbo.cli.database import opened
from atisbo.config import Settings
from atisbo.domain.applications import SHIPPED, load
from atisbo.services import accounts, asking, predictions
from atisbo.services.asking import Upload
from atisbo.services.predictions import Outcome
from atisbo.services.work import Workplace
from atisbo.store.blobs import answered
from tests.conftest import PASSWORD, Service, eventually, start_service, stop_service
from tests.pictures import jpeg
from tests.torture.clients import everything

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600)]
IMAGES = max(100, int(10_000 * float(os.environ.get("ATISBO_TORTURE", "1"))))
IN_TIME_S = 15 * 60
MAY_WAIT = 2 * IMAGES
"""Their jobs do: nothing is left to be done for them."""
FINDINGS: dict[str, Any] = {
    "task": "segmentation",
    "label": "polyp",
    "probability": 0.9,
    "threshold": 0.5,
    "area_percent": 0.0,
    "regions": [],
    "empty": True,
    "uncertainty": 0.1,
    "unsure": False,
    "width": 320,
    "height": 256,
}


def fill(workplace: Workplace, count: int) -> None:
    """Images of ana's with answers, as if a worker had been there: bytes that differ, a mask for each."""
    application, _ = load(SHIPPED / "polyp")
    frame, mask = jpeg(), jpeg(64, 64)
    for start in range(0, count, 50):
        with workplace.transaction() as session:
            ana = accounts.actor_of(accounts.verify(session, email="ana@example.org", password=PASSWORD))
            views = [
                asking.ask(
                    session,
                    ana,
                    blobs=workplace.blobs,
                    application=application,
                    upload=Upload(frame + number.to_bytes(4), f"{number}.jpg"),
                )
                for number in range(start, min(count, start + 50))
            ]
            attempts = predictions.claim(session, [view.id for view in views])
            predictions.record(
                session,
                [
                    Outcome(one, n, "done", version="v", findings=FINDINGS, size=(320, 256))
                    for one, n in attempts.items()
                ],
            )
        for prediction_id, attempt in attempts.items():
            workplace.blobs.put(answered(prediction_id, attempt), mask)


def run(*words: str, data_dir: Path) -> float:
    """Seconds that the command took."""
    began = time.monotonic()
    environment = os.environ | {"ATISBO_DATA_DIR": str(data_dir)}
    subprocess.run([sys.executable, "-m", "atisbo", *words], env=environment, check=True, timeout=IN_TIME_S)
    return time.monotonic() - began


def answered_to(service: Service) -> dict[str, Any]:
    """All that ana sees of her predictions."""
    with service.sign_in("ana@example.org", PASSWORD) as ana:
        return {one["id"]: one for one in everything(ana, service.url)}


def uploading(client: httpx.Client, over: threading.Event) -> None:
    number = 0
    while not over.wait(0.2):
        client.post("/api/v1/applications/polyp/predictions", files={"file": ("x.jpg", jpeg(seed=number))})
        number += 1


def test_a_backup_under_load_comes_back_on_an_empty_machine(tmp_path: Path) -> None:
    first, folder, second = tmp_path / "first", tmp_path / "backups", tmp_path / "second"
    service = start_service(first, ATISBO_LOG_LEVEL="ERROR", ATISBO_MAX_WAITING=str(MAY_WAIT))
    try:
        service.register("ana").close()
        with opened(Settings(data_dir=first, max_waiting=MAY_WAIT)) as workplace:
            fill(workplace, IMAGES)
        before, over = answered_to(service), threading.Event()
        with service.register("eva") as eva:
            load_ = threading.Thread(target=uploading, args=(eva, over))
            load_.start()
            saved = run("backup", str(folder), data_dir=first)
            over.set()
            load_.join()
    finally:
        stop_service(service)
    restored = run("restore", str(folder), data_dir=second)
    print(f"\n{IMAGES} images: backup {saved:.0f} s, restore {restored:.0f} s")  # noqa: T201 -- what was measured
    again = start_service(second, ATISBO_LOG_LEVEL="ERROR")
    try:
        assert again.administrator == ("", ""), "there is one already"
        assert answered_to(again) == before
        with again.sign_in("eva@example.org", PASSWORD) as eva:
            items = eva.get("/api/v1/predictions?limit=200").json()["items"]
            assert items
            eventually(
                lambda: all(one["finished_at"] for one in eva.get("/api/v1/predictions?limit=200").json()["items"]),
                within_s=120,
            )
    finally:
        stop_service(again)
    assert saved + restored < IN_TIME_S
