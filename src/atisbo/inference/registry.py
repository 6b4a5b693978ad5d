"""The applications of this process with their networks, ready to answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Final

from atisbo.domain.applications import Application, discover
from atisbo.domain.cards import Card
from atisbo.errors import Misconfigured, NotFound
from atisbo.inference.engine import Engine, OpenVINOEngine, Precision
from atisbo.inference.predictor import Answer, Predictor
from atisbo.inference.remote import RemoteEngine, Server

__all__ = ["Answer", "Predictor", "Registry"]

log = logging.getLogger(__name__)
_PAUSE_S: Final = 0.01


@dataclass(eq=False)
class _Seat:
    """A predictor, who uses it at the moment, and whether it is to go when they have done."""

    predictor: Predictor
    users: int = 0
    leaving: bool = False


class Registry:
    """Applications by name; each network is loaded once, at :meth:`load` or when it is first asked for.

    A broken application is logged in a sentence, listed in ``faults`` and left out; the others work.
    """

    def __init__(
        self,
        applications: dict[str, tuple[Application, Card]],
        faults: list[Misconfigured],
        precision: Precision,
        server: Server | None = None,
    ) -> None:
        self._applications = applications
        self.faults = faults
        self._precision = precision
        self._server = server
        self._seats: dict[str, _Seat] = {}
        self._lock = Lock()
        for fault in faults:
            log.error("application left out: %s", fault)

    @classmethod
    def open(cls, folders: Sequence[Path], *, precision: Precision = "auto", server: Server | None = None) -> Registry:
        """Read every application in the sub-folders of ``folders``; networks are not loaded yet.

        Args:
            server: where the networks are computed, if not here.
        """
        return cls(*discover(folders), precision, server)

    @property
    def installed(self) -> dict[str, tuple[Application, Card]]:
        """The applications with the cards that they answer with: their folders', or those of :meth:`use`."""
        return dict(self._applications)

    def names(self) -> list[str]:
        return sorted(self._applications)

    def load(self) -> None:
        """Load every network; whoever needs one of them now comes between."""
        for name in self.names():
            try:
                self.predictor(name)
            except Misconfigured as fault:
                log.error("application left out: %s", fault)
                self.faults.append(fault)
                del self._applications[name]
            except NotFound:
                return  # closed meanwhile
            time.sleep(_PAUSE_S)

    def use(self, name: str, card: Card, network: Path | bytes) -> None:
        """Answer with this version from now on. It is loaded first; whoever holds the former one finishes with it.

        Raises:
            NotFound: no such application works here.
            Misconfigured: the network does not fit the card; the former version goes on.
        """
        application, _ = self._find(name)
        seat = _Seat(self._start(application, card, network))
        with self._lock:
            former = self._seats.get(name)
            self._seats[name] = seat
            self._applications[name] = (application, card)
        if former is not None:
            self._leave(former)

    @contextmanager
    def hold(self, name: str) -> Iterator[Predictor]:
        """The application's present predictor, open until the block ends whatever comes into use meanwhile.

        Raises:
            NotFound: no such application works here.
            Misconfigured: its network does not fit its card.
        """
        self.predictor(name)
        with self._lock:
            seat = self._seats[name]
            seat.users += 1
        try:
            yield seat.predictor
        finally:
            with self._lock:
                seat.users -= 1
                over = seat.leaving and seat.users == 0
            if over:
                self._close_soon(seat)

    def has(self, name: str) -> bool:
        """Whether the application's network is loaded."""
        return name in self._seats

    def predictor(self, name: str) -> Predictor:
        """Load the application's network, if it is not loaded.

        Raises:
            NotFound: no such application works here.
            Misconfigured: its network does not fit its card.
        """
        with self._lock:
            if name not in self._seats:
                application, card = self._find(name)
                self._seats[name] = _Seat(self._start(application, card, application.model))
            return self._seats[name].predictor

    def running(self) -> frozenset[tuple[int, int]]:
        """The engines' calls that have not come back yet; no two calls are the same."""
        seats = list(self._seats.values())
        return frozenset((id(seat), call) for seat in seats for call in seat.predictor.running)

    def application(self, name: str) -> Application:
        """Raises NotFound: no such application works here."""
        return self._find(name)[0]

    def card(self, name: str) -> Card:
        """Raises NotFound: no such application works here."""
        return self._find(name)[1]

    def _find(self, name: str) -> tuple[Application, Card]:
        if name not in self._applications:
            raise NotFound("application_unknown", "There is no application called {name}.", name=name)
        return self._applications[name]

    def _start(self, application: Application, card: Card, network: Path | bytes) -> Predictor:
        engine = self._engine(application.name, network, card)
        here = network if self._server is None else None
        return Predictor(card, engine, asked=application.input.asked, network=here)

    def _engine(self, name: str, network: Path | bytes, card: Card) -> Engine:
        if self._server is not None:
            log.info("%s: %s on %s", name, card.version, self._server.url)
            return RemoteEngine(self._server, card)
        engine = OpenVINOEngine(network, card, precision=self._precision)
        log.info("%s: %s in %s", name, card.version, engine.precision)
        return engine

    def _leave(self, seat: _Seat) -> None:
        with self._lock:
            seat.leaving = True
            over = seat.users == 0
        if over:
            self._close_soon(seat)

    def _close_soon(self, seat: _Seat) -> None:
        """In a thread of its own: the last user may be an event loop, which must not wait for threads to end."""
        Thread(target=seat.predictor.close, name="closing", daemon=True).start()

    def close(self) -> None:
        """End every predictor; what waits fails with Unavailable."""
        with self._lock:
            for seat in self._seats.values():
                seat.predictor.close()
            self._seats.clear()
            self._applications = {}
