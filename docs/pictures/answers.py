"""Answers of the real networks on shipped pictures, computed here and now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from atisbo.config import Settings
from atisbo.domain.applications import SHIPPED
from atisbo.domain.images import Limits, Region
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.predictor import Answer
from atisbo.inference.registry import Registry


@dataclass(frozen=True)
class Networks:
    """Every installed network, and the room in which pictures are opened."""

    registry: Registry
    quarantine: Quarantine
    limits: Limits

    def answer(self, application: str, data: bytes, region: Region | None = None) -> Answer:
        """Raises Foreign: the picture is of another kind."""
        predictor = self.registry.predictor(application)
        return predictor.predict(self.quarantine.prepare(data, region, predictor.card.input, self.limits).result())

    def of_sample(self, application: str, file: str, region: Region | None = None) -> Answer:
        return self.answer(application, (SHIPPED / application / "samples" / file).read_bytes(), region)


@contextmanager
def networks(folder: Path = SHIPPED) -> Iterator[Networks]:
    """In full precision, so that another machine draws the same."""
    settings = Settings()
    quarantine = Quarantine(1, settings.decode_timeout_s, settings.decoder_memory_bytes)
    registry = Registry.open([folder], precision="f32")
    try:
        yield Networks(registry, quarantine, Limits.of(settings))
    finally:
        registry.close()
        quarantine.close()
