"""Memory, descriptors and threads stay as they are through hours of work; ``ATISBO_TORTURE=0.1`` is a tenth of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import soak

SECONDS = max(240.0, 3600 * float(os.environ.get("ATISBO_TORTURE", "1")))
LOOKS = 90
MAY_GROW = {"web": 5.0, "worker": 40.0, "database": 20.0}
"""MiB, once a third of the time is over. A worker's heap still finds its shape then; 35 KB a picture would be 100."""
pytestmark = [pytest.mark.torture, pytest.mark.timeout(SECONDS + 300)]


def test_what_the_processes_hold_stays_as_it_is(tmp_path: Path) -> None:
    with soak.begun(tmp_path / "own") as working:
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
    assert soak.left_open(first, last) == []
