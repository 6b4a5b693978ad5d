"""Every accepted upload ends in exactly one result while processes are killed again and again.

``ATISBO_TORTURE=0.1`` does a tenth of it.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from atisbo.client import ApiError, Client
from tests.conftest import PASSWORD, Service, eventually, start_service, stop_service
from tests.pictures import jpeg

pytestmark = [pytest.mark.torture, pytest.mark.timeout(900)]
SCALE = float(os.environ.get("ATISBO_TORTURE", "1"))
UPLOADS = max(12, int(200 * SCALE))
CLIENTS = 4


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Service]:
    running = start_service(tmp_path / "own", ATISBO_LEASE_S="2", ATISBO_LOG_LEVEL="ERROR")
    running.register("ana").close()
    yield running
    stop_service(running)


def child(service: Service, name: str) -> psutil.Process | None:
    with suppress(psutil.Error):
        for process in psutil.Process(service.process.pid).children():
            if name in process.cmdline():
                return process
    return None


def postmaster(service: Service) -> psutil.Process | None:
    with suppress(OSError, ValueError, psutil.Error):
        return psutil.Process(int((service.data_dir / "postgres/postmaster.pid").read_text().splitlines()[0]))
    return None


@contextmanager
def meanwhile(do: Callable[[], None], every_s: float, times: int | None = None) -> Iterator[list[float]]:
    """Do it again and again in the background; yields when it was done."""
    over, done = threading.Event(), list[float]()

    def run() -> None:
        while not over.wait(every_s) and (times is None or len(done) < times):
            do()
            done.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()


def kill(find: Callable[[], psutil.Process | None], sign: int = signal.SIGKILL) -> None:
    process = find()
    if process is not None:
        with suppress(psutil.Error):
            process.send_signal(sign)


def upload(service: Service, numbers: list[int]) -> list[str]:
    """What a patient client does: it sends again until it is taken, with the same key; ids of what was taken."""
    ids = []
    with Client.sign_in(service.url, "ana@example.org", PASSWORD) as client:
        for number in numbers:
            picture = jpeg(seed=number)
            for _ in range(60):
                try:
                    ids.append(client.predict("polyp", picture, wait_s=1)["id"])
                    break
                except (ApiError, httpx.TransportError):
                    time.sleep(0.5)
            else:
                raise AssertionError("never taken")
    return ids


def everything(service: Service) -> list[dict[str, object]]:
    """All of ana's predictions, page by page."""
    found: list[dict[str, object]] = []
    with service.sign_in("ana@example.org", PASSWORD) as client:
        after = ""
        while True:
            page = client.get(f"/api/v1/predictions?limit=200{after}").json()
            found += page["items"]
            if not page["next"]:
                return found
            after = f"&before={page['next']}"


def all_answered(service: Service) -> bool:
    with suppress(httpx.HTTPError):
        return all(one["status"] in ("done", "unsure") for one in everything(service))
    return False


def uploaded(service: Service) -> list[str]:
    parts = [list(range(start, UPLOADS, CLIENTS)) for start in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        return [one for part in pool.map(lambda numbers: upload(service, numbers), parts) for one in part]


def one_result_each(service: Service, ids: list[str]) -> None:
    eventually(lambda: all_answered(service), within_s=180)
    found = everything(service)
    answered = {str(one["id"]) for one in found}
    assert set(ids) <= answered, "an accepted upload has no result"
    assert len(set(ids)) == UPLOADS, "two uploads share one result"


def test_the_worker_is_killed_every_three_seconds(own: Service) -> None:
    with meanwhile(lambda: kill(lambda: child(own, "worker")), every_s=3) as kills:
        ids = uploaded(own)
    assert kills, "nothing was killed; the test proves nothing"
    one_result_each(own, ids)


def test_the_web_process_is_killed_at_twenty_moments(own: Service) -> None:
    with meanwhile(lambda: kill(lambda: child(own, "web")), every_s=2.3, times=max(3, int(20 * SCALE))) as kills:
        ids = uploaded(own)
    assert kills
    one_result_each(own, ids)


def test_the_database_is_restarted_every_ten_seconds(own: Service) -> None:
    with meanwhile(lambda: kill(lambda: postmaster(own), signal.SIGQUIT), every_s=10, times=6) as kills:
        ids = uploaded(own)
        deadline = time.monotonic() + 15
        while not kills and time.monotonic() < deadline:
            time.sleep(0.2)
    assert kills
    one_result_each(own, ids)


def test_the_database_stands_still_for_a_minute(own: Service) -> None:
    """Stopped, not ended: connections stay open and nobody answers."""
    before = upload(own, list(range(6)))
    root = postmaster(own)
    assert root is not None
    stopped = [root, *root.children(recursive=True)]
    for process in stopped:
        process.suspend()
    time.sleep(max(6.0, 60 * SCALE))
    for process in stopped:
        with suppress(psutil.Error):
            process.resume()
    eventually(lambda: httpx.get(f"{own.url}/healthz").status_code == 200, within_s=60)
    after = upload(own, list(range(6, 12)))
    eventually(lambda: all_answered(own), within_s=120)
    assert {*before, *after} <= {str(one["id"]) for one in everything(own)}
