"""Whatever a worker does, and whatever lies on the disk, has words on the system page."""

from __future__ import annotations

from atisbo.store import queue, sweeps
from atisbo.web.pages.system import kinds


def test_every_kind_of_work_and_of_files_has_words() -> None:
    work = {value for name, value in vars(queue).items() if name.isupper() and isinstance(value, str)}
    files = {folder.rstrip("/") for folder in sweeps.KINDS}
    assert {"predict", "learn"} <= work
    assert work | files | {"database"} == set(kinds(lambda message, **_: message))
