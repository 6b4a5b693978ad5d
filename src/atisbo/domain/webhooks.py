"""Where an answer may be sent to, and how its receiver knows that it is ours.

Headers and signature are those of the Standard Webhooks specification (standardwebhooks.com, version 1).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from hmac import digest
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from atisbo.errors import Invalid

LONGEST: Final = 2000
"""Characters of an address."""
PREFIX: Final = "whsec_"
PAUSES: Final = tuple(timedelta(seconds=s) for s in (10, 60, 300, 1800, 7200))
"""After each try that failed; then it is given up."""
_PORTS: Final = {"https": 443, "http": 80}
_TRANSLATED: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("2002::/16"))
"""IPv6 addresses behind which an IPv4 address is reached: a way round any look at the address."""


class State(StrEnum):
    """What has become of a request to be told."""

    ARMED = "armed"
    """The prediction is not finished."""
    SENDING = "sending"
    """It is; a job tries to deliver."""
    DELIVERED = "delivered"
    """The receiver said 2xx."""
    GIVEN_UP = "given_up"
    """Every try failed, or the receiver said that it is gone."""


@dataclass(frozen=True)
class Target:
    """An address that passed the operator's list; ``path`` has the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"


def target(url: str, hosts: Sequence[str], *, insecure: bool = False) -> Target:
    """Read an address and hold it against the operator's list.

    Args:
        hosts: names that are allowed, ``hooks.example.org``, ``hooks.example.org:8443`` or ``*.example.org``.
        insecure: http is allowed as well.

    Raises:
        Invalid: webhooks are off, the address cannot be read, or its host is not on the list.
    """
    if not hosts:
        raise Invalid("webhooks_off", "This installation sends no webhooks. Ask for the answer instead.")
    wrong = Invalid("webhook_wrong", "The webhook's address cannot be used. Send one like https://host/path.")
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise wrong
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise wrong from error
    if scheme not in _PORTS or not host or ":" in host or parts.fragment or "@" in parts.netloc or "\\" in url:
        raise wrong
    if scheme == "http" and not insecure:
        raise Invalid("webhook_insecure", "A webhook needs an https address.")
    found = Target(
        scheme, host, port or _PORTS[scheme], (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    )
    if not any(_matches(found, entry.lower()) for entry in hosts):
        raise Invalid("webhook_host", "{host} is not among the hosts that webhooks may go to.", host=found.authority)
    return found


def _matches(found: Target, entry: str) -> bool:
    if entry.startswith("*."):
        return found.authority.endswith(entry[1:])
    return found.authority == entry


def forbidden(address: str, *, private: bool = False) -> bool:
    """Whether nothing may be sent to this IP address: loopback, private, link-local and everything else that is not
    the public network, unless ``private``; multicast and unspecified ones always.
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return True
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif any(ip in network for network in _TRANSLATED):
            return True
    return ip.is_multicast or ip.is_unspecified or not (private or _public(ip))


def _public(ip: IPv4Address | IPv6Address) -> bool:
    return ip.is_global and not ip.is_reserved


def secret(key: bytes, user: str, rotation: int) -> str:
    """A user's signing secret, derived from the service's key: nothing of it has to be stored."""
    made = digest(key, f"{user} {rotation}".encode(), sha256)
    return PREFIX + base64.b64encode(made).decode()


def signature(secret: str, identity: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and base64 of HMAC-SHA256 over ``identity.timestamp.body``."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = digest(key, f"{identity}.{timestamp}.".encode() + body, sha256)
    return "v1," + base64.b64encode(signed).decode()


def pause(tries: int) -> timedelta | None:
    """How long to wait after so many tries that failed; None when it is time to give up."""
    return PAUSES[tries - 1] if tries <= len(PAUSES) else None
