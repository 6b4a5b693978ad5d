"""Generated requests over the whole API: never a server error, never an answer that the document does not promise."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from tests.conftest import Service

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_the_api_keeps_to_its_document(service: Service, tmp_path: Path) -> None:
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program is not None
    with service.register(f"schema-{uuid4().hex[:8]}") as client:
        credentials = client.headers["Authorization"]
    said = subprocess.run(
        [
            program,
            "run",
            f"{service.url}/api/openapi.json",
            *("--header", f"Authorization: {credentials}"),
            *("--max-examples", "15", "--seed", "1", "--phases", "examples,coverage,fuzzing"),
            *("--checks", CHECKS, "--exclude-path-regex", "events"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout[-4000:]
