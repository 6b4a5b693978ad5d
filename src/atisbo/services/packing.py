"""ZIP archives that are made while they are sent: one file is held at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from atisbo.store.db import now

_TEXT: Final = (".json", ".txt", ".csv", ".md", ".yaml")


def packed(entries: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """A ZIP of these names and contents, in pieces."""
    sink = _Sink()
    with ZipFile(sink, "w") as archive:  # type: ignore[call-overload]
        for name, data in entries:
            archive.writestr(_entry(name), data)
            yield sink.take()
    yield sink.take()


class _Sink:
    """Takes what the archive writes until it is sent; it cannot be wound back."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, now().timetuple()[:6])
    entry.compress_type = ZIP_DEFLATED if name.endswith(_TEXT) else ZIP_STORED
    entry.external_attr = 0o600 << 16
    return entry
