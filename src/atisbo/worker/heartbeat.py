"""The worker's sign of life, for whoever looks after the service."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final
from uuid import uuid4

from atisbo.errors import AtisboError
from atisbo.inference.registry import Registry
from atisbo.services import system
from atisbo.services.work import Workplace

log = logging.getLogger(__name__)
EVERY_S: Final = 5.0
_MEASURE_S: Final = 600.0


class Heartbeat:
    def __init__(self, workplace: Workplace, registry: Registry) -> None:
        self._workplace = workplace
        self._registry = registry
        self._id = uuid4()
        self._folders: dict[str, int] = {}
        self._measured = 0.0

    async def run(self) -> None:
        """Until it is cancelled; a database that is away is no reason to stop."""
        while True:
            try:
                await asyncio.to_thread(self._beat)
            except AtisboError as error:
                log.warning("no sign of life: %s", error)
            await asyncio.sleep(EVERY_S)

    def _beat(self) -> None:
        if not self._measured or time.monotonic() - self._measured > _MEASURE_S:
            self._folders = system.measure(self._workplace.settings.data_dir)
            self._measured = time.monotonic()
        versions = {name: card.version for name, (_, card) in self._registry.installed.items()}
        self._workplace.within(lambda session: system.beat(session, self._id, versions=versions, folders=self._folders))

    def end(self) -> None:
        """Take the sign away; a database that is away forgets it by itself."""
        try:
            self._workplace.within(lambda session: system.gone(session, self._id))
        except AtisboError as error:
            log.warning("the sign of life stays: %s", error)
