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
from typing import Any

import httpx
import psutil
import pytest

from tests.conftest import PASSWORD, Service, eventually, start_service, stop_service
from tests.pictures import jpeg
from tests.torture.clients import everything

pytestmark = [pytest.mark.torture, pytest.mark.timeout(900)]
SCALE = float(os.environ.get("ATISBO_TORTURE", "1"))
UPLOADS = max(12, int(200 * SCALE))
CLIENTS = 4
ASK = "/api/v1/applications/polyp/predictions"


def at_least(count: int, least: int = 2) -> int:
    """So many of so many, at this scale."""
    return max(least, int(count * SCALE))


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Service]:
    running = start_service(tmp_path / "own", ATISBO_LEASE_S="2", ATISBO_LOG_LEVEL="ERROR")
    running.register("ana").close()
    yield running
    stop_service(running)


def child(service: Service, name: str) -> psutil.Process | None:
    with suppress(psutil.Error):
        return service.child(name)
    return None


def healthy(service: Service) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{service.url}/healthz").status_code == 200
    return False


def postmaster(service: Service) -> psutil.Process | None:
    with suppress(OSError, ValueError, psutil.Error):
        return psutil.Process(int((service.data_dir / "postgres/postmaster.pid").read_text().splitlines()[0]))
    return None


@contextmanager
def meanwhile(do: Callable[[], bool], every_s: float, times: int) -> Iterator[list[float]]:
    """Do it again and again in the background; yields when it was done."""
    over, done = threading.Event(), list[float]()

    def run() -> None:
        while len(done) < times and not over.wait(every_s):
            if do():
                done.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()


def kill(find: Callable[[], psutil.Process | None], sign: int = signal.SIGKILL) -> bool:
    process = find()
    if process is None:
        return False
    try:
        process.send_signal(sign)
    except psutil.Error:
        return False
    return True


def upload(service: Service, numbers: list[int], kills: list[float], least: int) -> list[str]:
    """What a patient client does: it sends again, with the same key, until it is taken; ids of what was taken.

    The uploads are spread over ``least`` kills.
    """
    ids = []
    with client(service) as ana:
        for place, number in enumerate(numbers):
            eventually(lambda place=place: len(kills) >= least * place // len(numbers), within_s=120)  # type: ignore[misc]
            ids.append(taken(ana, number))
    return ids


def client(service: Service) -> httpx.Client:
    for _ in range(200):
        with suppress(httpx.HTTPError):
            return service.sign_in("ana@example.org", PASSWORD)
        time.sleep(0.3)
    raise AssertionError("nobody could sign in")


def taken(ana: httpx.Client, number: int) -> str:
    for _ in range(400):
        with suppress(httpx.TransportError):
            picture = {"file": ("frame.jpg", jpeg(seed=number))}
            answer = ana.post(ASK, files=picture, headers={"Idempotency-Key": f"upload {number}"})
            if answer.is_success:
                return str(answer.json()["id"])
            assert answer.status_code in (429, 503), answer.text
        time.sleep(0.3)
    raise AssertionError("never taken")


def answered(service: Service) -> list[dict[str, Any]]:
    """All of ana's predictions."""
    with service.sign_in("ana@example.org", PASSWORD) as ana:
        return everything(ana, service.url)


def all_finished(service: Service) -> bool:
    with suppress(httpx.HTTPError):
        return all(one["finished_at"] for one in answered(service))
    return False


def uploaded(service: Service, kills: list[float], least: int) -> list[str]:
    parts = [list(range(start, UPLOADS, CLIENTS)) for start in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = pool.map(lambda numbers: upload(service, numbers, kills, least), parts)
        return [one for part in found for one in part]


def one_result_each(service: Service, ids: list[str]) -> None:
    eventually(lambda: all_finished(service), within_s=180)
    found = answered(service)
    failed = {one["id"]: one["failure"] for one in found if one["status"] not in ("done", "unsure")}
    assert not failed
    assert sorted(ids) == sorted(str(one["id"]) for one in found), "each upload made one prediction, each has a result"
    assert len(set(ids)) == UPLOADS
    with client(service) as ana:
        assert taken(ana, 0) in ids, "the same key again is the same prediction"


def test_the_worker_is_killed_every_three_seconds(own: Service) -> None:
    least = at_least(20)
    with meanwhile(lambda: kill(lambda: child(own, "worker")), every_s=3, times=least) as kills:
        ids = uploaded(own, kills, least)
    one_result_each(own, ids)


def test_the_web_process_is_killed_at_twenty_moments(own: Service) -> None:
    """Each time a tenth of a second later after it was up again, however long that takes here."""
    least = at_least(20)
    moments = iter([n / 10 for n in range(least)])

    def strike() -> bool:
        if not healthy(own):
            return False
        time.sleep(next(moments, 1.0))
        return kill(lambda: child(own, "web"))

    with meanwhile(strike, every_s=0.2, times=least) as kills:
        ids = uploaded(own, kills, least)
    one_result_each(own, ids)


def test_the_database_is_restarted_every_ten_seconds(own: Service) -> None:
    least = at_least(6, least=1)
    with meanwhile(lambda: kill(lambda: postmaster(own), signal.SIGQUIT), every_s=10, times=least) as kills:
        ids = uploaded(own, kills, least)
    one_result_each(own, ids)


def test_the_database_stands_still_for_a_minute(own: Service) -> None:
    """Stopped, not ended: connections stay open and nobody answers."""
    before = upload(own, list(range(UPLOADS // 2)), [], 0)
    root = postmaster(own)
    assert root is not None
    stopped = [root, *root.children(recursive=True)]
    for process in stopped:
        process.suspend()
    time.sleep(max(6.0, 60 * SCALE))
    for process in stopped:
        with suppress(psutil.Error):
            process.resume()
    eventually(lambda: healthy(own), within_s=60)
    after = upload(own, list(range(UPLOADS // 2, UPLOADS)), [], 0)
    one_result_each(own, before + after)
