"""How a picture stores its colours, read from its header.

Sources: ITU-T T.81 (JPEG), PNG 3rd edition (W3C), RFC 9649 (WebP), TIFF 6.0.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

MODES: Final = (
    "grey",
    "grey + alpha",
    "RGB",
    "RGB + alpha",
    "palette",
    "palette + alpha",
    "CMYK",
    "other",
)


class Mode(NamedTuple):
    name: str
    """One of :data:`MODES`."""
    bits: int
    """Of one channel, or of one place in the palette."""


_OTHER: Final = Mode("other", 8)
_PNG: Final = {0: "grey", 2: "RGB", 3: "palette", 4: "grey + alpha", 6: "RGB + alpha"}
_TIFF: Final = {0: ("grey", 1), 1: ("grey", 1), 2: ("RGB", 3), 3: ("palette", 1), 5: ("CMYK", 4), 6: ("RGB", 3)}


def mode_of(data: bytes, media_type: str) -> Mode:
    """The colour mode of an acceptable picture; ``other`` where its header does not say."""
    reader = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp, "image/tiff": _tiff, "image/bmp": _bmp}
    try:
        return reader[media_type](data)
    except (struct.error, IndexError, KeyError):
        return _OTHER


def _jpeg(data: bytes) -> Mode:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return Mode({1: "grey", 3: "RGB", 4: "CMYK"}[data[at + 9]], data[at + 4])
        else:
            at += 2 + int(struct.unpack_from(">H", data, at + 2)[0])
    return _OTHER


def _png(data: bytes) -> Mode:
    depth, colour = struct.unpack_from("BB", data, 24)
    name = _PNG[colour]
    see_through = "alpha" not in name and b"tRNS" in data[: data.find(b"IDAT")]
    return Mode(name + " + alpha" if see_through else name, depth)


def _webp(data: bytes) -> Mode:
    kind = data[12:16]
    alpha = (kind == b"VP8X" and data[20] & 0x10) or (kind == b"VP8L" and data[24] & 0x10)
    return Mode("RGB + alpha" if alpha else "RGB", 8)


def _bmp(data: bytes) -> Mode:
    old = struct.unpack_from("<I", data, 14)[0] == 12
    (bits,) = struct.unpack_from("<H", data, 24 if old else 28)
    return Mode("palette", bits) if bits <= 8 else Mode("RGB", 8)


def _tiff(data: bytes) -> Mode:
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    tags: dict[int, int] = {}
    for at in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, length = struct.unpack_from(order + "HHI", data, at)
        if kind == 3:
            place = at + 8 if length <= 2 else struct.unpack_from(order + "I", data, at + 8)[0]
            (tags[tag],) = struct.unpack_from(order + "H", data, place)
    name, channels = _TIFF[tags.get(262, 1)]
    more = tags.get(277, 1) > channels and name != "CMYK"
    return Mode(name + " + alpha" if more else name, tags.get(258, 1))
