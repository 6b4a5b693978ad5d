"""The whole profile of a folder, from its files to the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from atisbo.errors import BadImage, Invalid
from atisbo.evaluation import page
from atisbo.evaluation.profile import near, view
from atisbo.evaluation.profile.layout import places
from atisbo.evaluation.profile.records import Record
from atisbo.evaluation.profile.schema import Profile
from atisbo.evaluation.profile.summary import Found, summarise
from atisbo.evaluation.profile.survey import JOBS, LIMITS, MAX_FILE_BYTES, Details, Survey
from atisbo.evaluation.profile.walk import Tree, walk
from atisbo.imaging.quarantine import Quarantine

_THUMBNAIL: Final = 176
Started = Callable[[int], Callable[[Record], None]]
"""Hears how many files there are; what it returns hears of each one that is done."""


@dataclass(frozen=True)
class Options:
    workers: int = 2
    follow: bool = False
    """Links out of the folder, too."""
    by: tuple[str, ...] = ()
    """Group columns; the usual ones where empty."""
    bits: int = near.BITS
    similarity: float = near.SIMILARITY
    timeout_s: float = 30.0
    """For one batch of files."""
    memory_bytes: int = 2 << 30
    """Address space of a child process."""
    jobs: str = JOBS
    """Module of what is done in the child processes."""


@dataclass(frozen=True)
class Result:
    profile: Profile
    html: str
    records: tuple[Record, ...]
    tree: Tree


def profile(root: Path, options: Options, started: Started) -> Result:
    """Open everything under a folder.

    Raises:
        Invalid: there is no file to open, or the folder cannot be listed.
        Unavailable: no child process can be started.
    """
    try:
        tree = walk(root, follow=options.follow)
    except OSError as error:
        raise Invalid("profile_folder", "{folder} cannot be listed: {why}", folder=root, why=error.strerror) from error
    if not tree.files:
        raise Invalid("profile_empty", "There is no picture under {folder}.", folder=root)
    found_places, index = places(root, tree.files, tree.others, options.by)
    records = [Record(path, found_places[path]) for path in tree.files]
    quarantine = Quarantine(options.workers, options.timeout_s, options.memory_bytes, jobs_module=options.jobs)
    details = Details()
    try:
        Survey(root, quarantine, details).run(records, started(len(records)))
        found = Found(root.resolve().name, tree, index, records)
        made = summarise(found, details.rows(), bits=options.bits, similarity=options.similarity)
        html = view.html(made, thumbnails(root, quarantine, view.pictured(made), records))
    finally:
        quarantine.close()
        details.close()
    return Result(made, html, tuple(records), tree)


def thumbnails(root: Path, quarantine: Quarantine, names: Iterable[str], records: Iterable[Record]) -> dict[str, str]:
    """Path as shown → address of its thumbnail; what cannot be opened any more is left out."""
    real = {view.shown(record.path): record.path for record in records}
    found: dict[str, str] = {}
    for name in names:
        try:
            with (root / real[name]).open("rb") as file:
                data = file.read(MAX_FILE_BYTES)
            job = quarantine.submit("thumb", data, _THUMBNAIL, LIMITS, receive=lambda _, blocks: bytes(blocks["jpeg"]))
            found[name] = page.data_uri(job.result(), "image/jpeg")
        except (OSError, KeyError, BadImage):
            continue
    return found
