"""The form below an answer: which questions an application asks, and what an answer to each may be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from atisbo.domain.cards import Strict
from atisbo.domain.texts import LocalisedText, Name
from atisbo.errors import Invalid

Answer = str | int | float
MAX_TEXT: Final = 2000
_LARGEST: Final = 1e12


class Choice(Strict):
    """One of several answers; what is stored is ``value``, what is read is ``label``."""

    value: str = Field(min_length=1, max_length=60)
    label: LocalisedText

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, said: Any) -> Any:
        return {"value": said, "label": {"es": said, "en": said}} if isinstance(said, str) else said


class ReviewField(Strict):
    """One question of the form below an answer."""

    name: Name
    type: Literal["choice", "number", "text", "date"]
    label: LocalisedText
    help: LocalisedText | None = None
    choices: tuple[Choice, ...] = ()
    required: bool = False
    min: float | None = None
    max: float | None = None
    whole: bool = False
    """Only whole numbers."""
    unit: str = Field(default="", max_length=20)
    """Of a number, as people write it: mmHg, µm."""
    max_length: int = Field(default=500, ge=1, le=MAX_TEXT)
    """Characters of a text."""

    @field_validator("choices")
    @classmethod
    def _choices_differ(cls, choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
        if len({choice.value for choice in choices}) != len(choices):
            raise ValueError("two choices have the same value")
        return choices

    @model_validator(mode="after")
    def _choices_agree(self) -> Self:
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("choices belong to type = 'choice', and only to it")
        return self

    @model_validator(mode="after")
    def _bounds_agree(self) -> Self:
        given = self.model_fields_set
        if self.type != "number" and given & {"min", "max", "whole", "unit"}:
            raise ValueError("min, max, whole and unit belong to type = 'number', and only to it")
        if self.type != "text" and "max_length" in given:
            raise ValueError("max_length belongs to type = 'text', and only to it")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError("min is not below max")
        return self

    def check(self, said: object) -> Answer:
        """The answer as it is stored.

        Raises:
            Invalid: it is none of this question's; ``values["field"]`` names the question.
        """
        if self.type == "number":
            return self._number(said)
        if not isinstance(said, str):
            raise _wrong(self, "field_text", "{field}: send a text.")
        if self.type == "choice":
            return self._choice(said)
        return self._date(said.strip()) if self.type == "date" else self._text(said.strip())

    def _choice(self, said: str) -> str:
        if said not in {choice.value for choice in self.choices}:
            known = ", ".join(choice.value for choice in self.choices)
            raise _wrong(self, "field_choice", "{field}: choose one of these: {choices}.", choices=known)
        return said

    def _number(self, said: object) -> int | float:
        if isinstance(said, bool) or not isinstance(said, int | float) or not abs(said) <= _LARGEST:
            raise _wrong(self, "field_number", "{field}: send a number.")
        if self.whole and said != int(said):
            raise _wrong(self, "field_whole", "{field}: send a whole number.")
        if self.min is not None and said < self.min:
            raise _wrong(self, "field_low", "{field}: the least is {limit}.", limit=f"{self.min:g} {self.unit}".strip())
        if self.max is not None and said > self.max:
            raise _wrong(self, "field_high", "{field}: the most is {limit}.", limit=f"{self.max:g} {self.unit}".strip())
        return int(said) if self.whole else said

    def _text(self, said: str) -> str:
        if len(said) > self.max_length:
            raise _wrong(self, "field_long", "{field}: use at most {count} characters.", count=self.max_length)
        if not storable(said):
            raise _wrong(self, "field_characters", "{field}: there are characters in it that cannot be stored.")
        return said

    def _date(self, said: str) -> str:
        try:
            day = date.fromisoformat(said)
        except ValueError as error:
            raise _wrong(self, "field_date", "{field}: write the date as 2026-11-21.") from error
        if not date(1900, 1, 1) <= day <= date.today() + timedelta(days=1):
            raise _wrong(self, "field_date_far", "{field}: this date is too long ago or still to come.")
        return day.isoformat()


def storable(text: str) -> bool:
    """Whether PostgreSQL and people can read it: no control characters but line ends and tabs, no half surrogates."""
    return all(c in "\n\r\t" or (ord(c) >= 32 and ord(c) != 127 and not 0xD800 <= ord(c) <= 0xDFFF) for c in text)


def _wrong(field: ReviewField, code: str, message: str, **values: object) -> Invalid:
    return Invalid(code, message, field=field.name, **values)


def check(fields: tuple[ReviewField, ...], said: Mapping[str, object]) -> dict[str, Answer]:
    """The answers as they are stored, in the form's order; questions left empty are left out.

    Raises:
        Invalid: a question that is not asked, one that has to be answered, or an answer that will not do.
    """
    unknown = sorted(set(said) - {field.name for field in fields})
    if unknown:
        raise Invalid("field_unknown", "{field}: this application does not ask for this.", field=unknown[0][:60])
    answers: dict[str, Answer] = {}
    for field in fields:
        answer = said.get(field.name)
        if answer is None or (isinstance(answer, str) and not answer.strip()):
            if field.required:
                raise _wrong(field, "field_needed", "{field}: this has to be answered.")
            continue
        answers[field.name] = field.check(answer)
    return answers
