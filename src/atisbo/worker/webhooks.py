"""Telling whoever asked for it that a prediction is finished."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job

from atisbo import __version__
from atisbo.domain import webhooks as rules
from atisbo.errors import Invalid
from atisbo.services import webhooks
from atisbo.services.webhooks import Message
from atisbo.services.work import Workplace
from atisbo.worker.sending import NotSent, Resolve, post, resolve

log = logging.getLogger(__name__)
PATIENCE_S: Final = 10.0


class Delivering:
    """May run twice for the same job; the receiver tells by ``webhook-id``."""

    def __init__(self, workplace: Workplace, *, resolve: Resolve = resolve, patience_s: float = PATIENCE_S) -> None:
        self._workplace = workplace
        self._resolve = resolve
        self._patience_s = patience_s

    async def run(self, job: Job) -> None:
        """One try. Raises RetryRequested while another one follows."""
        webhook_id = UUID(json.loads(job.payload or b"{}")["webhook"])
        secrets = self._workplace.secrets
        message = await asyncio.to_thread(
            self._workplace.within, lambda session: webhooks.message(session, secrets, webhook_id=webhook_id)
        )
        if message is None:
            return
        began = time.monotonic()
        status, problem = await self._send(message)
        took_ms = round(1000 * (time.monotonic() - began))
        failed = await asyncio.to_thread(
            self._workplace.within,
            lambda session: webhooks.tried(
                session, webhook_id=webhook_id, took_ms=took_ms, status=status, problem=problem
            ),
        )
        log.info("webhook %s: %s", webhook_id, status or problem)
        if failed is not None and (pause := rules.pause(failed)) is not None:
            raise RetryRequested(pause, f"try {failed}: {status or problem}")

    async def _send(self, message: Message) -> tuple[int | None, str | None]:
        """The receiver's status, or why there is none."""
        settings = self._workplace.settings
        try:
            target = rules.target(message.url, settings.webhook_hosts, insecure=settings.webhook_http)
            return await self._post(target, message), None
        except Invalid:
            return None, "not_allowed"
        except NotSent as refusal:
            return None, refusal.problem

    async def _post(self, target: rules.Target, message: Message) -> int:
        identity, timestamp = str(message.webhook_id), int(datetime.now(UTC).timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"Atisbo/{__version__}",
            "webhook-id": identity,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": rules.signature(message.secret, identity, timestamp, message.body),
        }
        return await post(
            target,
            headers,
            message.body,
            private=self._workplace.settings.webhook_private,
            patience_s=self._patience_s,
            resolve=self._resolve,
        )
