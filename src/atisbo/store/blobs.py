"""Bytes under names: uploaded originals under their hash, derived pictures under the prediction they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import obstore
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, from_url

from atisbo.errors import Unavailable


def digest(data: bytes) -> str:
    """The name of an original: lower-case hexadecimal SHA-256."""
    return sha256(data).hexdigest()


def original(name: str) -> str:
    return f"originals/{name[:2]}/{name}"


def picture(name: str) -> str:
    """Of a dataset's item: the part that counts, upright, without metadata; named by its SHA-256."""
    return f"pictures/{name[:2]}/{name}"


def mask(name: str) -> str:
    """Of a dataset's item: one outline, black and white, named by its SHA-256."""
    return f"masks/{name[:2]}/{name}"


def outlines(name: str) -> str:
    """The regions of a mask as run lengths and polygons, by the mask's name."""
    return f"outlines/{name[:2]}/{name}"


def network(name: str) -> str:
    """Where a network's file lies; its name is its digest."""
    return f"networks/{name}.onnx"


def evaluated(version_id: UUID, view: str) -> str:
    """A picture of what a candidate was judged by."""
    return f"evaluations/{version_id}/{view}"


def derived(prediction_id: UUID, view: str) -> str:
    return f"derived/{prediction_id}/{view}"


class Entry(NamedTuple):
    size: int
    """Bytes."""
    written_at: datetime


def corrected(prediction_id: UUID, name: str) -> str:
    """A mask that a person drew, checked, under its own SHA-256; it goes with the prediction."""
    return derived(prediction_id, f"mask-{name}.png")


def sent(prediction_id: UUID, name: str) -> str:
    """The same as it came, untouched, until a worker has looked at it."""
    return derived(prediction_id, f"sent-{name}")


def is_drawn(name: str) -> bool:
    """Whether a blob is a mask that a person drew, checked or not."""
    return name.rsplit("/", 1)[-1].startswith(("mask-", "sent-"))


def collected(item_id: UUID, view: str) -> str:
    """Of an item of a collection: ``original``, ``preview.jpg``, ``thumbnail.jpg``."""
    return f"collections/{item_id}/{view}"


class Blobs:
    """Five verbs on a local folder or on S3, GCS or Azure."""

    def __init__(self, store: Any) -> None:
        self._store = store

    @classmethod
    def open(cls, data_dir: Path, url: str | None = None) -> Blobs:
        if url is not None:
            return cls(from_url(url))
        folder = data_dir.resolve() / "blobs"
        return cls(LocalStore(prefix=folder, mkdir=True))

    def put(self, name: str, data: bytes) -> None:
        """Write atomically: readers see all of it or nothing.

        Raises:
            Unavailable: the storage is full or away; nothing was written.
        """
        try:
            obstore.put(self._store, name, data)
        except (OSError, obstore.exceptions.BaseError) as error:
            raise Unavailable(
                "storage_away", "The service cannot store files at the moment. Try again later."
            ) from error

    def get(self, name: str) -> bytes | None:
        try:
            return bytes(obstore.get(self._store, name).bytes())
        except (NotFoundError, FileNotFoundError):
            return None

    def has(self, name: str) -> bool:
        try:
            obstore.head(self._store, name)
        except (NotFoundError, FileNotFoundError):
            return False
        return True

    def delete(self, *names: str) -> None:
        for name in names:
            try:
                obstore.delete(self._store, name)
            except (NotFoundError, FileNotFoundError):
                continue

    def names(self, prefix: str) -> Iterator[str]:
        for page in obstore.list(self._store, prefix=prefix):
            for entry in page:
                yield str(entry["path"])

    def entries(self, prefix: str) -> dict[str, Entry]:
        """Every name with what is known of it without reading it."""
        return {
            str(entry["path"]): Entry(int(entry["size"]), entry["last_modified"])
            for page in obstore.list(self._store, prefix=prefix)
            for entry in page
        }

    def delete_folder(self, prefix: str) -> None:
        self.delete(*list(self.names(prefix)))
