"""``atisbo dataset import``: reading a folder, asking, waiting for the workers, reviewing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rich.progress import track

from atisbo.cli.database import opened
from atisbo.config import Settings
from atisbo.domain.applications import installed
from atisbo.domain.datasets import Plan
from atisbo.errors import AtisboError, NotFound, Unavailable
from atisbo.imaging.annotations import read
from atisbo.services import accounts
from atisbo.services.imports import Import
from atisbo.store.accounts import by_email

_TICK_S = 0.25


def bring(
    settings: Settings, application: str, folder: Path, email: str, patience_s: int
) -> tuple[int, list[tuple[str, AtisboError]]]:
    """How many images are in, and which are not, with the reason.

    Raises:
        NotFound: no such application or user.
        Invalid: the folder says something that cannot be.
        Unavailable: no worker does anything; run again to go on.
    """
    found = installed(settings.applications_dir)
    if application not in found:
        raise NotFound("application_unknown", "There is no application called {name}.", name=application)
    chosen, card = found[application]
    plan = Plan.of(chosen, card, ())
    brought = read(folder, plan.classes, plan.outlines)
    with opened(settings) as workplace:
        with workplace.transaction() as session:
            user = by_email(session, email)
            if user is None:
                raise NotFound("user_unknown", "There is no such user.")
            actor = accounts.actor_of(user)
        coming = Import(workplace, actor, chosen, card)
        coming.check(brought)
        for _ in track(coming.ask(brought), "storing", total=len(brought), transient=True):
            pass
        _wait(coming.open, patience_s)
        done = coming.say()
        _wait(coming.checking, patience_s)
        return done, coming.problems


def _wait(left: Callable[[], int], patience_s: int) -> None:
    """Until nothing is left; as long as something happens."""
    before, since = left(), time.monotonic()
    while before:
        time.sleep(_TICK_S)
        now = left()
        if now != before:
            since = time.monotonic()
        if time.monotonic() - since > patience_s:
            raise Unavailable(
                "import_waits",
                "{count} images wait for a worker. Start one with atisbo serve, and run this again: it goes on.",
                count=now,
            )
        before = now
