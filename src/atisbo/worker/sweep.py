"""Tidying up once a day, whichever worker gets to it."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Final

from pgqueuer.models import Job

from atisbo.errors import AtisboError
from atisbo.services import sweeps
from atisbo.services.work import Workplace

log = logging.getLogger(__name__)
EVERY: Final = timedelta(days=1)
AGAIN: Final = timedelta(minutes=5)
"""After one that did not come to its end, because a part was away."""
_LOOK_S: Final = 600.0


class Sweeping:
    """May run twice for the same job: the second time there is nothing left."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    async def keep(self) -> None:
        """Ask for a sweep whenever the last one was a day ago, until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self._workplace.within, lambda session: sweeps.ask(session, EVERY))
            except AtisboError as error:
                log.warning("nobody was asked to tidy up: %s", error)
            await asyncio.sleep(_LOOK_S)

    async def run(self, _job: Job) -> None:
        swept = await asyncio.to_thread(sweeps.sweep, self._workplace, by="worker")
        if swept.blobs or swept.images:
            log.info("tidied up: %d blobs without a row, %d images past their time", len(swept.blobs), swept.images)
