"""Taking pictures into a reference collection: opened in quarantine, looked at, kept with their source."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

from atisbo.errors import AtisboError, BadImage, UserError
from atisbo.services import collections
from atisbo.services.collections import INDEX, Entry
from atisbo.services.work import Workplace
from atisbo.store.blobs import collected, digest
from atisbo.worker.looks import Eyes, look

log = logging.getLogger(__name__)
SHIPPED: Final = "collection"
"""The folder beside ``application.toml`` that holds a collection."""


@dataclass(frozen=True)
class Taken:
    """What became of one file."""

    entry: Entry
    became: Literal["added", "known", "bad"]
    problem: AtisboError | None = None


class Collector:
    """Adds pictures one by one, each in a transaction of its own, so that it can be stopped and started again."""

    def __init__(self, workplace: Workplace, eyes: Eyes, application: str) -> None:
        self._workplace = workplace
        self._eyes = eyes
        self._application = application

    def take(self, folder: Path, entry: Entry) -> Taken:
        """Add one file, if it is a picture that is not there yet. Thread-safe."""
        try:
            data = (folder / entry.file).read_bytes()
        except OSError as error:
            reason = error.strerror or "?"
            problem = BadImage("file_unreadable", "The file cannot be read: {reason}.", reason=reason)
            return Taken(entry, "bad", problem)
        name = digest(data)
        if self._workplace.within(lambda s: collections.known(s, application=self._application, sha256=name)):
            return Taken(entry, "known")
        try:
            return Taken(entry, "added" if self._add(data, name, entry) else "known")
        except (BadImage, UserError) as error:
            return Taken(entry, "bad", error)

    def _add(self, data: bytes, name: str, entry: Entry) -> bool:
        item_id, blobs = uuid4(), self._workplace.blobs
        seen = look(item_id, data, None, self._eyes)
        pictures = self._eyes.quarantine.views(data, None, None, self._eyes.limits).result()
        for view, picture in (("original", data), *pictures.items()):
            blobs.put(collected(item_id, view), picture)
        version = self._eyes.predictor.card.version
        added = self._workplace.within(
            lambda s: collections.add(
                s, application=self._application, sha256=name, entry=entry, look=seen, version=version
            )
        )
        if not added:
            blobs.delete_folder(collected(item_id, ""))
        return added

    def take_shipped(self, folder: Path) -> None:
        """The collection that came with an application, once; what is taken out of it later does not come back."""
        index = folder / SHIPPED / INDEX
        if not index.is_file():
            return
        edition = sha256(index.read_bytes()).hexdigest()
        if self._workplace.within(lambda s: collections.shipped(s, self._application)) == edition:
            return
        taken = [self.take(index.parent, entry) for entry in collections.read_folder(index.parent)]
        for one in taken:
            if one.problem is not None:
                log.warning("%s: %s was not taken in: %s", self._application, one.entry.file, one.problem)
        self._workplace.within(lambda s: collections.set_shipped(s, self._application, edition))
        log.info("%s: its collection of %d pictures is taken in", self._application, len(taken))
