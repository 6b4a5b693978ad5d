"""After some rounds of everything that people do, nothing is left open; the long form is in ``tests/torture``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import soak
from tests.conftest import Service, start_service, stop_service

WARM, MORE = 16, 40
"""Rounds until all is loaded and every pool is full, and in all."""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Service]:
    running = start_service(tmp_path / "own", ATISBO_LOG_LEVEL="ERROR")
    yield running
    stop_service(running)


@pytest.mark.timeout(300)
def test_nothing_is_left_open(own: Service) -> None:
    working = soak.begin(own)
    working.work(lambda number: number < WARM)
    before = soak.held(own)
    working.work(lambda number: number < MORE)
    after = soak.held(own)
    assert working.faults == []
    for part in ("web", "worker", "decoders"):
        assert after[part].descriptors <= before[part].descriptors + 4, part
        assert after[part].threads <= before[part].threads + 8, part
    assert after["web"].megabytes < before["web"].megabytes + 10
