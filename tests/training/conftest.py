from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.ellipses import ellipses


@pytest.fixture(scope="session")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of labelled frames that nobody may change."""
    return ellipses(tmp_path_factory.mktemp("data") / "frames")
