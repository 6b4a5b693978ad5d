"""Asking about many files at once; each one's fate is its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

from sqlalchemy.orm import Session

from atisbo.config import Settings
from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application
from atisbo.domain.consents import Kind
from atisbo.domain.images import Region, display_name
from atisbo.domain.pairs import Half
from atisbo.errors import AtisboError, Invalid, Unavailable, UserError
from atisbo.services import archives, asking, consents, notices, webhooks
from atisbo.services.archives import Entry, Limits
from atisbo.services.asking import Asked, Upload
from atisbo.services.predictions import PredictionView
from atisbo.services.work import Workplace
from atisbo.store.db import now

_TOGETHER: Final = 16
_TOGETHER_BYTES: Final = 8 * 1024**2
"""Pictures of one transaction, at most."""


@dataclass(frozen=True)
class Sent:
    """A file of the request: a picture, or a ZIP of pictures."""

    name: str
    file: BinaryIO
    size: int


@dataclass(frozen=True)
class Result:
    """What became of one picture: a prediction, or why there is none."""

    file: str
    prediction: PredictionView | None = None
    problem: AtisboError | None = None


@dataclass(frozen=True)
class Question:
    """What is asked of every file; ``regions`` are by file name, in each original's pixels."""

    application: Application
    regions: Mapping[str, Region]
    permits: frozenset[str] = frozenset()
    """The yeses to each image, ``training`` and ``sharing``; see ``domain.consents.Kind``."""
    idempotency_key: str | None = None
    webhook_url: str = ""
    """Told of each answer, if it is given."""
    halves: Mapping[str, Half] = field(default_factory=dict)
    """Of two pictures of one person, by file name, as ``regions``."""


def limits(settings: Settings) -> Limits:
    return Limits(settings.max_batch_files, settings.max_upload_bytes, settings.max_batch_bytes)


def ask(workplace: Workplace, actor: Actor, *, question: Question, files: Sequence[Sent]) -> list[Result]:
    """Store and queue every picture, a few in a transaction; what is accepted stays so, whatever comes after it.

    With an idempotency key the same request may be sent again: what was accepted is found, not made anew.

    Raises:
        ConsentNeeded: the actor has not agreed to the terms.
        Invalid: there is no file, or the key will not do.
        TooLarge: there are too many files.
    """
    actor.require(Right.PREDICT)
    allowed = limits(workplace.settings)
    if not files:
        raise Invalid("batch_empty", "There is no file in the request. Send at least one.")
    if len(files) > allowed.files:
        raise archives.many(allowed)
    key = question.idempotency_key
    if key is not None and not (key.isprintable() and 1 <= len(key) <= 190):
        raise Invalid("idempotency_key", "The idempotency key must be 1 to 200 printable characters.")
    begun = now()
    workplace.within(lambda session: _permitted(session, workplace.settings, actor, question))
    results: list[Result] = []
    for group in _grouped(_entries(files, allowed)):
        away = results[-1].problem if results else None
        if isinstance(away, Unavailable):
            results += [Result(_shown(entry), problem=away) for _, entry in group]
        else:
            results += _group(workplace, actor, question, group)
    if any(result.prediction for result in results):
        workplace.within(
            lambda session: notices.when_answered(session, actor, application=question.application.name, since=begun)
        )
    return results


def _permitted(session: Session, settings: Settings, actor: Actor, question: Question) -> None:
    consents.require(session, actor)
    if question.webhook_url:
        webhooks.check(session, actor, settings, url=question.webhook_url)


def _entries(files: Sequence[Sent], allowed: Limits) -> Iterator[Entry]:
    """The pictures of all files, those of ZIPs unpacked, as long as the limits of the whole request last."""
    count, total = 0, 0
    for sent in files:
        left = replace(allowed, used_files=count, used_bytes=total)
        try:
            for entry in _opened(sent, left):
                count += 1
                total += len(entry.data or b"")
                yield entry
        except UserError as error:
            count += 1
            yield Entry(sent.name, problem=error)


def _opened(sent: Sent, left: Limits) -> Iterator[Entry]:
    if left.files_left < 1:
        raise archives.many(left)
    sent.file.seek(0)
    if archives.is_zip(sent.file.read(4)):
        yield from archives.unpack(sent.file, left)
        return
    if sent.size > left.file_bytes:
        raise archives.large(left)
    if sent.size > left.bytes_left:
        raise archives.full(left)
    sent.file.seek(0)
    yield Entry(sent.name, data=sent.file.read())


def _grouped(entries: Iterator[Entry]) -> Iterator[list[tuple[int, Entry]]]:
    """Each with its number; few enough to be held in memory together."""
    group: list[tuple[int, Entry]] = []
    size = 0
    for number, entry in enumerate(entries):
        group.append((number, entry))
        size += len(entry.data or b"")
        if len(group) >= _TOGETHER or size >= _TOGETHER_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _group(workplace: Workplace, actor: Actor, question: Question, group: Sequence[tuple[int, Entry]]) -> list[Result]:
    """All that can be asked in one transaction; if one of them stands in the way, each in one of its own."""
    sound = [one for one in group if one[1].problem is None]
    try:
        views = iter(
            workplace.within(lambda session: _ask(session, workplace, actor, question, sound)) if sound else []
        )
    except AtisboError as error:
        if len(group) == 1 or isinstance(error, Unavailable):
            return [Result(_shown(entry), problem=entry.problem or error) for _, entry in group]
        return [result for one in group for result in _group(workplace, actor, question, [one])]
    return [
        Result(_shown(entry), problem=entry.problem) if entry.problem else Result(_shown(entry), prediction=next(views))
        for _, entry in group
    ]


def _ask(
    session: Session, workplace: Workplace, actor: Actor, question: Question, group: Sequence[tuple[int, Entry]]
) -> list[PredictionView]:
    views = asking.ask_all(
        session,
        actor,
        blobs=workplace.blobs,
        application=question.application,
        asked=[_asked(question, number, entry) for number, entry in group],
        training_consent=Kind.TRAINING in question.permits,
        sharing_consent=Kind.SHARING in question.permits,
    )
    if question.webhook_url:
        for view in views:
            webhooks.arm(session, actor, workplace.settings, prediction_id=view.id, url=question.webhook_url)
    return views


def _asked(question: Question, number: int, entry: Entry) -> Asked:
    name, key = _shown(entry), question.idempotency_key
    return Asked(
        Upload(entry.data or b"", name),
        question.regions.get(entry.name) or question.regions.get(name),
        question.halves.get(entry.name) or question.halves.get(name),
        f"{key}#{number}" if key else None,
    )


def _shown(entry: Entry) -> str:
    return display_name(entry.name)
