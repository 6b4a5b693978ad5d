"""Generated requests over the whole API, by each role: never a server error, never an answer that the document does not
promise. Long in ``make torture``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import Service, start_service, stop_service

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
ROLES = {"user": ("fuzzing", 3), "curator": ("fuzzing", 3), "administrator": ("examples,coverage,fuzzing", 5)}
"""Phases, and examples of each route; an administrator reaches all of them."""
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of its own: administrators may take from others what they have."""
    running = start_service(tmp_path_factory.mktemp("schema"), ATISBO_LOG_LEVEL="ERROR")
    yield running
    stop_service(running)


def credentials(service: Service, role: str) -> str:
    """Of somebody new with this role."""
    with service.register(f"{role}-{uuid4().hex[:8]}") as client:
        service.appoint(client, role)
        assert client.get("/api/v1/me").json()["role"] == role
        return client.headers["Authorization"]


def complaints(service: Service, role: str, folder: Path, *, phases: str, examples: int, seed: int = 1) -> str:
    """What does not keep to the document; nothing if all does."""
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program is not None
    said = subprocess.run(
        [
            program,
            "run",
            f"{service.url}/api/openapi.json",
            *("--header", f"Authorization: {credentials(service, role)}"),
            *("--max-examples", str(examples), "--seed", str(seed), "--phases", phases),
            *("--checks", CHECKS, "--exclude-path-regex", "events|logout"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return (said.stdout.partition("= FAILURES =")[2][:6000] or said.stdout[-3000:]) if said.returncode else ""


@pytest.mark.parametrize("role", ROLES)
def test_the_api_keeps_to_its_document(own: Service, role: str, tmp_path: Path) -> None:
    phases, examples = ROLES[role]
    if said := complaints(own, role, tmp_path, phases=phases, examples=examples):
        pytest.fail(said)
