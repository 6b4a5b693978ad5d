"""Many generated requests over the whole API, by each role."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import Service
from tests.web.test_schema import ROLES, complaints, own

__all__ = ["own"]
pytestmark = [pytest.mark.torture, pytest.mark.timeout(1800)]
EXAMPLES = max(20, int(200 * float(os.environ.get("ATISBO_TORTURE", "1"))))


@pytest.mark.parametrize("role", ROLES)
def test_the_api_keeps_to_its_document(own: Service, role: str, tmp_path: Path) -> None:
    if said := complaints(own, role, tmp_path, phases="examples,coverage,fuzzing", examples=EXAMPLES, seed=7):
        pytest.fail(said)
