"""How much and how often: the size of a body, the pace of failed sign-ins."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from threading import Lock
from uuid import UUID

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atisbo.errors import Conflict, Invalid, NotSignedIn, TooLarge, TooMany, TooSlow

_FORM_OVERHEAD = 64 * 1024
REGISTERING = "(registering)"
"""Stands for an account where somebody tries whether an address has one by registering it."""
_GUESSED = (NotSignedIn, Invalid, Conflict)
STRANGERS_BYTES = 1024**2
"""Of a body whose sender is not signed in: it stays in memory and never reaches the disk."""
_SLOWEST = 4096
"""Bytes a second, on average, below which a body is given up."""
_PATIENCE = 8
"""How many times the limit of one picture is read and thrown away before the connection is given up."""


class BodyLimit:
    """Refuses a body above the limit without storing it; it is read to its end, so that the sender hears the answer.

    Whoever is not signed in may send little, and a body that does not come is not waited for.

    Args:
        max_bytes: of a body.
        of_paths: end of an address → what a body may have there instead.
        known: whether the request's credentials are good.
        patience_s: how long nothing may come, in seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int,
        of_paths: Mapping[str, int],
        known: Callable[[Request], Awaitable[bool]],
        patience_s: float = 30.0,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._of_paths = of_paths
        self._known = known
        self._patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limits = (limit for end, limit in self._of_paths.items() if scope["path"].endswith(end))
        most = next(limits, self._max_bytes)
        body = _Body(receive, self._patience_s)
        declared = dict(scope["headers"]).get(b"content-length", b"")
        expected = int(declared) if declared.isdigit() else 0
        recognised = False

        async def counted() -> Message:
            nonlocal recognised
            message = await body.receive()
            if max(body.received, expected) > most + _FORM_OVERHEAD:
                await body.discard(most + _FORM_OVERHEAD + _PATIENCE * self._max_bytes)
                raise TooLarge(
                    "body_too_large", "The file is too large. At most {limit} MB are accepted.", limit=most // 1024**2
                )
            if max(body.received, expected) > STRANGERS_BYTES and not recognised:
                recognised = await self._known(Request(scope))
                if not recognised:
                    await body.discard(_PATIENCE * self._max_bytes)
                    raise NotSignedIn("not_signed_in", "Sign in first.")
            return message

        await self._app(scope, counted, send)


class _Body:
    """A request's body as it comes; ``received`` is how much of it has come, in bytes."""

    def __init__(self, receive: Receive, patience_s: float) -> None:
        self._receive = receive
        self._patience_s = patience_s
        self._waited_s = 0.0
        self._more = True
        self.received = 0

    async def receive(self) -> Message:
        """The next message. Raises TooSlow: nothing came for too long, or all of it comes too slowly."""
        if not self._more:
            return await self._receive()
        began, left_s = time.monotonic(), 2 * self._patience_s + self.received / _SLOWEST - self._waited_s
        try:
            async with asyncio.timeout(min(self._patience_s, left_s)):
                message = await self._receive()
        except TimeoutError as error:
            raise TooSlow("body_late", "The file did not arrive in time. Send it again.") from error
        self._waited_s += time.monotonic() - began
        self.received += len(message.get("body", b""))
        self._more = bool(message.get("more_body"))
        return message

    async def discard(self, most: int) -> None:
        """Read on and keep nothing, up to ``most`` bytes in all."""
        while self._more and self.received < most:
            await self.receive()


class _Window:
    """When something happened within the last minute, by key."""

    def __init__(self) -> None:
        self._times: dict[Hashable, deque[float]] = defaultdict(deque)

    def wait_s(self, key: Hashable, limit: int) -> int:
        """Seconds until fewer than ``limit`` lie in the window; 0 if that is so."""
        times = self._recent(key)
        return 0 if len(times) < limit else int(60 - (time.monotonic() - times[0])) + 1

    def add(self, key: Hashable) -> None:
        self._recent(key).append(time.monotonic())
        if len(self._times) > 10_000:
            horizon = time.monotonic() - 60
            kept = {key: times for key, times in self._times.items() if times and times[-1] > horizon}
            self._times = defaultdict(deque, kept)

    def _recent(self, key: Hashable) -> deque[float]:
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
    """Counts failures over a minute, so that nobody is locked out by somebody else's: for each account and address,
    for each address over all accounts, and apart from both for each browser that has signed in to the account before.

    Args:
        recognised: the name of the request's browser, if it has signed in to the account before, else nothing.
    """

    _ACCOUNTS = 10
    """As many times what one account is allowed may fail from one address, over all accounts."""

    def __init__(
        self, per_minute: int, recognised: Callable[[Request, str], str] = lambda _request, _account: ""
    ) -> None:
        self._limit = per_minute
        self._recognised = recognised
        self._failures = _Window()
        self._lock = Lock()

    @contextmanager
    def attempt(self, account: str, request: Request) -> Iterator[None]:
        """Around one try at ``account`` with a password or a code; what is wrong or taken is a failure.

        Raises:
            TooMany: the last minute holds as many failures as are allowed.
        """
        limits = self._limits(account.strip().lower()[:300], request)
        with self._lock:
            wait = max(self._failures.wait_s(key, limit) for key, limit in limits.items())
        if wait:
            raise TooMany(
                "too_many_attempts",
                "Too many failed attempts. Wait {seconds} seconds and try again.",
                retry_after_s=wait,
                seconds=wait,
            )
        try:
            yield
        except _GUESSED:
            with self._lock:
                for key in limits:
                    self._failures.add(key)
            raise

    def _limits(self, account: str, request: Request) -> dict[Hashable, int]:
        """What this try counts for: how many failures each may have."""
        device = self._recognised(request, account)
        if device:
            return {(account, "device", device): self._limit}
        address = address_of(request)
        return {(account, "address", address): self._limit, address: self._limit * self._ACCOUNTS}
