"""What people do with a service all day, over and over, and what its processes hold meanwhile.

The short form is ``tests/test_soak.py``, the long one in ``tests/torture``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import numpy as np
import psutil

from atisbo.domain.applications import SHIPPED
from tests.conftest import PASSWORD, Service, start_service, stop_service

CLIENTS: Final = 4
PARTS: Final = ("web", "worker", "decoders", "database")
PICTURES: Final = {
    name: [path.read_bytes() for path in sorted((SHIPPED / name / "samples").glob("*.jpg"))]
    for name in ("polyp", "glaucoma", "art")
}
LOOKED_AT: Final = ("/", "/about", "/images", "/account", "/terms", "/a/{name}", "/a/{name}/card", "/a/{name}/{id}")
ASKED_FOR: Final = {
    "polyp": ("preview.jpg", "thumbnail.jpg", "neighbours", "report.pdf", "contours"),
    "glaucoma": ("preview.jpg", "thumbnail.jpg", "neighbours", "report.pdf", "contours", "heatmap"),
    "art": ("preview.jpg", "thumbnail.jpg", "neighbours", "report.pdf", "heatmap"),
}
SIGNED_IN: Final = 20
"""Rounds until a client signs in anew; its token lasts for minutes."""
PART: Final = '{"x": 78, "y": 509, "width": 300, "height": 300}'
"""The optic disc of the sample of ``glaucoma``."""
WAITING: Final = {"Prefer": "wait=60"}


class Held(NamedTuple):
    """By the processes of one part together."""

    megabytes: float
    """Of their own: what would be free if they ended."""
    descriptors: int
    threads: int


@dataclass
class Soak:
    """Clients who work at a service side by side, round after round."""

    service: Service
    rounds: int = 0
    faults: list[str] = field(default_factory=list)
    """What was answered otherwise than it should be."""

    def work(self, going: Callable[[int], bool]) -> None:
        """Rounds of all clients together while ``going``, asked with the number of the next one."""
        numbers, lock = count(self.rounds), threading.Lock()

        def one(_: int) -> None:
            while True:
                with self.service.sign_in("soak@example.org", PASSWORD) as client:
                    for _ in range(SIGNED_IN):
                        with lock:
                            number = next(numbers)
                        if not going(number):
                            return
                        try:
                            self._round(client, number)
                        except (httpx.HTTPError, KeyError) as error:
                            self.faults.append(f"{number}: {error!r}")
                        with lock:
                            self.rounds += 1

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(one, range(CLIENTS)))

    def _round(self, client: httpx.Client, number: int) -> None:
        """Send a picture, look at everything, say something, have it deleted; now and then what is less usual."""
        name = ("polyp", "glaucoma", "art")[number % 3]
        picture = PICTURES[name][number // 3 % len(PICTURES[name])]
        path = f"/api/v1/applications/{name}/predictions"
        files = {"file": ("a.jpg", picture)} | ({"region": (None, PART)} if name == "glaucoma" else {})
        said = self._get(client.post(path, files=files, headers=WAITING), 200).json()
        for page in LOOKED_AT:
            self._get(client.get(page.format(name=name, id=said["id"]), follow_redirects=True), 200)
        for view in ASKED_FOR[name]:
            self._get(client.get(f"/api/v1/predictions/{said['id']}/{view}"), 200)
        verdict = {"verdict": "right" if number % 2 else "unknown"}
        self._get(client.put(f"/api/v1/predictions/{said['id']}/review", json=verdict), 200)
        if number % 5 == 0:
            self._get(client.post(path, files={"file": ("b.jpg", picture[: len(picture) // 2])}, headers=WAITING), 422)
        if number % 7 == 0:
            many = [("files", (f"{at}.jpg", one)) for at, one in enumerate(PICTURES["art"])]
            self._get(client.post("/api/v1/applications/art/batches", files=many), 207)
        if number % 11 == 0:
            with client.stream("GET", "/api/v1/events") as events:
                next(events.iter_bytes())
        if number % 17 == 0:
            self._get(httpx.post(f"{self.service.url}/api/v1/auth/token", data={"username": "x", "password": "y"}), 401)
        self._get(client.delete(f"/api/v1/images/{said['image']['id']}"), 204)

    def _get(self, answer: httpx.Response, right: int) -> httpx.Response:
        if answer.status_code != right:
            self.faults.append(f"{answer.request.method} {answer.request.url.path}: {answer.status_code}")
        return answer


@contextmanager
def begun(folder: Path) -> Iterator[Soak]:
    """Somebody at a service of their own."""
    service = start_service(folder, ATISBO_LOG_LEVEL="ERROR")
    try:
        service.register("soak").close()
        yield Soak(service)
    finally:
        stop_service(service)


def held(service: Service) -> dict[str, Held]:
    """What each part holds now."""
    postmaster = (service.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0]
    database = psutil.Process(int(postmaster))
    processes = [(part_of(one), one) for one in psutil.Process(service.process.pid).children(recursive=True)]
    processes += [("database", one) for one in (database, *database.children())]
    found = {part: [0.0, 0, 0] for part in PARTS}
    for part, process in processes:
        with suppress(psutil.NoSuchProcess):  # connections of the database come and go
            sums = (process.memory_full_info().uss / 2**20, process.num_fds(), process.num_threads())
            found[part] = [a + b for a, b in zip(found[part], sums, strict=True)]
    return {part: Held(round(sums[0], 1), int(sums[1]), int(sums[2])) for part, sums in found.items()}


def left_open(before: dict[str, Held], after: dict[str, Held]) -> list[str]:
    """The parts with more descriptors or threads than their pools explain; those of the database are connections'."""
    return [
        part
        for part in PARTS
        if part != "database"
        and (after[part].descriptors > before[part].descriptors + 4 or after[part].threads > before[part].threads + 8)
    ]


def part_of(process: psutil.Process) -> str:
    words = process.cmdline()
    if "web" in words:
        return "web"
    return "worker" if "worker" in words else "decoders"


def growth(megabytes: list[float], rounds: list[int]) -> float:
    """Megabytes a round: the median of the slopes between all pairs (Theil 1950, Sen 1968)."""
    x, y = np.array(rounds, float), np.array(megabytes)
    one, other = np.triu_indices(len(x), 1)
    apart = x[other] > x[one]
    return float(np.median(((y[other] - y[one])[apart]) / ((x[other] - x[one])[apart])))


def watched(soak: Soak, seconds: float, every_s: float) -> Iterator[tuple[int, dict[str, Held]]]:
    """Work for so long; how many rounds there had been, and what was held, at every look."""
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(soak.work, lambda _: time.monotonic() < until)
        while not working.done():
            yield soak.rounds, held(soak.service)
            wait([working], every_s)
        working.result()
