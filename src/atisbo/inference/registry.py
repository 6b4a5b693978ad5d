"""The applications of this process with their networks, ready to answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from atisbo.domain.applications import Application, discover
from atisbo.domain.cards import Card
from atisbo.errors import Misconfigured, NotFound
from atisbo.inference.engine import OpenVINOEngine, Precision
from atisbo.inference.predictor import Answer, Predictor

__all__ = ["Answer", "Predictor", "Registry"]

log = logging.getLogger(__name__)


class Registry:
    """Applications by name; each network is loaded once, at :meth:`load` or when it is first asked for.

    A broken application is logged in a sentence, listed in ``faults`` and left out; the others work.
    """

    def __init__(
        self, applications: dict[str, tuple[Application, Card]], faults: list[Misconfigured], precision: Precision
    ) -> None:
        self._applications = applications
        self.faults = faults
        self._precision = precision
        self._predictors: dict[str, Predictor] = {}
        self._lock = Lock()
        for fault in faults:
            log.error("application left out: %s", fault)

    @classmethod
    def open(cls, folders: Sequence[Path], *, precision: Precision = "auto") -> Registry:
        """Read every application in the sub-folders of ``folders``; networks are not loaded yet."""
        return cls(*discover(folders), precision)

    def names(self) -> list[str]:
        return sorted(self._applications)

    def load(self) -> None:
        """Load every network."""
        for name in self.names():
            try:
                self.predictor(name)
            except Misconfigured as fault:
                log.error("application left out: %s", fault)
                self.faults.append(fault)
                del self._applications[name]

    def predictor(self, name: str) -> Predictor:
        """Load the application's network, if it is not loaded.

        Raises:
            NotFound: no such application works here.
            Misconfigured: its network does not fit its card.
        """
        with self._lock:
            if name not in self._predictors:
                self._predictors[name] = self._start(name)
            return self._predictors[name]

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

    def _start(self, name: str) -> Predictor:
        application, card = self._find(name)
        engine = OpenVINOEngine(application.model, card, precision=self._precision)
        log.info("%s: %s in %s", name, card.version, engine.precision)
        return Predictor(card, engine, kind=application.input.kind)

    def close(self) -> None:
        """End every predictor; what waits fails with Unavailable."""
        with self._lock:
            for predictor in self._predictors.values():
                predictor.close()
            self._predictors.clear()
            self._applications = {}
