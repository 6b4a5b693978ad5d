"""The states of a prediction, and why one can fail."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from atisbo.domain.texts import LocalisedText

NOTICE: Final = "Research and education only. Not a medical device."
"""Every answer carries it, translated."""


class Status(StrEnum):
    """What has become of a question."""

    WAITING = "waiting"
    """Stored with its job; no worker has it."""
    RUNNING = "running"
    """A worker holds it; ``attempt`` counts how often that happened."""
    DONE = "done"
    """Answered."""
    UNSURE = "unsure"
    """Answered with: have an expert look."""
    REFUSED = "refused"
    """The picture is not of this application's kind; a failure with the code ``foreign`` says so."""
    FAILED = "failed"
    """No answer, with a reason."""

    @property
    def finished(self) -> bool:
        return self not in (Status.WAITING, Status.RUNNING)


class Failure(BaseModel):
    """Why there is no answer: a code, an English sentence with gaps that is translated when shown, its values."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    values: dict[str, Any] = {}

    def values_in(self, language: str) -> dict[str, Any]:
        """The values for the sentence's gaps; those that are words, in ``language``."""
        return {name: _spoken(value, language) for name, value in self.values.items()}

    @property
    def status(self) -> int:
        """The HTTP status that says the same."""
        return _STATUS.get(self.code, 422)


def _spoken(value: Any, language: str) -> Any:
    """A text in both languages is kept as its fields."""
    if isinstance(value, dict):
        return LocalisedText.model_validate(value).in_(language)
    return value.in_(language) if isinstance(value, LocalisedText) else value


_STATUS: Final = {
    "image_unsupported": 415,
    "image_too_large": 413,
    "gave_up": 500,
    "application_gone": 410,
}
