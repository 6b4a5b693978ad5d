"""The worker's side of versions: it answers with those that are active, and tries those that were brought."""

from __future__ import annotations

import asyncio
import json
import logging
from uuid import UUID

from pgqueuer.models import Job

from atisbo.adopt.adoption import prove
from atisbo.domain.cards import Card
from atisbo.domain.versions import meaning
from atisbo.errors import AtisboError, Invalid, Misconfigured, NotFound, Unavailable
from atisbo.inference.registry import Registry
from atisbo.services import embeddings, shadows, versions
from atisbo.services.versions import Answering
from atisbo.services.work import Blobs, Workplace
from atisbo.store.blobs import network

log = logging.getLogger(__name__)


class Versions:
    """Keeps a registry at what the database says is active: a version is loaded first, and answers then."""

    def __init__(self, workplace: Workplace, registry: Registry) -> None:
        self._workplace = workplace
        self._registry = registry
        self._installed = registry.installed
        self._turn = asyncio.Lock()
        self._hurried: set[asyncio.Task[None]] = set()
        self.shadowed = False
        """Whether a candidate answers in silence."""

    def install(self) -> None:
        """Register what lies in the applications' folders; a database that is away waits."""
        try:
            self._workplace.within(lambda session: versions.install(session, self._installed))
        except Unavailable as error:
            log.warning("the versions are not known yet: %s", error)

    def follow_now(self) -> None:
        """Before the first answer: load what is active; a database that is away waits."""
        try:
            self._follow()
        except Unavailable as error:
            log.warning("the versions are not known yet: %s", error)

    def hear(self, _application: str) -> None:
        """Something changed: follow it soon."""
        task = asyncio.create_task(self.follow())
        self._hurried.add(task)
        task.add_done_callback(self._hurried.discard)

    async def follow(self) -> None:
        """Load what is active and not loaded; one at a time, in the order in which it was heard."""
        async with self._turn:
            await asyncio.to_thread(self.follow_now)

    async def keep(self) -> None:
        """Store the networks of the folders, without which nothing can be rolled back to them later."""
        await asyncio.to_thread(
            self._workplace.within, lambda session: versions.keep(session, self._workplace.blobs, self._installed)
        )

    def _follow(self) -> None:
        self.shadowed = self._workplace.within(shadows.wanted)
        for name, wanted in self._workplace.within(versions.answering).items():
            present = self._registry.installed.get(name)
            if present is None or present[1] == wanted.card:
                continue
            try:
                self._registry.use(name, wanted.card, self._file(name, wanted))
            except (Misconfigured, NotFound) as fault:
                log.error("%s stays with %s: %s", name, present[1].version, fault)
                continue
            if wanted.card.output.embedding is not None:
                self._workplace.within(lambda session, name=name: embeddings.ask(session, name))  # type: ignore[misc]

    def _file(self, name: str, wanted: Answering) -> bytes:
        """Raises NotFound: the network is nowhere."""
        application, card = self._installed[name]
        if meaning(card) == meaning(wanted.card):
            return application.model.read_bytes()
        return stored(self._workplace.blobs, wanted.card)


def stored(blobs: Blobs, card: Card) -> bytes:
    """A version's network.

    Raises:
        NotFound: it is not among the blobs.
    """
    data = blobs.get(network(card.sha256))
    if data is None:
        raise NotFound("network_gone", "The network of {version} is missing.", version=card.version)
    return data


def answered_with(workplace: Workplace, registry: Registry, application: str, version: str | None) -> Card | None:
    """The card of the version that gave an answer, which may not be the one that answers now; None if it is gone."""
    present = registry.card(application)
    if version in (None, present.version):
        return present
    return workplace.within(lambda session: versions.card_named(session, application=application, name=str(version)))


class Proving:
    """Tries a network that somebody brought against its card, in a closed room."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    async def run(self, job: Job) -> None:
        version_id = UUID(json.loads(job.payload or b"{}")["version"])
        await asyncio.to_thread(self._prove, version_id)

    def _prove(self, version_id: UUID) -> None:
        card = self._workplace.within(lambda session: versions.card_of(session, version_id=version_id))
        if card is None:
            return
        fault: AtisboError | None = None
        try:
            prove(stored(self._workplace.blobs, card), card)
        except (Invalid, Misconfigured, NotFound) as error:
            log.info("%s refused: %s", card.version, error)
            fault = error
        self._workplace.within(lambda session: versions.proven(session, version_id=version_id, error=fault))
