"""A worker's hands on a real database, without a queue manager: jobs are taken from the table and run one by one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
from sqlalchemy import text

from atisbo.imaging.quarantine import Quarantine
from atisbo.imaging.transform import Pixels
from atisbo.inference.registry import Registry
from atisbo.services.work import Workplace
from tests.applications_for_tests.networks import HERE

Run = Callable[[Any], Awaitable[None]]


@contextmanager
def tools() -> Iterator[tuple[Quarantine, Registry]]:
    quarantine = Quarantine(workers=1, timeout_s=20, memory_bytes=2 * 1024**3)
    registry = Registry.open([HERE], precision="f32")
    try:
        yield quarantine, registry
    finally:
        registry.close()
        quarantine.close()


def jobs(workplace: Workplace, entrypoint: str) -> list[dict[str, Any]]:
    """What waits, in the order of the queue."""
    query = text("SELECT payload, priority FROM pgqueuer WHERE entrypoint = :name ORDER BY priority DESC, id")
    rows = workplace.within(lambda s: s.execute(query, {"name": entrypoint}).all())
    return [json.loads(bytes(row.payload)) | {"priority": row.priority} for row in rows]


def work(workplace: Workplace, entrypoint: str, run: Run) -> int:
    """Run everything that waits; how much it was."""
    waiting = jobs(workplace, entrypoint)
    delete = text("DELETE FROM pgqueuer WHERE entrypoint = :name")
    workplace.within(lambda s: s.execute(delete, {"name": entrypoint}))

    async def all_of_it() -> None:
        for said in waiting:
            await run(SimpleNamespace(payload=json.dumps(said).encode()))

    asyncio.run(all_of_it())
    return len(waiting)


def eye(
    disc: int = 60, cup: int = 40, size: tuple[int, int] = (150, 240), middle: tuple[int, int] = (75, 115)
) -> Pixels:
    """A photograph for the application ``eye``: a red disc with a green cup, both square, on nothing."""
    pixels = np.zeros((*size, 3), np.uint8)
    for channel, side in ((0, disc), (1, cup)):
        top, left = middle[0] - side // 2, middle[1] - side // 2
        pixels[top : top + side, left : left + side, channel] = 255
    return pixels
