"""What kind of file some bytes are, by their first bytes; a name or a stated media type is never believed."""

from __future__ import annotations

import re
from typing import Final

_TEXT: Final = rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?((<!--(?:(?!-->).)*-->|<!doctype[^>]*>)\s*)*"
"""What may stand before the first tag."""
_MAGIC: Final[tuple[tuple[re.Pattern[bytes], str], ...]] = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE if "<" in str(pattern) else re.DOTALL), kind)
    for pattern, kind in (
        (rb"\xff\xd8\xff", "image/jpeg"),
        (rb"\x89PNG\r\n\x1a\n", "image/png"),
        (rb"RIFF....WEBP", "image/webp"),
        (rb"II\*\x00|MM\x00\*", "image/tiff"),
        (rb"BM.{4}.{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", "image/bmp"),
        (rb"GIF8[79]a", "image/gif"),
        (rb"II\+\x00|MM\x00\+", "image/x-bigtiff"),
        (rb"....ftyp(avif|avis)", "image/avif"),
        (rb"....ftyp(heic|heix|hevc|heim|heis|mif1|msf1)", "image/heic"),
        (rb"....ftyp", "video/mp4"),
        (rb"\x1aE\xdf\xa3", "video/webm"),
        (rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "image/jp2"),
        (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "image/jxl"),
        (rb"8BPS", "image/vnd.adobe.photoshop"),
        (rb"\x00\x00\x01\x00", "image/x-icon"),
        (rb".{128}DICM", "application/dicom"),
        (rb"%PDF-", "application/pdf"),
        (rb"PK\x03\x04|PK\x05\x06", "application/zip"),
        (rb"\x1f\x8b", "application/gzip"),
        (rb"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
        (rb"Rar!\x1a\x07", "application/vnd.rar"),
        (rb"\x7fELF|MZ", "application/x-executable"),
        (_TEXT + rb"<svg[\s/>]", "image/svg+xml"),
        (_TEXT + rb"<(html|head|body|script)", "text/html"),
        (rb"(\xef\xbb\xbf)?\s*<!doctype html", "text/html"),
        (rb"(\xef\xbb\xbf)?\s*<\?xml", "text/xml"),
    )
)
_NAMES: Final = {
    "image/gif": "GIF",
    "image/x-bigtiff": "BigTIFF",
    "image/avif": "AVIF",
    "image/heic": "HEIC",
    "video/mp4": "MP4",
    "video/webm": "WebM",
    "image/jp2": "JPEG 2000",
    "image/jxl": "JPEG XL",
    "image/vnd.adobe.photoshop": "Photoshop",
    "image/x-icon": "ICO",
    "application/dicom": "DICOM",
    "application/pdf": "PDF",
    "application/zip": "ZIP",
    "application/gzip": "GZIP",
    "application/x-7z-compressed": "7-Zip",
    "application/vnd.rar": "RAR",
    "application/x-executable": "EXE",
    "image/svg+xml": "SVG",
    "text/html": "HTML",
    "text/xml": "XML",
}


def sniff(data: bytes) -> str | None:
    """The media type that the bytes themselves show; None for an unknown kind."""
    head = bytes(data[:2048])
    return next((kind for pattern, kind in _MAGIC if pattern.match(head)), None)


def name_of(media_type: str) -> str:
    """What people call it: ``GIF``, ``PDF``; the same word in every language."""
    return _NAMES.get(media_type, media_type)
