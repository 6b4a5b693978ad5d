"""What a person says of an answer: whether it was right, what it should have been, and what else is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from atisbo.domain import forms
from atisbo.domain.forms import Answer, ReviewField
from atisbo.domain.predictions import Status
from atisbo.domain.privacy import Suspicion, suspicions
from atisbo.errors import Conflict, Invalid


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    """The person does not know."""


@dataclass(frozen=True)
class Review:
    """A verdict with the known label, if it is known, and the answers to the application's form."""

    verdict: Verdict
    label: str | None
    metadata: dict[str, Answer]


@dataclass(frozen=True)
class Warning:
    """A passage of one field that may identify a person."""

    field: str
    suspicion: Suspicion


def check(
    *,
    fields: tuple[ReviewField, ...],
    labels: Sequence[str],
    status: Status,
    findings: Mapping[str, Any] | None,
    said: Review,
    metadata: Mapping[str, object],
) -> Review:
    """The review as it is stored: answers checked, and for a class that was confirmed the label filled in.

    Args:
        labels: what the application's answers can be.
        said: verdict and label; its metadata is not looked at.
        metadata: answers to the form as they were sent.

    Raises:
        Conflict: there is no answer to review.
        Invalid: a label that is none, a verdict that contradicts it, or an answer that will not do.
    """
    if not status.finished or status is Status.FAILED:
        raise Conflict("review_early", "There is no answer to review.")
    if said.label is not None and said.label not in labels:
        raise Invalid("label_unknown", "Choose one of these labels: {labels}.", labels=", ".join(labels))
    answers = forms.check(fields, metadata)
    return Review(said.verdict, _label(said, _answered(status, findings)), answers)


def _answered(status: Status, findings: Mapping[str, Any] | None) -> str | None:
    """The class that the network gave; None for an outline, and where it refused."""
    if status is Status.REFUSED or findings is None or findings["task"] != "classification":
        return None
    return str(findings["label"])


def verdict_on(findings: Mapping[str, Any] | None, label: str | None) -> Verdict | None:
    """What naming a class says of the network's answer; None where no class was answered, or none was named."""
    if label is None or findings is None or findings["task"] != "classification":
        return None
    return Verdict.RIGHT if findings["label"] == label else Verdict.WRONG


def _label(said: Review, answered: str | None) -> str | None:
    if answered is None or said.verdict is Verdict.UNKNOWN:
        return said.label
    if said.verdict is Verdict.RIGHT:
        if said.label not in (None, answered):
            raise Invalid("review_contradicts", "The answer cannot be right and the label another one.")
        return answered
    if said.label == answered:
        raise Invalid("review_contradicts_itself", "The answer cannot be wrong and the label the same.")
    return said.label


def warnings(fields: Sequence[ReviewField], metadata: Mapping[str, object], *, today: date) -> list[Warning]:
    """What in the free texts may identify a person; nothing is refused for it."""
    return [
        Warning(field.name, suspicion)
        for field in fields
        if field.type == "text" and isinstance(text := metadata.get(field.name), str)
        for suspicion in suspicions(text[: forms.MAX_TEXT], today=today)
    ]
