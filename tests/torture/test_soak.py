"""Memory, descriptors and threads stay as they are through hours of work; ``ATISBO_TORTURE=0.1`` is a tenth of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import soak
from tests.conftest import Service, start_service, stop_service

SECONDS = max(240.0, 3600 * float(os.environ.get("ATISBO_TORTURE", "1")))
LOOKS = 90
MAY_GROW = {"web": 5.0, "worker": 40.0, "database": 20.0}
"""MiB, once a third of the time is over. A worker's heap still finds its shape then; 35 KB a picture would be 100."""
pytestmark = [pytest.mark.torture, pytest.mark.timeout(SECONDS + 300)]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Service]:
    running = start_service(tmp_path / "own", ATISBO_LOG_LEVEL="ERROR")
    yield running
    stop_service(running)


def test_what_the_processes_hold_stays_as_it_is(own: Service) -> None:
    working = soak.begin(own)
    looks = list(soak.watched(working, SECONDS, SECONDS / LOOKS))
    settled = looks[len(looks) // 3 :]
    first, last = settled[0][1], settled[-2][1]
    rounds = [number for number, _ in settled]
    grown = {
        part: soak.growth([held[part].megabytes for _, held in settled], rounds) * (rounds[-1] - rounds[0])
        for part in MAY_GROW
    }
    print(f"\n{rounds[-1]} rounds in {SECONDS:.0f} s; grown after a third by MiB: {grown}")  # noqa: T201
    print(f"held after a third: {first}\nheld at the end: {last}")  # noqa: T201 -- what was measured
    assert working.faults == []
    assert {part: mib for part, mib in grown.items() if mib > MAY_GROW[part]} == {}
    for part in ("web", "worker", "decoders"):
        assert last[part].descriptors <= first[part].descriptors + 4, part
        assert last[part].threads <= first[part].threads + 8, part
