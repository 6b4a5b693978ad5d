"""Trying a shipped sample without an account: answered by a worker like any other picture, and kept nowhere."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from atisbo.domain.applications import Application, Sample
from atisbo.errors import NotFound
from atisbo.store.queue import TRY, enqueue
from atisbo.store.trials import TrialRecord, forget, give, take

__all__ = ["begin", "forget", "give", "sample", "take"]


def sample(application: Application, file: str) -> Sample:
    """Raises NotFound for what is no sample of the application."""
    found = next((one for one in application.samples if one.file == file), None)
    if found is None:
        raise NotFound("sample_unknown", "There is no such sample picture.")
    return found


def begin(session: Session, *, application: Application, file: str) -> UUID:
    """Ask about a sample; returns what its answer is fetched with, once.

    Raises:
        NotFound: the application has no such sample.
    """
    chosen = sample(application, file)
    record = TrialRecord()
    session.add(record)
    session.flush()
    payload: dict[str, Any] = {"trial": str(record.id), "application": application.name, "file": chosen.file}
    enqueue(session, TRY, payload)
    return record.id
