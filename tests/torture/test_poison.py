"""Others hardly notice that somebody sends pictures which kill, hang or starve a network."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests import poisonous
from tests.conftest import Service, eventually, start_service, stop_service

pytestmark = [pytest.mark.torture, pytest.mark.timeout(900)]
OTHERS = max(80, int(1500 * float(os.environ.get("ATISBO_TORTURE", "1"))))
CLIENTS = 4
ASK = "/api/v1/applications/delicate/predictions"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Service]:
    folder = poisonous.install(tmp_path / "applications")
    running = start_service(
        tmp_path / "own",
        ATISBO_APPLICATIONS_DIR=str(folder),
        ATISBO_HANG_S="5",
        ATISBO_LOG_LEVEL="ERROR",
        ATISBO_WORKERS="2",
    )
    yield running
    stop_service(running)


def waits(client: httpx.Client, count: int) -> tuple[np.ndarray, set[str]]:
    """Seconds of ``count`` clients' answers, one after another for each; and what came of them."""
    seconds, fates, lock = list[float](), set[str](), threading.Lock()
    pictures = [poisonous.harmless(seed) for seed in range(16)]

    def send(number: int) -> None:
        began = time.monotonic()
        answer = client.post(ASK, files={"file": ("x.png", pictures[number % 16])}, headers={"Prefer": "wait=60"})
        with lock:
            seconds.append(time.monotonic() - began)
            fates.add(answer.json()["status"])

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(send, range(count)))
    return np.array(seconds), fates


def test_others_hardly_notice(own: Service) -> None:
    with own.register("ana") as ana, own.register("eva") as eva:
        waits(ana, 20)
        usual, _ = waits(ana, OTHERS // 3)
        ids = list[str]()

        def spread() -> None:
            for colour in (poisonous.CRASHES, poisonous.HOARDS, poisonous.HANGS):
                ids.append(eva.post(ASK, files={"file": ("x.png", poisonous.picture(colour))}).json()["id"])
                time.sleep(0.5)

        villain = threading.Thread(target=spread)
        villain.start()
        others, fates = waits(ana, OTHERS)
        villain.join()
        eventually(
            lambda: all(eva.get(f"/api/v1/predictions/{one}").json()["finished_at"] for one in ids), within_s=120
        )
        said = [eva.get(f"/api/v1/predictions/{one}").json() for one in ids]
    before, during = (float(np.percentile(part, 95)) for part in (usual, others))
    said_of_it = f"p95 {1000 * before:.0f} ms, with poison {1000 * during:.0f} ms, longest {others.max():.1f} s"
    print(f"\n{said_of_it}")  # noqa: T201 -- what was measured
    assert fates == {"done"}
    assert [one["failure"]["code"] for one in said] == ["gave_up"] * 3
    assert during < 2 * before
