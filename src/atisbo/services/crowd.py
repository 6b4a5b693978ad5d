"""More questions than can be answered soon: new ones are refused at once, so that those taken in need not wait long."""

from __future__ import annotations

import time
from typing import Final

from sqlalchemy.orm import Session

from atisbo.errors import Unavailable
from atisbo.store.queue import PREDICT, waiting

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
        """Raises Unavailable: as many wait as may."""
        if time.monotonic() - self._looked >= _FRESH_S:
            self._full = waiting(session, PREDICT, most=self._most) >= self._most
            self._looked = time.monotonic()
        if self._full:
            raise Unavailable(
                "queue_long",
                "Too many images are waiting for an answer at the moment. This one was not taken in: send it again in "
                "a few seconds.",
            )


def admit(session: Session) -> None:
    """See :meth:`Crowd.admit`; of this session's process."""
    crowd: Crowd = session.info["crowd"]
    crowd.admit(session)
