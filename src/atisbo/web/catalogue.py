"""The installed applications with the cards of the versions that answer now."""

from __future__ import annotations

import logging
from pathlib import Path

from atisbo.domain.applications import Application, contradiction, installed
from atisbo.domain.cards import Card
from atisbo.errors import Unavailable
from atisbo.services import versions
from atisbo.services.work import Workplace

log = logging.getLogger(__name__)


class Catalogue:
    """Read from the folders once, and from the database at every activation; in between nobody waits for either.

    An application without a registered version has the card of its folder.
    """

    def __init__(self, workplace: Workplace, extra: Path | None) -> None:
        self._workplace = workplace
        self._installed = installed(extra)
        self.applications: dict[str, tuple[Application, Card]] = self._installed

    def refresh(self) -> None:
        """Take the cards of the active versions; if the database is away, those known so far stay."""
        try:
            active = self._workplace.within(versions.answering)
        except Unavailable as error:
            log.warning("the active versions could not be read: %s", error)
            return
        self.applications = {
            name: (application, active[name].card if name in active and _fits(application, active[name].card) else card)
            for name, (application, card) in self._installed.items()
        }


def _fits(application: Application, card: Card) -> bool:
    """A folder that was changed may not go with what is active any more."""
    if fault := contradiction(application, card):
        log.error("%s: %s", card.version, fault)
    return fault is None
