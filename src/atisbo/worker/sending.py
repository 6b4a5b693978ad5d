"""Posting to an address that a user gave, without being led anywhere else."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from functools import cache

import certifi
import httpcore

from atisbo.domain.webhooks import Target, forbidden

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""A host's IP addresses."""


class NotSent(Exception):
    """``problem`` says in a word why there was no answer."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


async def resolve(host: str, port: int) -> list[str]:
    """As the system resolves names."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


class _Pinned(httpcore.AsyncNetworkBackend):
    """Looks a host up once, judges every address it has, and connects to one that was judged: what the name says a
    moment later does not matter.
    """

    def __init__(self, resolve: Resolve, *, private: bool) -> None:
        self._resolve = resolve
        self._private = private
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            raise NotSent("unknown_host") from error
        if not addresses:
            raise NotSent("unknown_host")
        if any(forbidden(address, private=self._private) for address in addresses):
            raise NotSent("forbidden_address")
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)


async def post(
    target: Target,
    headers: dict[str, str],
    body: bytes,
    *,
    private: bool = False,
    patience_s: float = 10.0,
    resolve: Resolve = resolve,
) -> int:
    """Send ``body`` and return the status of the answer, of which nothing else is read; redirects are not followed.

    Args:
        private: addresses outside the public network are allowed.
        patience_s: for all of it, from the look-up to the status, in seconds.

    Raises:
        NotSent: no connection, no answer in time, or an address that nothing may be sent to.
    """
    said = [("Host", target.authority), *headers.items()]
    url = f"{target.scheme}://{target.authority}{target.path}"
    backend = _Pinned(resolve, private=private)
    try:
        async with (
            asyncio.timeout(patience_s),
            httpcore.AsyncConnectionPool(_certificates(), network_backend=backend, retries=0) as pool,
            pool.stream("POST", url, headers=said, content=body) as answer,
        ):
            return int(answer.status)
    except TimeoutError as error:
        raise NotSent("too_slow") from error
    except ssl.SSLError as error:
        raise NotSent("not_trusted") from error
    except (httpcore.NetworkError, httpcore.TimeoutException, OSError) as error:
        raise NotSent("not_trusted" if isinstance(error.__cause__, ssl.SSLError) else "no_connection") from error
    except httpcore.ProtocolError as error:
        raise NotSent("no_http") from error


@cache
def _certificates() -> ssl.SSLContext:
    """The authorities that the system trusts, and the public ones."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
