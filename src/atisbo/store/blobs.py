"""Bytes under names: uploaded originals under their hash, derived pictures under the prediction they belong to."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit
from uuid import UUID

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, from_url

from atisbo.config import make_folder
from atisbo.errors import Misconfigured, StorageFull, Unavailable

T = TypeVar("T")
_GONE: Final = (NotFoundError, FileNotFoundError)
_NO_ROOM: Final = re.compile(r"No space left|Disk quota exceeded|os error (28|122)\b")
_AT_ONCE: Final = 8
_WRITERS: Final = 16
_CONNECT_S, _REQUEST_S, _RETRY_S = 3, 60, 8
"""How long a storage elsewhere is waited for: a connection, one request, and all tries of it together."""
_SMALL: Final = 1 << 20
"""Bytes of a blob that are read within a millisecond."""


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


def answered(prediction_id: UUID, attempt: int) -> str:
    """The mask that one attempt at an answer outlined: one that comes late never overwrites the one that was taken."""
    return derived(prediction_id, "mask.png" if attempt == 1 else f"mask.{attempt}.png")


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
    """Five verbs on a local folder or on S3, GCS or Azure. Where a storage is away, each raises Unavailable."""

    def __init__(self, store: Any, *, folder: Path | None = None, reserve_bytes: int = 0) -> None:
        self._store = store
        self._folder = folder
        self._reserve_bytes = reserve_bytes
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="blobs")

    @classmethod
    def open(cls, data_dir: Path, url: str | None = None, *, reserve_bytes: int = 0) -> Blobs:
        """A folder, or what ``url`` names; nothing is sent yet.

        Args:
            reserve_bytes: of a folder's disk, kept for other things than uploads; see :meth:`need_room`.

        Of S3, keys, region and endpoint are read from the environment (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``, …).

        Raises:
            Misconfigured: there is no such kind of storage, or the folder cannot be made.
        """
        if url is None:
            folder = data_dir.resolve() / "blobs"
            make_folder(folder)
            return cls(LocalStore(prefix=folder), folder=folder, reserve_bytes=reserve_bytes)
        options = {} if url.startswith(("file:", "memory:")) else _patience()
        try:
            store = from_url(url, **options)
        except (BaseError, ValueError) as error:
            raise Misconfigured(
                "blob_url_wrong", "ATISBO_BLOB_URL is no storage: {reason}", reason=_first_line(error)
            ) from error
        local = Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None
        return cls(store, folder=local, reserve_bytes=reserve_bytes)

    def need_room(self, size: int) -> None:
        """Before an upload of so many bytes is stored: results, and the database, need room, too.

        Raises:
            StorageFull: less than the reserve would be left.
        """
        if self._folder is not None and shutil.disk_usage(self._folder).free < self._reserve_bytes + size:
            raise _full()

    def check(self) -> None:
        """Ask the storage whether it lets us in.

        Raises:
            Misconfigured: it does not, or there is no such bucket.
            Unavailable: it is away.
        """
        try:
            next(iter(obstore.list(self._store, chunk_size=1)), None)
        except BaseError as error:
            if not _refused(error):
                raise _away() from error
            raise Misconfigured(
                "storage_refuses",
                "The storage of ATISBO_BLOB_URL refuses: {reason}. Check the bucket and the keys.",
                reason=_first_line(error),
            ) from error

    def put(self, name: str, data: bytes) -> None:
        """Write atomically: readers see all of it or nothing.

        Raises:
            Unavailable: the storage is away, or full (StorageFull); nothing was written.
        """
        with _reaching():
            obstore.put(self._store, name, data)

    def get(self, name: str) -> bytes | None:
        with _reaching():
            try:
                return bytes(obstore.get(self._store, name).bytes())
            except _GONE:
                return None

    def put_all(self, data: Mapping[str, bytes]) -> None:
        """Many; where this raises, some may be stored."""
        self._each(lambda name: self.put(name, data[name]), list(data))

    @contextmanager
    def putting(self, data: Mapping[str, bytes]) -> Iterator[None]:
        """Many, while the block runs: where it ends well, all are stored.

        On a storage elsewhere they are stored before it, so that no row is held while that takes its time.
        """
        if self._folder is None or not data:
            self.put_all(data)
            yield
            return
        stored = self._writers.submit(self.put_all, data)
        try:
            yield
        finally:
            wait([stored])
        stored.result()

    def at_hand(self, name: str) -> bytes | None:
        """A small one in a folder, without a detour by a thread; None where it has to be fetched, or is not there."""
        if self._folder is None:
            return None
        with suppress(OSError), (self._folder / name).open("rb") as file:
            if os.fstat(file.fileno()).st_size <= _SMALL:
                return file.read()
        return None

    def get_all(self, names: Sequence[str]) -> list[bytes | None]:
        """Many, in order."""
        return self._each(self.get, names)

    def _each(self, do: Callable[[str], T], names: Sequence[str]) -> list[T]:
        """On a storage elsewhere, side by side."""
        if self._folder is not None or len(names) < 2:
            return [do(name) for name in names]
        with ThreadPoolExecutor(min(len(names), _AT_ONCE)) as pool:
            return list(pool.map(do, names))

    def has(self, name: str) -> bool:
        with _reaching():
            try:
                obstore.head(self._store, name)
            except _GONE:
                return False
            return True

    def delete(self, *names: str) -> None:
        with _reaching():
            for name in names:
                with suppress(*_GONE):
                    obstore.delete(self._store, name)

    def names(self, prefix: str) -> Iterator[str]:
        yield from self.entries(prefix)

    def entries(self, prefix: str) -> dict[str, Entry]:
        """Every name with what is known of it without reading it."""
        return dict(self.walk(prefix))

    def walk(self, prefix: str) -> Iterator[tuple[str, Entry]]:
        """The same, one after another, where there may be millions."""
        with _reaching():
            for page in obstore.list(self._store, prefix=prefix):
                for entry in page:
                    yield str(entry["path"]), Entry(int(entry["size"]), entry["last_modified"])

    def written_at(self, name: str) -> datetime | None:
        """None where there is no such blob."""
        with _reaching():
            try:
                written_at: datetime = obstore.head(self._store, name)["last_modified"]
            except _GONE:
                return None
            return written_at

    def delete_folder(self, prefix: str) -> None:
        self.delete(*self.names(prefix))


def _patience() -> dict[str, Any]:
    """Short, because somebody waits: jobs are tried again, and people are told."""
    seconds = {"connect_timeout": timedelta(seconds=_CONNECT_S), "timeout": timedelta(seconds=_REQUEST_S)}
    plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    return {
        "client_options": seconds | ({"allow_http": True} if plain else {}),
        "retry_config": {"max_retries": 3, "retry_timeout": timedelta(seconds=_RETRY_S)},
    }


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except (OSError, BaseError) as error:
        raise (_full() if _NO_ROOM.search(str(error)) else _away()) from error


def _away() -> Unavailable:
    return Unavailable("storage_away", "The service cannot store files at the moment. Try again later.")


def _full() -> StorageFull:
    return StorageFull("storage_full", "There is no room for more files at the moment. Try again later.")


def _refused(error: BaseError) -> bool:
    """Whether trying again is of no use; some answers are told apart by their text alone."""
    known = (obstore.exceptions.PermissionDeniedError, obstore.exceptions.UnauthenticatedError, NotFoundError)
    return isinstance(error, known) or re.search(r"status code: 40[0134]\b", str(error)) is not None


def _first_line(error: Exception) -> str:
    """The reason at its end, without the storage's own document."""
    return str(error).strip().splitlines()[0].split(" - ")[-1].split(": <?xml")[0][:300]
