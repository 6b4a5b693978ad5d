"""A network beside those that answer: one at a time, on one stream, so that it takes little from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from atisbo.domain.cards import Card
from atisbo.inference.engine import OpenVINOEngine
from atisbo.inference.predictor import Predictor
from atisbo.inference.registry import Registry
from atisbo.services.work import Workplace
from atisbo.worker.versions import stored


class Spare:
    """Loads a version's network from among the blobs and keeps it until another one is asked for."""

    def __init__(self, workplace: Workplace, registry: Registry) -> None:
        self._workplace = workplace
        self._registry = registry
        self._lock = Lock()
        self._loaded: Predictor | None = None

    @contextmanager
    def hold(self, application: str, card: Card) -> Iterator[Predictor]:
        """Nobody else's until the block ends.

        Raises:
            NotFound: the network is missing, or its application is not here.
            Misconfigured: it does not fit its card.
        """
        with self._lock:
            if self._loaded is None or self._loaded.card != card:
                self._close()
                network = stored(self._workplace.blobs, card)
                precision = self._workplace.settings.engine_precision
                engine = OpenVINOEngine(network, card, precision=precision, streams=1)
                asked = self._registry.application(application).input.asked
                self._loaded = Predictor(card, engine, asked=asked)
            yield self._loaded

    def _close(self) -> None:
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None
