"""What is asked for among all images, as it stands in an address, a form or a request."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import date
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from atisbo.domain.gallery import Certainty, Reviewed, Wanted
from atisbo.domain.predictions import Status

NOTHING: Final = "-"
"""Stands for the answer that nothing was outlined, where an empty text stands for any answer."""


def _chosen(value: object) -> object:
    """A form sends an empty text for what was not chosen."""
    return None if value == "" else value


Words = Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]
Text = Annotated[Words | None, BeforeValidator(_chosen)]
Day = Annotated[date | None, BeforeValidator(_chosen)]


class Sieve(BaseModel):
    """Every part may be left out."""

    model_config = ConfigDict(extra="ignore")

    application: Annotated[str, Field(max_length=60)] = ""
    status: Annotated[Status | None, BeforeValidator(_chosen)] = None
    answer: Text = None
    """A label; `-` for nothing outlined."""
    certainty: Annotated[Certainty | None, BeforeValidator(_chosen)] = None
    """`high`: uncertainty below 0.2; `low`: from 0.6."""
    reviewed: Annotated[Reviewed | None, BeforeValidator(_chosen)] = None
    consent: Annotated[Literal["yes", "no"] | None, BeforeValidator(_chosen)] = None
    """Whether the image may be learnt from."""
    since: Day = None
    until: Day = None
    """Both days inclusive, UTC."""
    owner: Text = None
    """Part of the owner's e-mail address."""
    version: Text = None

    def wanted(self, application: str) -> Wanted:
        special = {"application", "answer", "consent"}
        said = {field.name: getattr(self, field.name) for field in fields(Wanted) if field.name not in special}
        return Wanted(
            application=application,
            answer="" if self.answer == NOTHING else self.answer,
            consent=None if self.consent is None else self.consent == "yes",
            **said,
        )

    def query(self, **more: str | None) -> str:
        """As part of an address, with ``more`` in place of what was chosen."""
        said = self.model_dump(mode="json") | more
        return urlencode({name: value for name, value in said.items() if value})


def plain(wanted: Wanted) -> dict[str, str]:
    """For the audit log: what was looked for, without an e-mail address."""
    said = {name: str(value) for name, value in asdict(wanted).items() if value is not None}
    return said | ({"owner": "given"} if wanted.owner else {})
