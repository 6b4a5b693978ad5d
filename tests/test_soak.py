"""After some rounds of everything that people do, nothing is left open; the long form is in ``tests/torture``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import soak

WARM, MORE = 16, 40
"""Rounds until all is loaded and every pool is full, and in all."""


@pytest.mark.timeout(300)
def test_nothing_is_left_open(tmp_path: Path) -> None:
    with soak.begun(tmp_path / "own") as working:
        working.work(lambda number: number < WARM)
        before = soak.held(working.service)
        working.work(lambda number: number < MORE)
        after = soak.held(working.service)
    assert working.faults == []
    assert soak.left_open(before, after) == []
    assert after["web"].megabytes < before["web"].megabytes + 10
