"""How much and how often: the size of a body, the pace of failed sign-ins."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atisbo.errors import NotSignedIn, TooLarge, TooMany

_FORM_OVERHEAD = 64 * 1024
_PATIENCE = 8
"""How many times the limit of one picture is read and thrown away before the connection is given up."""


class BodyLimit:
    """Refuses a body above the limit without storing it; it is read to its end, so that the sender hears the answer.

    Args:
        max_bytes: of a body.
        of_paths: end of an address → what a body may have there instead.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, of_paths: Mapping[str, int]) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._of_paths = of_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limits = (limit for end, limit in self._of_paths.items() if scope["path"].endswith(end))
        most = next(limits, self._max_bytes)
        limit = most + _FORM_OVERHEAD
        declared = dict(scope["headers"]).get(b"content-length", b"")
        too_large = declared.isdigit() and int(declared) > limit
        received = 0

        async def counted() -> Message:
            nonlocal received, too_large
            message = await receive()
            received += len(message.get("body", b""))
            too_large = too_large or received > limit
            if not too_large:
                return message
            while message.get("more_body") and received < limit + _PATIENCE * self._max_bytes:
                message = await receive()
                received += len(message.get("body", b""))
            raise TooLarge(
                "body_too_large", "The file is too large. At most {limit} MB are accepted.", limit=most // 1024**2
            )

        await self._app(scope, counted, send)


class FailurePace:
    """Counts failures per account and address over a minute, so that nobody is locked out by somebody else's."""

    def __init__(self, per_minute: int) -> None:
        self._limit = per_minute
        self._failures: dict[str, deque[float]] = defaultdict(deque)
        self._lock = Lock()

    @contextmanager
    def attempt(self, account: str, request: Request) -> Iterator[None]:
        """Around one try to sign in to ``account``.

        Raises:
            TooMany: the last minute holds as many failures, from this address, as are allowed.
        """
        key = f"{account.strip().lower()[:300]} {request.client.host if request.client else ''}"
        self._check(key)
        try:
            yield
        except NotSignedIn:
            self._failed(key)
            raise

    def _check(self, key: str) -> None:
        with self._lock:
            times = self._recent(key)
            if len(times) >= self._limit:
                wait = int(60 - (time.monotonic() - times[0])) + 1
                raise TooMany(
                    "too_many_attempts",
                    "Too many failed attempts. Wait {seconds} seconds and try again.",
                    retry_after_s=wait,
                    seconds=wait,
                )

    def _failed(self, key: str) -> None:
        with self._lock:
            self._recent(key).append(time.monotonic())
            if len(self._failures) > 10_000:
                self._forget_old()

    def _forget_old(self) -> None:
        horizon = time.monotonic() - 60
        kept = {key: times for key, times in self._failures.items() if times and times[-1] > horizon}
        self._failures = defaultdict(deque, kept)

    def _recent(self, key: str) -> deque[float]:
        times = self._failures[key]
        while times and times[0] < time.monotonic() - 60:
            times.popleft()
        return times
