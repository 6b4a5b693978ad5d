"""The scan for secrets finds what it has to find, and what a person has looked at is no longer said."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from checks.secrets import BASELINE, scan, unknown


def written(folder: Path) -> Path:
    """A file such as nobody should commit; nothing of it stands in this one."""
    file = folder / "settings.py"
    key = "-----BEGIN " + "RSA PRIVATE KEY-----"
    lines = (
        f'password = "{secrets.token_urlsafe(16)}"',
        f'root = "{secrets.token_hex(32)}"',
        f'url = "postgresql://atisbo:{secrets.token_hex(8)}@db/atisbo"',
        key,
        f'token = "ghp_{secrets.token_hex(18)}"',
    )
    file.write_text("\n".join(lines) + "\n")
    return file


def test_secrets_are_found_and_known_ones_are_not_said_again(tmp_path: Path) -> None:
    found = scan([written(tmp_path)])
    kinds = {kind for _, kind in unknown(found, {})}
    assert {"Secret Keyword", "Private Key", "Basic Auth Credentials", "Hex High Entropy String"} <= kinds
    assert unknown(found, found) == []
    again = scan([written(tmp_path)])
    assert unknown(again, found), "another secret of the same kind is another one"


def test_the_baseline_holds_hashes_and_names_files_that_exist() -> None:
    known = json.loads(BASELINE.read_text())
    root = BASELINE.parent.parent
    assert {name for name in known if not (root / name).is_file()} == set()
    assert all(len(one["hashed_secret"]) == 40 for all_ in known.values() for one in all_)
