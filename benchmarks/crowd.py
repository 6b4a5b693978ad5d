"""Two hundred people at once, and then far too many: how soon light pages come, what is refused, when it is over.

``python -m benchmarks.crowd`` starts the service twice (the second start is timed), lets people open pages and upload
frames at random moments that do not wait for answers (an open loop: a slow answer makes nobody slower), then uploads at
three times the pace that the machine can answer, and looks how long it takes until one frame is answered as before.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from atisbo.domain.applications import SHIPPED
from tests.conftest import Service, start_service, stop_service
from tests.web.test_pages import Reader

LIGHT = ("/images", "/account", "/notices", "/a/polyp", "/a/art/card", "/api/v1/predictions?limit=20", "/about")
ASK = "/api/v1/applications/polyp/predictions"
ACCOUNTS = 20
UPLOADS = 0.05
"""Share of uploads among what people do."""
Answer = tuple[str, int, float]
"""What was asked, the status, and seconds from when it was due."""


async def open_loop(
    act: Callable[[], Awaitable[tuple[str, int]]], per_second: float, seconds: float, rng: random.Random
) -> list[Answer]:
    """Things happen at random moments, whether or not what came before is answered."""
    found: list[Answer] = []

    async def one(due: float) -> None:
        what, status = await act()
        found.append((what, status, time.monotonic() - due))

    due, end, tasks = time.monotonic(), time.monotonic() + seconds, []
    while (due := due + rng.expovariate(per_second)) < end:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    return found


class People:
    """Accounts with open sessions; many share one."""

    def __init__(self, service: Service, rng: random.Random) -> None:
        self._rng = rng
        self._frames = [path.read_bytes() for path in sorted((SHIPPED / "polyp" / "samples").glob("*.jpg"))]
        self._clients = []
        for _ in range(ACCOUNTS):
            reader = Reader(service)
            reader.register().raise_for_status()
            page = reader.http.get("/about").text
            token = re.findall(r'name="csrf-token" content="(\w+)"', page)[0]
            headers = dict(reader.http.headers) | {"X-CSRF-Token": token}
            self._clients.append(
                httpx.AsyncClient(base_url=service.url, headers=headers, cookies=reader.http.cookies, timeout=120)
            )
            reader.http.close()

    async def look(self) -> tuple[str, int]:
        if self._rng.random() < UPLOADS:
            return "upload", (await self.upload()).status_code
        answer = await self._rng.choice(self._clients).get(self._rng.choice(LIGHT))
        return "page", answer.status_code

    async def upload(self, wait: bool = False) -> httpx.Response:
        """A frame that nobody has sent before."""
        frame = self._rng.choice(self._frames) + self._rng.randbytes(8)
        headers = {"Prefer": "wait=60"} if wait else {}
        return await self._rng.choice(self._clients).post(ASK, files={"file": ("f.jpg", frame)}, headers=headers)

    async def rush(self) -> tuple[str, int]:
        return "upload", (await self.upload()).status_code

    async def alone(self) -> float:
        """Seconds until one frame is answered, refusals included."""
        began = time.monotonic()
        while (await self.upload(wait=True)).status_code != 200:
            await asyncio.sleep(0.5)
        return time.monotonic() - began

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


def told(answers: list[Answer], what: str) -> dict[str, Any]:
    times = [1000 * seconds for kind, status, seconds in answers if kind == what and status < 300]
    codes = Counter(str(status) for kind, status, _ in answers if kind == what)
    if not times:
        return {"codes": dict(codes)}
    p50, p95 = np.percentile(times, [50, 95])
    return {"codes": dict(codes), "p50 ms": round(p50), "p95 ms": round(p95)}


def web_megabytes(service: Service) -> float:
    """Resident memory of the web process."""
    web = service.child("web")
    return round(web.memory_info().rss / 1024**2, 1)


async def go(service: Service, chosen: argparse.Namespace) -> dict[str, Any]:
    rng = random.Random(7)
    people = People(service, rng)
    said: dict[str, Any] = {"web MB at first": web_megabytes(service)}
    try:
        usual = [await people.alone() for _ in range(8)][3:]
        said["alone ms"] = round(1000 * sorted(usual)[len(usual) // 2])
        crowd = await open_loop(people.look, chosen.users / chosen.every, chosen.seconds, rng)
        said["crowd"] = {what: told(crowd, what) for what in ("page", "upload")}
        said["web MB after the crowd"] = web_megabytes(service)
        rush = await open_loop(people.rush, chosen.rush, chosen.rush_seconds, rng)
        said["rush"] = told(rush, "upload")
        began = time.monotonic()
        while (took := await people.alone()) > 2 * sorted(usual)[-1]:
            pass
        said["itself again after s"] = round(time.monotonic() - began - took, 1)
        said["web MB after the rush"] = web_megabytes(service)
    finally:
        await people.close()
    return said


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--users", type=int, default=200)
    options.add_argument("--every", type=float, default=10.0, help="seconds between two things that one person does")
    options.add_argument("--seconds", type=float, default=60.0, help="of the crowd")
    options.add_argument("--rush", type=float, default=55.0, help="uploads a second, three times what can be answered")
    options.add_argument("--rush-seconds", type=float, default=30.0)
    options.add_argument("--json", type=Path, help="write the figures here too")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        first = start_service(Path(scratch), ATISBO_LOG_LEVEL="ERROR")
        time.sleep(20)  # the first start's own work: shipped collections
        stop_service(first)
        began = time.monotonic()
        service = start_service(Path(scratch), ATISBO_LOG_LEVEL="ERROR")
        said = {"start s": round(time.monotonic() - began, 2)}
        try:
            said |= asyncio.run(go(service, chosen))
        finally:
            stop_service(service)
    for name, value in said.items():
        print(f"{name:24} {value}")
    if chosen.json:
        chosen.json.write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    main()
