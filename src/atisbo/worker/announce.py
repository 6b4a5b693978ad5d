"""Telling somebody that a batch is answered."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from uuid import UUID

from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job

from atisbo.domain.notices import QUIET_S
from atisbo.services import notices
from atisbo.services.work import Workplace


class Announcing:
    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    async def run(self, job: Job) -> None:
        """Look whether all is answered.

        Raises:
            RetryRequested: not yet; the same job looks again.
        """
        said = json.loads(job.payload or b"{}")
        over = await asyncio.to_thread(
            self._workplace.within,
            lambda session: notices.announce(
                session,
                owner_id=UUID(said["owner"]),
                application=said["application"],
                since=datetime.fromisoformat(said["since"]),
            ),
        )
        if not over:
            raise RetryRequested(timedelta(seconds=QUIET_S), "not all is answered yet")
