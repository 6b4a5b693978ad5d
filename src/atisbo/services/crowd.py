"""More questions than can be answered soon: new ones are refused at once, so that those taken in need not wait long."""

from __future__ import annotations

import logging
import time
from typing import Final

from sqlalchemy.orm import Session

from atisbo.errors import Crowded
from atisbo.store.queue import PREDICT, waiting

log = logging.getLogger(__name__)

_FRESH_S: Final = 1.0


class Crowd:
    """Each process looks once a second how many wait; until it looks again a few more may get in.

    Args:
        most: questions that may wait.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._full = False
        self._looked = -_FRESH_S

    def admit(self, session: Session) -> None:
        """Raises Crowded: as many wait as may."""
        if time.monotonic() - self._looked >= _FRESH_S:
            before, self._full = self._full, waiting(session, PREDICT, most=self._most) >= self._most
            if self._full != before:
                log.warning("new questions are %s: %d may wait", "refused" if self._full else "taken again", self._most)
            self._looked = time.monotonic()
        if self._full:
            raise Crowded(
                "queue_long",
                "Too many images are waiting for an answer at the moment. This one was not taken in: send it again in "
                "a few seconds.",
            )


def admit(session: Session) -> None:
    """See :meth:`Crowd.admit`; of this session's process."""
    crowd: Crowd = session.info["crowd"]
    crowd.admit(session)
