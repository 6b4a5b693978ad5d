"""What a picture's header says, read without unpacking a single pixel.

Sizes are known before memory is asked for; a file that ends too early, moves or has several pages is found here.
Sources: ITU-T T.81 (JPEG), PNG 3rd edition (W3C), RFC 9649 (WebP), TIFF 6.0, CIPA DC-008 (EXIF).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

Extra = Literal["", "animated", "pages", "unreadable"]


class Short(Exception):
    """The file ends before its own structure says so."""


class Broken(Exception):
    """The header contradicts the format."""


@dataclass(frozen=True)
class Header:
    """Of a picture as it is stored, before it is turned upright."""

    width: int
    height: int
    orientation: int = 1
    """EXIF orientation, 1 (upright) to 8."""
    extra: Extra = ""
    """Why it is not one readable picture: it moves, has several pages, or stores its colours in an unreadable way."""
    transparent_grey: int | None = None
    """PNG: the grey value that stands for transparent, as 8 bits."""
    opaque: bool = False
    """It has no transparency."""
    premultiplied: bool = False
    """Its decoded colours have already been multiplied with their transparency."""
    turned_at: int | None = None
    """TIFF: the byte that holds the orientation; OpenCV would turn the picture by itself."""


def read_header(data: bytes, media_type: str) -> Header:
    """Raises Short or Broken; ``media_type`` is one of the five accepted."""
    try:
        return _READERS[media_type](data)
    except (struct.error, IndexError) as error:
        raise Short from error


_START_OF_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_READABLE_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})


def _jpeg(data: bytes) -> Header:
    at, orientation, frame = 2, 1, None
    while True:
        if data[at] != 0xFF:
            raise Broken
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xD9:
            raise Short
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in _START_OF_FRAME:
            frame = (marker, *struct.unpack_from(">BHHB", data, at + 4))
        elif marker == 0xE1 and orientation == 1 and data[at + 4 : at + 10] == b"Exif\0\0":
            orientation = _exif_orientation(data[at + 10 : at + 2 + length])
        at += 2 + length
        if marker == 0xDA:
            break
    if frame is None:
        raise Broken
    if data.find(b"\xff\xd9", at) < 0:
        raise Short
    kind, bits, height, width, _ = frame
    readable = kind in _READABLE_FRAMES and bits == 8
    return Header(width, height, orientation, "" if readable else "unreadable", opaque=True)


def _png(data: bytes) -> Header:
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    if depth not in (1, 2, 4, 8, 16):
        raise Broken
    orientation, extra, grey = 1, "", None
    at, ended = 8, False
    while not ended:
        length, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if body + length + 4 > len(data):
            raise Short
        if at == 8 and (kind, length) != (b"IHDR", 13):
            raise Broken
        if kind == b"acTL" and struct.unpack_from(">I", data, body)[0] > 1:
            extra = "animated"
        elif kind == b"eXIf":
            orientation = _exif_orientation(data[body : body + length])
        elif kind == b"tRNS" and colour == 0:
            grey = struct.unpack_from(">H", data, body)[0] * 255 // (2**depth - 1)
        at = body + length + 4
        ended = kind == b"IEND"
    return Header(width, height, orientation, "animated" if extra else "", transparent_grey=grey)


def _webp(data: bytes) -> Header:
    if len(data) < 8 + struct.unpack_from("<I", data, 4)[0]:
        raise Short
    orientation, extra, size = 1, "", None
    for kind, body, length in _riff_chunks(data):
        if kind == b"VP8X":
            moving = bool(data[body] & 0x02)
            extra = "animated" if moving else extra
            wide, high = (int.from_bytes(data[body + i : body + i + 3], "little") for i in (4, 7))
            size = (wide + 1, high + 1)
        elif kind == b"VP8L" and size is None:
            (bits,) = struct.unpack_from("<I", data, body + 1)
            size = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        elif kind == b"VP8 " and size is None:
            wide, high = struct.unpack_from("<HH", data, body + 6)
            size = (wide & 0x3FFF, high & 0x3FFF)
        elif kind == b"EXIF":
            orientation = _exif_orientation(data[body : body + length].removeprefix(b"Exif\0\0"))
    if size is None:
        raise Broken
    return Header(*size, orientation, "animated" if extra else "")


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, at + 8, length
        at += 8 + length + length % 2


def _bmp(data: bytes) -> Header:
    (size,) = struct.unpack_from("<I", data, 14)
    if size == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    if width <= 0 or height == 0:
        raise Broken
    return Header(width, abs(height), opaque=True)


_WIDTH, _HEIGHT, _BITS, _COLOURS, _ORIENTATION, _SUBFILE, _FORMAT, _EXTRA = 256, 257, 258, 262, 274, 254, 339, 338
_TAGS: Final = frozenset({_WIDTH, _HEIGHT, _BITS, _COLOURS, _ORIENTATION, _SUBFILE, _FORMAT, _EXTRA})
_MAX_DIRECTORIES: Final = 64
_CMYK, _LAB_OR_LATER, _UNSIGNED, _ASSOCIATED = 5, 8, 1, 1
_THUMBNAIL_OR_MASK: Final = 0b101


@dataclass(frozen=True)
class Tags:
    """One directory of a TIFF: the first value of each tag that matters here, and where its lowest byte lies."""

    values: dict[int, int]
    places: dict[int, int]

    def get(self, tag: int, default: int) -> int:
        return self.values.get(tag, default)


def _tiff(data: bytes) -> Header:
    directories = list(_tiff_directories(data))
    first = directories[0]
    colours, bits = first.get(_COLOURS, 1), first.get(_BITS, 1)
    unreadable = colours >= _LAB_OR_LATER or bits > 16 or first.get(_FORMAT, _UNSIGNED) != _UNSIGNED
    pages = sum(not tags.get(_SUBFILE, 0) & _THUMBNAIL_OR_MASK for tags in directories)
    return Header(
        first.get(_WIDTH, 0),
        first.get(_HEIGHT, 0),
        _orientation(first),
        "pages" if pages > 1 else "unreadable" if unreadable else "",
        opaque=colours == _CMYK,
        premultiplied=bits <= 8 or first.get(_EXTRA, 0) == _ASSOCIATED,
        turned_at=first.places.get(_ORIENTATION),
    )


def _tiff_directories(data: bytes) -> Iterator[Tags]:
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise Broken
    (at,) = struct.unpack_from(order + "I", data, 4)
    seen: set[int] = set()
    while at:
        if at in seen or len(seen) >= _MAX_DIRECTORIES:
            raise Broken
        seen.add(at)
        (count,) = struct.unpack_from(order + "H", data, at)
        yield _tiff_tags(data, order, at + 2, count)
        (at,) = struct.unpack_from(order + "I", data, at + 2 + 12 * count)


def _tiff_tags(data: bytes, order: str, start: int, count: int) -> Tags:
    tags = Tags({}, {})
    for at in range(start, start + 12 * count, 12):
        tag, kind, length = struct.unpack_from(order + "HHI", data, at)
        code, width = {1: ("B", 1), 3: ("H", 2), 4: ("I", 4)}.get(kind, ("", 0))
        if tag in _TAGS and code and length:
            place = at + 8 if width * length <= 4 else struct.unpack_from(order + "I", data, at + 8)[0]
            tags.values[tag] = struct.unpack_from(order + code, data, place)[0]
            tags.places[tag] = place + (width - 1 if order == ">" else 0)
    return tags


def _orientation(tags: Tags) -> int:
    value = tags.get(_ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def _exif_orientation(exif: bytes) -> int:
    """1 to 8; 1 where the block is damaged or silent, as every viewer does."""
    try:
        return _orientation(next(_tiff_directories(exif)))
    except (Broken, StopIteration, struct.error):
        return 1


_READERS: Final[dict[str, Callable[[bytes], Header]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
    "image/tiff": _tiff,
    "image/bmp": _bmp,
}
