"""Folders that a command reads: those that are named, and datasets of the service as ``snapshot:ID``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import UUID

from atisbo.errors import Invalid

SNAPSHOT: Final = "snapshot:"
MANIFEST: Final = "dataset.json"
"""Beside images that have their sides already."""
LEARNING: Final = ("training", "validation")
SEALED: Final = ("test",)


@contextmanager
def folders(words: Sequence[str], sides: Sequence[str] = LEARNING) -> Iterator[list[Path]]:
    """The folders, as long as they are needed; a dataset is written to one of its own, with these sides of it.

    Opening the sealed side is written down.

    Raises:
        Invalid: a folder is not there, or what follows ``snapshot:`` is no number of a dataset.
        NotFound, Conflict: there is no such dataset, or it is not ready.
    """
    with TemporaryDirectory(prefix="atisbo-") as place:
        found = []
        for word in words:
            if word.startswith(SNAPSHOT):
                found.append(_written(word.removeprefix(SNAPSHOT), Path(place), sides))
            elif Path(word).is_dir():
                found.append(Path(word))
            else:
                raise Invalid("data_no_folder", "There is no folder {folder}.", folder=word)
        yield found


def _written(said: str, place: Path, sides: Sequence[str]) -> Path:
    from atisbo.cli.database import opened
    from atisbo.cli.main import settings
    from atisbo.services import exports

    try:
        dataset_id = UUID(said)
    except ValueError:
        raise Invalid("snapshot_wrong", "{word} is no dataset: see atisbo dataset list.", word=said) from None
    folder = place / f"dataset-{str(dataset_id)[:8]}"
    folder.mkdir()
    with opened(settings()) as workplace, workplace.transaction() as session:
        exports.write(session, blobs=workplace.blobs, dataset_id=dataset_id, folder=folder, sides=sides)
    return folder
