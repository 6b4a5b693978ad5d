"""What can be deleted and brought back."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    IMAGE = "image"
    SCENARIO = "scenario"
