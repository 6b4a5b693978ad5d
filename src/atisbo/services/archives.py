"""Pictures out of a ZIP that a stranger sent: nothing is written to disk, no name is trusted, nothing grows unseen."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from atisbo.errors import Invalid, TooLarge, UserError

_END: Final = struct.Struct("<4s4H2LH")
"""The end of the central directory (APPNOTE.TXT 4.3.16)."""
_END_SIGNATURE: Final = b"PK\x05\x06"
_ZIP64_LOCATOR: Final = b"PK\x06\x07"
_MAX_COMMENT: Final = 65_535
_DIRECTORY_BYTES_A_FILE: Final = 4096
_ENCRYPTED: Final = 0x1
MEGABYTE: Final = 1024**2


@dataclass(frozen=True)
class Limits:
    """What one request may bring: ``files`` pictures of ``file_bytes`` each and ``total_bytes`` together, unpacked."""

    files: int
    file_bytes: int
    total_bytes: int
    used_files: int = 0
    used_bytes: int = 0

    @property
    def files_left(self) -> int:
        return self.files - self.used_files

    @property
    def bytes_left(self) -> int:
        return self.total_bytes - self.used_bytes


@dataclass(frozen=True)
class Entry:
    """A picture's bytes, or why there are none; ``name`` is as it stood in the archive, only for people."""

    name: str
    data: bytes | None = None
    problem: UserError | None = None


def is_zip(start: bytes) -> bool:
    return start[:4] in (b"PK\x03\x04", _END_SIGNATURE)


def unpack(file: BinaryIO, limits: Limits) -> Iterator[Entry]:
    """One entry after the other; folders and what operating systems add are passed over.

    Raises:
        Invalid: no ZIP, a damaged one, one without pictures, or a kind that is not taken.
        TooLarge: more files or bytes than the limits allow, as its directory says; nothing was unpacked.
    """
    _check_directory(file, limits)
    try:
        archive = ZipFile(file)
    except (BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise _damaged() from error
    with archive:
        infos = [info for info in archive.infolist() if not _passed_over(info)]
        _check(infos, limits)
        for info in infos:
            try:
                yield Entry(info.filename, data=_read(archive, info, limits))
            except UserError as error:
                yield Entry(info.filename, problem=error)


def _check_directory(file: BinaryIO, limits: Limits) -> None:
    """Look at the directory's size before anything believes it: a small file can claim millions of entries."""
    size = file.seek(0, 2)
    start = max(0, size - _END.size - _MAX_COMMENT)
    file.seek(start)
    tail = file.read(size - start)
    at = tail.rfind(_END_SIGNATURE)
    if at < 0 or at + _END.size > len(tail):
        raise _damaged()
    directory_bytes = _END.unpack_from(tail, at)[5]
    if _ZIP64_LOCATOR in tail[max(0, at - 20) : at]:
        raise Invalid("archive_zip64", "This kind of ZIP file is for very large archives. Pack fewer files at a time.")
    if directory_bytes > limits.files * _DIRECTORY_BYTES_A_FILE:
        raise many(limits)
    file.seek(0)


def _damaged() -> Invalid:
    return Invalid("archive_damaged", "The ZIP file is damaged. Pack it again.")


def many(limits: Limits) -> TooLarge:
    return TooLarge("batch_many", "There are too many files. At most {count} are taken at once.", count=limits.files)


def full(limits: Limits) -> TooLarge:
    return TooLarge(
        "batch_large",
        "Together the files are too large. At most {limit} MB are taken at once.",
        limit=limits.total_bytes // MEGABYTE,
    )


def large(limits: Limits) -> TooLarge:
    return TooLarge(
        "file_too_large",
        "The file is too large. At most {limit} MB are accepted.",
        limit=limits.file_bytes // MEGABYTE,
    )


def _passed_over(info: ZipInfo) -> bool:
    parts = info.filename.replace("\\", "/").split("/")
    return info.is_dir() or parts[0] == "__MACOSX" or parts[-1].startswith(".") or parts[-1] in ("Thumbs.db", "")


def _check(infos: list[ZipInfo], limits: Limits) -> None:
    if not infos:
        raise Invalid("archive_empty", "There is no file in the ZIP file.")
    if len(infos) > limits.files_left:
        raise many(limits)
    if sum(info.file_size for info in infos) > limits.bytes_left:
        raise full(limits)


def _read(archive: ZipFile, info: ZipInfo, limits: Limits) -> bytes:
    """The bytes of one file: never more than its directory entry says, which is within the limits."""
    if info.file_size > limits.file_bytes:
        raise large(limits)
    if info.flag_bits & _ENCRYPTED:
        raise Invalid("archive_locked", "This file in the ZIP file is protected by a password. Pack it without one.")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise Invalid("archive_method", "This file is packed in an unusual way. Pack it as an ordinary ZIP file.")
    try:
        with archive.open(info) as packed:
            data = packed.read(info.file_size + 1)
    except (BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise _damaged() from error
    if len(data) != info.file_size:
        raise _damaged()
    if is_zip(data):
        raise Invalid("archive_nested", "This is a ZIP file inside a ZIP file. Unpack it first.")
    return data
