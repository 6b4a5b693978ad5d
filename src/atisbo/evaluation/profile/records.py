"""What is kept of each file: small, because there may be a million of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from atisbo.evaluation.profile.layout import Place

REASONS: Final = {
    "image_empty": "empty file",
    "image_truncated": "its end is missing or it is damaged inside",
    "image_damaged": "damaged",
    "image_unsupported": "not a picture that can be read here",
    "image_animated": "moves: several frames",
    "image_pages": "several pages",
    "image_too_large": "more pixels than the limit",
    "image_too_small": "fewer pixels than the limit",
    "image_memory": "needs too much memory to be opened",
    "image_too_slow": "took too long to open",
    "image_crashed": "took the decoder down",
    "file_too_large": "a file larger than the limit",
    "unreadable": "the file cannot be read",
    "unreadable_folder": "the folder cannot be read",
    "special": "neither file nor folder",
    "link_broken": "a link to nothing",
    "link_loop": "a link that leads to itself",
    "link_repeat": "a link to a folder that has already been read",
    "link_outside": "a link out of the folder, not followed",
    "index_unreadable": "not a readable table",
    "index_no_file_column": "a table without a column called file",
}
"""Code → why a file could not be opened."""


@dataclass(frozen=True, slots=True)
class MaskLook:
    """Of a mask, read as a network would read it: object where it is over 127."""

    area: float
    """Share of the object, 0 to 1."""
    levels: int
    """Different grey values."""
    brightest: int
    """0 to 255."""
    between: float
    """Share of pixels that are neither the darkest nor the brightest value, 0 to 1."""


@dataclass(slots=True)
class Record:
    """One file and what was learnt of it."""

    path: str
    place: Place
    size_bytes: int = 0
    sha256: bytes = b""
    fault: str = ""
    """Code of why it could not be opened, one of :data:`REASONS`; empty for a good file."""
    about: str = ""
    """What it seems to be, or its size: what the fault's reason leaves open."""
    media: str = ""
    width: int = 0
    """Of the upright picture, pixels."""
    height: int = 0
    mode: str = ""
    bits: int = 0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Red, green, blue; 0 to 255."""
    flat: bool = False
    """All of one colour."""
    hash: int = 0
    """64 bits of its look."""
    slot: int = -1
    """Where its detail lies in the survey's file; -1 for none."""
    mask: MaskLook | None = None

    @property
    def good(self) -> bool:
        return not self.fault

    @property
    def reason(self) -> str:
        return REASONS.get(self.fault, self.fault) + (f" ({self.about})" if self.about else "")

    def values(self, columns: Sequence[str]) -> dict[str, str]:
        """By name: its class, its split and its groups; empty ones are left out."""
        found = {
            "class": self.place.label,
            "split": self.place.split,
            **dict(zip(columns, self.place.groups, strict=False)),
        }
        return {name: value for name, value in found.items() if value}
