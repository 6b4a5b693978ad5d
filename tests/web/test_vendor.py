from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import atisbo.web

VENDOR = Path(atisbo.web.__file__).parent / "static" / "vendor"


def test_vendored_files_are_what_was_pinned() -> None:
    sums = dict(reversed(line.split(maxsplit=1)) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    present = {str(p.relative_to(VENDOR)) for p in VENDOR.glob("*/*") if p.is_file()}
    assert present == set(sums)
    for name, digest in sums.items():
        assert sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name
