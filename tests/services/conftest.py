from __future__ import annotations

from collections.abc import Iterator

import pytest

from atisbo.config import Settings
from atisbo.services import snapshots


@pytest.fixture(scope="session")
def describe() -> Iterator[snapshots.Describe]:
    """The decoder of datasets, as a worker has it."""
    with snapshots.opened(Settings()) as opened:
        yield opened
