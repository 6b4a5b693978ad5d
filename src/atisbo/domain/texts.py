"""Names, and words in both languages, as application folders write them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from atisbo.domain.cards import Strict

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")]


class LocalisedText(Strict):
    """The same words in Spanish and English; one of the two will do."""

    es: str = ""
    en: str = ""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.es and not self.en:
            raise ValueError("needs a text in es or en")
        return self

    def in_(self, language: str) -> str:
        """The text in ``language`` (``es`` or ``en``), or in the other one."""
        return (self.es or self.en) if language == "es" else (self.en or self.es)

    def __getitem__(self, language: str) -> str:
        return self.in_(language)

    def __str__(self) -> str:
        """In English, for programs and terminals."""
        return self.in_("en")
