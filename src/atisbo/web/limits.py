"""How much and how often: the size of a body, the pace of failed sign-ins."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from threading import Lock
from uuid import UUID

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


class _Window:
    """When something happened within the last minute, by key."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = defaultdict(deque)

    def wait_s(self, key: str, limit: int) -> int:
        """Seconds until fewer than ``limit`` lie in the window; 0 if that is so."""
        times = self._recent(key)
        return 0 if len(times) < limit else int(60 - (time.monotonic() - times[0])) + 1

    def add(self, key: str) -> None:
        self._recent(key).append(time.monotonic())
        if len(self._times) > 10_000:
            horizon = time.monotonic() - 60
            kept = {key: times for key, times in self._times.items() if times and times[-1] > horizon}
            self._times = defaultdict(deque, kept)

    def _recent(self, key: str) -> deque[float]:
        times = self._times[key]
        while times and times[0] < time.monotonic() - 60:
            times.popleft()
        return times


class Pace:
    """How often an address may do something in a minute; and everybody together, thirty times as often."""

    _EVERYBODY = 30

    def __init__(self, per_minute: int) -> None:
        self._limit = per_minute
        self._window = _Window()
        self._lock = Lock()

    def step(self, request: Request) -> None:
        """Raises TooMany: it was done as often as is allowed."""
        key = address_of(request)
        with self._lock:
            wait = max(self._window.wait_s(key, self._limit), self._window.wait_s("", self._limit * self._EVERYBODY))
            if wait:
                raise TooMany(
                    "too_often",
                    "That was often. Wait {seconds} seconds and try again.",
                    retry_after_s=wait,
                    seconds=wait,
                )
            self._window.add(key)
            self._window.add("")


class AtOnce:
    """How many requests of one user are answered side by side; of one event loop, so that nothing is locked."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running: Counter[UUID] = Counter()

    @contextmanager
    def turn(self, user_id: UUID) -> Iterator[None]:
        """Raises TooMany: so many of this user's are being answered."""
        if self._running[user_id] >= self._limit:
            raise TooMany("too_many_at_once", "Too many requests at once. Wait for an answer first.", retry_after_s=1)
        self._running[user_id] += 1
        try:
            yield
        finally:
            self._running[user_id] -= 1
            if not self._running[user_id]:
                del self._running[user_id]


def address_of(request: Request) -> str:
    """Whom to count as one: an IPv4 address, or the network of an IPv6 address, of which everybody has many."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host or "unknown"
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else host


class FailurePace:
    """Counts failures per account and address over a minute, so that nobody is locked out by somebody else's."""

    def __init__(self, per_minute: int) -> None:
        self._limit = per_minute
        self._failures = _Window()
        self._lock = Lock()

    @contextmanager
    def attempt(self, account: str, request: Request) -> Iterator[None]:
        """Around one try to sign in to ``account``.

        Raises:
            TooMany: the last minute holds as many failures, from this address, as are allowed.
        """
        key = f"{account.strip().lower()[:300]} {request.client.host if request.client else ''}"
        with self._lock:
            wait = self._failures.wait_s(key, self._limit)
        if wait:
            raise TooMany(
                "too_many_attempts",
                "Too many failed attempts. Wait {seconds} seconds and try again.",
                retry_after_s=wait,
                seconds=wait,
            )
        try:
            yield
        except NotSignedIn:
            with self._lock:
                self._failures.add(key)
            raise
