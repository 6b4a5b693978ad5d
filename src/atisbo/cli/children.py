"""A process of the supervisor's, started again when it ends."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 10.0
"""Between starts of a process that does not get as far as being ready."""


@dataclass
class Child:
    """It says through a pipe when it is at work.

    One that was at work is started again at once, whatever ended it; one that never was, later each time.
    """

    name: str
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    pause: float = 0.0
    """Seconds before the next start."""
    _identity: UUID | None = None
    _before: UUID | None = None
    """The last one that was at work."""
    _pipe: int = -1
    _gate: int = -1
    """Through which it is told the database that was not there when it was started."""
    _started: float = 0.0
    _due: float = field(default=0.0)

    def start(self) -> None:
        """A worker is told who was there before it, to take over what that one had in hand."""
        words = []
        self._identity = uuid4()
        if self.name == "worker":
            words += ["--identity", str(self._identity)] + (["--after", str(self._before)] if self._before else [])
        self._run(words)

    def start_early(self) -> None:
        """It makes itself ready as far as it can without a database, and waits for :meth:`go_on`."""
        theirs, self._gate = os.pipe()
        try:
            self._run(["--gate", str(theirs)], theirs)
        finally:
            os.close(theirs)

    def go_on(self, database_url: str) -> None:
        """Tell it the database; those that are started from now on have it in their environment."""
        self.environment = {**self.environment, "ATISBO_DATABASE_URL": database_url}
        with contextlib.suppress(BrokenPipeError), os.fdopen(self._gate, "w") as gate:
            self._gate = -1
            gate.write(database_url)

    def _run(self, words: list[str], *descriptors: int) -> None:
        self._pipe, theirs = os.pipe()
        os.set_blocking(self._pipe, False)
        self._started = time.monotonic()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "atisbo", self.name, "--supervised", str(theirs), *words],
                env=self.environment,
                pass_fds=[theirs, *descriptors],
                start_new_session=True,
            )
        finally:
            os.close(theirs)

    def check(self) -> None:
        """Start it again if it has ended and its pause is over."""
        if self.process is not None and (code := self.process.poll()) is not None:
            self.process = None
            if self._was_ready():
                self.pause, self._before = 0.0, self._identity
            else:
                self.pause = min(max(self.pause * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S)
            self._due = time.monotonic() + self.pause
            lived = time.monotonic() - self._started
            log.warning("%s ended (%d) after %.0f s; starting it again in %.1f s", self.name, code, lived, self.pause)
        if self.process is None and time.monotonic() >= self._due:
            self.start()

    def _was_ready(self) -> bool:
        try:
            return os.read(self._pipe, 1) != b""
        except BlockingIOError:
            return False
        finally:
            os.close(self._pipe)

    def stop(self, deadline: float) -> None:
        """Wait for its end, and make it end at the deadline (``time.monotonic``)."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("%s did not stop in time", self.name)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._pipe)
