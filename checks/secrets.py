"""Nothing secret in what is committed, as detect-secrets finds it.

What looks like a secret and is none (a hash in a card, a password in a test) stands in ``secrets.baseline``, looked at
by a person. Anything else fails. ``python -m checks.secrets --accept`` writes the baseline anew; look at what it adds.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

from detect_secrets import SecretsCollection
from detect_secrets.settings import transient_settings

ROOT: Final = Path(__file__).parent.parent
BASELINE: Final = Path(__file__).parent / "secrets.baseline"
KINDS: Final[list[dict[str, Any]]] = [
    *({"name": name} for name in ("PrivateKeyDetector", "JwtTokenDetector", "BasicAuthDetector", "KeywordDetector")),
    *({"name": name} for name in ("AWSKeyDetector", "GitHubTokenDetector", "GitLabTokenDetector", "PypiTokenDetector")),
    {"name": "Base64HighEntropyString", "limit": 4.5},
    {"name": "HexHighEntropyString", "limit": 3.0},
]
_PICTURES: Final = (".onnx", ".jpg", ".png", ".webp", ".woff2", ".ico", ".pdf", ".npz")

Found = dict[str, list[dict[str, str]]]
"""File → kind and SHA-1 of each secret in it; the secrets themselves are kept nowhere."""


def scan(files: Iterable[Path]) -> Found:
    """What looks like a secret, by file."""
    collection = SecretsCollection(root=str(ROOT))
    with transient_settings({"plugins_used": KINDS}):
        for file in files:
            collection.scan_file(str(file))
    found: Found = {}
    for name, one in collection:
        found.setdefault(name, []).append({"type": one.type, "hashed_secret": one.secret_hash})
    return found


def unknown(found: Found, known: Found) -> list[tuple[str, str]]:
    """File and kind of what the baseline does not hold."""
    return sorted((name, one["type"]) for name, all_ in found.items() for one in all_ if one not in known.get(name, []))


def committed() -> list[Path]:
    """What git holds or would hold."""
    said = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = (
        name
        for name in said.stdout.splitlines()
        if not name.endswith(_PICTURES) and name != str(BASELINE.relative_to(ROOT))
    )
    return [Path(name) for name in names if (ROOT / name).is_file()]


def everything() -> Found:
    files = committed()
    with ProcessPoolExecutor(2) as pool:
        halves = pool.map(scan, (files[::2], files[1::2]))
    return {name: all_ for half in halves for name, all_ in half.items()}


def _write(found: Found) -> None:
    ordered = {name: sorted(found[name], key=lambda one: sorted(one.items())) for name in sorted(found)}
    BASELINE.write_text(json.dumps(ordered, indent=1) + "\n")


def main() -> int:
    try:
        found = everything()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"secrets: NOT CHECKED: git does not say what is committed ({error})")
        return 0
    if "--accept" in sys.argv[1:]:
        _write(found)
    new = unknown(found, json.loads(BASELINE.read_text()))
    for name, kind in new:
        print(f"secrets: {name}: {kind}. Take it out; or, if it is none: python -m checks.secrets --accept")
    print(f"secrets: {len(new)} found that the baseline does not hold")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
