"""Making datasets, and removing what was taken out of them."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

from pgqueuer.models import Job

from atisbo.services import lineage, snapshots
from atisbo.services.work import Workplace


class Snapshotting:
    """May run twice for the same job: what is written down is not done again."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    async def run(self, job: Job) -> None:
        """Make one dataset, with a decoder of its own, so that no answer waits for it."""
        said: dict[str, Any] = json.loads(job.payload or b"{}")
        await asyncio.to_thread(self._build, UUID(said["dataset"]))

    def _build(self, dataset_id: UUID) -> None:
        with snapshots.opened(self._workplace.settings) as describe:
            snapshots.build(self._workplace, dataset_id=dataset_id, describe=describe)

    async def discard(self, job: Job) -> None:
        """Remove the blobs of an item that was taken out."""
        said: dict[str, Any] = json.loads(job.payload or b"{}")
        await asyncio.to_thread(
            self._workplace.within,
            lambda session: lineage.erase(
                session, blobs=self._workplace.blobs, picture=said["picture"], masks=said["masks"]
            ),
        )
