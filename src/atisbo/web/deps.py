"""What a request is handed: the state of the process, a transaction, the actor."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from atisbo.config import Secrets, Settings
from atisbo.domain.access import Actor
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.errors import AtisboError, NotFound, NotSignedIn
from atisbo.services.work import Blobs, Workplace
from atisbo.web.catalogue import Catalogue
from atisbo.web.limits import AtOnce, FailurePace, Pace
from atisbo.web.live import Hub
from atisbo.web.security import authenticate, check_csrf, session_cookie

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class State:
    """Made once by ``create_app``; the same for every request."""

    workplace: Workplace
    catalogue: Catalogue
    hub: Hub
    sign_in_pace: FailurePace
    trial_pace: Pace
    tensors_at_once: AtOnce

    @property
    def applications(self) -> dict[str, tuple[Application, Card]]:
        """In their order, each with the card of the version that answers now."""
        return self.catalogue.applications

    @property
    def settings(self) -> Settings:
        return self.workplace.settings

    @property
    def secrets(self) -> Secrets:
        return self.workplace.secrets

    @property
    def blobs(self) -> Blobs:
        return self.workplace.blobs

    async def knows(self, request: Request) -> bool:
        """Whether somebody is signed in, before anything of the request is read."""

        def look() -> bool:
            try:
                with self.workplace.transaction() as session:
                    return authenticate(session, request, self.settings, self.secrets) is not None
            except NotSignedIn:
                return False

        return await run_in_threadpool(look)

    async def recognise(self, request: Request) -> None:
        """Note who reads a page of an error; nobody where the database is away."""
        if session_cookie(request, self.settings) is None:
            return

        def look() -> Actor | None:
            with self.workplace.transaction() as session:
                return authenticate(session, request, self.settings, self.secrets)

        try:
            request.state.actor = await run_in_threadpool(look)
        except (AtisboError, DBAPIError, PoolTimeout) as error:
            log.warning("%s: nobody is recognised: %s", request.url.path, error)

    def application(self, name: str) -> tuple[Application, Card]:
        """Raises NotFound for a name that is not installed."""
        try:
            return self.applications[name]
        except KeyError as error:
            raise NotFound("application_unknown", "There is no application called {name}.", name=name[:60]) from error


def state_of(request: Request) -> State:
    state: State = request.app.state.atisbo
    return state


AppState = Annotated[State, Depends(state_of)]


def _db(state: AppState) -> Iterator[Session]:
    with state.workplace.transaction() as session:
        yield session


Db = Annotated[Session, Depends(_db, scope="function")]
"""One request, one transaction, committed before the answer leaves."""


def _maybe_actor(request: Request, db: Db, state: AppState) -> Actor | None:
    actor = authenticate(db, request, state.settings, state.secrets)
    request.state.actor = actor
    return actor


MaybeActor = Annotated[Actor | None, Depends(_maybe_actor)]


def signed_in(actor: Actor | None) -> Actor:
    if actor is None:
        raise NotSignedIn("not_signed_in", "Sign in first.")
    return actor


def _current_actor(actor: MaybeActor) -> Actor:
    return signed_in(actor)


CurrentActor = Annotated[Actor, Depends(_current_actor)]


async def protect(request: Request, state: AppState) -> None:
    """For every router: no unsafe request from another site."""
    await check_csrf(request, state.settings, state.secrets)


async def in_transaction(request: Request, use: Callable[[Session, Actor], T]) -> T:
    """For streams and waits: authenticate and work in a transaction that is over when this returns."""
    state = state_of(request)

    def work() -> T:
        with state.workplace.transaction() as session:
            actor = signed_in(authenticate(session, request, state.settings, state.secrets))
            request.state.actor = actor  # its language is that of the answer
            return use(session, actor)

    return await run_in_threadpool(work)
