"""Every file read here, opened in child processes, and little of it kept.

Files go to the children in small batches, a bounded number of bytes at a time. Where a batch takes its child down, its
files are tried one by one, so that only the guilty one is named.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from atisbo.domain.images import ACCEPTED_MEDIA_TYPES, Limits
from atisbo.errors import BadImage
from atisbo.evaluation.profile.modes import MODES
from atisbo.evaluation.profile.records import REASONS, MaskLook, Record
from atisbo.imaging.kinds import name_of
from atisbo.imaging.likeness import DETAIL_BYTES, HASH_BYTES
from atisbo.imaging.prepared import Blocks
from atisbo.imaging.quarantine import Quarantine

LIMITS: Final = Limits(min_side=1)
JOBS: Final = "atisbo.evaluation.profile.look"
MAX_FILE_BYTES: Final = 256 << 20
_BATCH_FILES: Final = 16
_BATCH_BYTES: Final = 2 << 20
_IN_FLIGHT_BYTES: Final = 16 << 20
"""Of contents that wait for a child; one larger file may wait alone."""

Values = dict[str, Any]


@dataclass
class Batch:
    records: list[Record] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    size_bytes: int = 0

    @property
    def full(self) -> bool:
        return len(self.records) >= _BATCH_FILES or self.size_bytes >= _BATCH_BYTES

    def add(self, record: Record, content: bytes) -> None:
        self.records.append(record)
        self.contents.append(content)
        self.size_bytes += len(content)

    def alone(self) -> Iterator[Batch]:
        """A batch for each of its files."""
        for record, content in zip(self.records, self.contents, strict=True):
            yield Batch([record], [content], len(content))


class Details:
    """The pictures' fine structure, on disk: memory stays flat however many there are."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="atisbo-profile-")  # noqa: SIM115 - closed by close
        self._count = 0

    def add(self, detail: bytes) -> int:
        """Its slot."""
        self._file.write(detail)
        self._count += 1
        return self._count - 1

    def rows(self) -> NDArray[np.int8]:
        """(slots, 1024), int8, mapped from the file."""
        if not self._count:
            return np.empty((0, DETAIL_BYTES), np.int8)
        self._file.flush()
        return np.memmap(self._file, np.int8, "r", shape=(self._count, DETAIL_BYTES))

    def close(self) -> None:
        self._file.close()


class Survey:
    """Opens files; fills their records."""

    def __init__(self, root: Path, quarantine: Quarantine, details: Details) -> None:
        self._root = root
        self._quarantine = quarantine
        self._details = details
        self._waiting: deque[tuple[Batch, Future[list[Values]]]] = deque()

    def run(self, records: Iterable[Record], advance: Callable[[Record], None]) -> None:
        """Fill the records, in order; ``advance`` hears of each one.

        Raises:
            Unavailable: no child process can be started.
        """
        batch = Batch()
        for record in records:
            content = _read(self._root / record.path, record)
            if content is None:
                advance(record)
                continue
            batch.add(record, content)
            if batch.full:
                self._send(batch, advance)
                batch = Batch()
        if batch.records:
            self._send(batch, advance)
        while self._waiting:
            self._receive(advance)

    def _send(self, batch: Batch, advance: Callable[[Record], None]) -> None:
        while self._waiting and batch.size_bytes + sum(b.size_bytes for b, _ in self._waiting) > _IN_FLIGHT_BYTES:
            self._receive(advance)
        self._waiting.append((batch, self._ask(batch)))

    def _ask(self, batch: Batch) -> Future[list[Values]]:
        files = [(record.place.role, content) for record, content in zip(batch.records, batch.contents, strict=True)]
        return self._quarantine.submit("look", files, LIMITS, receive=lambda v, b: checked(v, b, len(files)))

    def _receive(self, advance: Callable[[Record], None]) -> None:
        batch, future = self._waiting.popleft()
        try:
            self._fill(batch, future.result())
        except BadImage as error:
            if len(batch.records) == 1:
                batch.records[0].fault = error.code
            else:
                self._one_by_one(batch)
        for record in batch.records:
            advance(record)

    def _one_by_one(self, batch: Batch) -> None:
        for single in batch.alone():
            try:
                self._fill(single, self._ask(single).result())
            except BadImage as error:
                single.records[0].fault = error.code

    def _fill(self, batch: Batch, found: list[Values]) -> None:
        for record, values in zip(batch.records, found, strict=True):
            if "detail" in values:
                record.slot = self._details.add(values.pop("detail"))
            for name, value in values.items():
                setattr(record, name, value)


def checked(values: Values, blocks: Blocks, count: int) -> list[Values]:
    """What a child says, as fields of a record: a child that was taken over can say anything.

    Raises:
        ValueError, KeyError, TypeError: it is not what was asked for.
    """
    items = [_one(item) for item in values["items"]]
    images = [item for item in items if "mean" in item]
    hashes, details = bytes(blocks["hashes"]), bytes(blocks["details"])
    if len(items) != count or (len(hashes), len(details)) != (len(images) * HASH_BYTES, len(images) * DETAIL_BYTES):
        raise ValueError("not as many as were asked for")
    for place, item in enumerate(images):
        item["hash"] = int.from_bytes(hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES])
        item["detail"] = details[place * DETAIL_BYTES : (place + 1) * DETAIL_BYTES]
    return items


def _one(item: Values) -> Values:
    if "refused" in item:
        return _refused(str(item["refused"]), item["about"])
    media, mode, (width, height) = str(item["media"]), str(item["mode"]), item["size"]
    if media not in ACCEPTED_MEDIA_TYPES or mode not in MODES:
        raise ValueError("an unknown kind of picture")
    found: Values = {
        "media": ACCEPTED_MEDIA_TYPES[ACCEPTED_MEDIA_TYPES.index(media)],
        "mode": MODES[MODES.index(mode)],
        "bits": int(item["bits"]),
        "width": int(width),
        "height": int(height),
    }
    if "area" in item:
        area, between = _bounded(item["area"], 1), _bounded(item["between"], 1)
        return found | {"mask": MaskLook(area, int(item["levels"]), int(item["brightest"]), between)}
    red, green, blue = (_bounded(value, 255) for value in item["mean"])
    return found | {"mean": (red, green, blue), "flat": bool(item["flat"])}


def _refused(code: str, about: Values) -> Values:
    if code not in REASONS:
        raise ValueError("an unknown reason")
    said = ""
    if code == "image_unsupported" and "kind" in about:
        said = name_of(str(about["kind"]))[:40]
    elif {"width", "height"} <= set(about):
        said = f"{int(about['width'])} × {int(about['height'])}"
    return {"fault": code, "about": said}


def _bounded(value: Any, most: float) -> float:
    number = float(value)
    if not 0 <= number <= most:
        raise ValueError("outside its range")
    return number


def _read(path: Path, record: Record) -> bytes | None:
    """The content, hashed; ``None`` where it cannot be had, and the record says why."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            record.size_bytes = status.st_size
            if not stat.S_ISREG(status.st_mode):
                record.fault = "special"
                return None
            if status.st_size > MAX_FILE_BYTES:
                record.fault = "file_too_large"
                return None
            content = file.read(MAX_FILE_BYTES)
    except OSError:
        record.fault = "unreadable"
        return None
    record.size_bytes = len(content)
    record.sha256 = hashlib.sha256(content).digest()
    return content
