"""What docs/security.md promises is tried by tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/security.md"


def test_every_promise_names_tests_that_exist() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "---" not in line]
    promises = [row for row in rows if not row.startswith("| Promise")]
    assert len(promises) > 25
    for promise in promises:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", promise)
        assert named, f"no test tries this: {promise}"
        for file, name in named:
            assert f"def {name}(" in (ROOT / file).read_text(), f"{file}::{name}"


def test_the_page_is_part_of_the_documentation() -> None:
    assert "security.md" in (ROOT / "mkdocs.yml").read_text()
    assert "security.md" in (ROOT / "docs/privacy.md").read_text()
