"""What a worker takes from the queue, and what becomes of a job that does not end well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from pgqueuer import PgQueuer
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job

from atisbo.errors import Unavailable
from atisbo.store.queue import deaths

Run = Callable[[Job], Awaitable[None]]

DEATHS: Final = 3
"""Workers that may be lost with a job in hand that has a network look at something; then it is given up."""

SOON: Final = timedelta(seconds=1)
"""Until a job is tried again that somebody waits for."""
LATER: Final = timedelta(seconds=15)
"""Until one that nobody waits for is."""


def take(
    queue: PgQueuer, kind: str, run: Run, *, hold: bool = False, at_once: int = 0, pause: timedelta = SOON
) -> None:
    """Have the jobs of a kind done by ``run``; where a part is away, that is no fault of theirs: they are tried again.

    Args:
        hold: one that fails stays in the queue, for somebody to look at it.
        at_once: so many on all machines together; 0 for any number.
        pause: before it is tried again.
    """
    register = queue.qm.entrypoint(
        kind, accepts_context=False, on_failure="hold" if hold else "delete", concurrency_limit=at_once
    )
    register(patient(run, pause))


def patient(run: Run, pause: timedelta = SOON) -> Run:
    """What is away for the moment is tried again, and does not count."""

    async def going_on(job: Job) -> None:
        try:
            await run(job)
        except Unavailable as error:
            raise RetryRequested(pause, str(error)) from error

    return going_on


def wary(run: Run) -> Run:
    """Give a job up that took workers down; a prediction has its own way, see ``worker.predict``."""

    async def careful(job: Job) -> None:
        if deaths(job) >= DEATHS:
            raise RuntimeError(f"{deaths(job)} workers were lost with it")
        await run(job)

    return careful
