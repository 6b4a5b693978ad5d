"""Who may do what: roles, scopes, the actor behind a request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from atisbo.errors import NotAllowed


class Role(StrEnum):
    USER = "user"
    CURATOR = "curator"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """A verb that an actor may be allowed."""

    PREDICT = "predict"
    """Upload images and read one's own answers."""
    REVIEW = "review"
    """Say whether answers to one's own images were right."""
    REVIEW_ALL = "review_all"
    """Say it of everybody's."""
    DELETE = "delete"
    """Delete one's own images."""
    SEE_ALL = "see_all"
    """Read everybody's images and answers."""
    MANAGE_ACCOUNT = "manage_account"
    """Change one's own password, language and tokens."""
    CURATE = "curate"
    """Make datasets of reviewed images, take them along, put labelled images in."""
    OPEN_SEALED = "open_sealed"
    """Look into the sealed part of a dataset, on which versions are judged."""
    MANAGE_VERSIONS = "manage_versions"
    """Submit, judge, activate and retire versions of the networks; start runs."""
    MANAGE_USERS = "manage_users"
    """Invite people, change their roles and quotas, disable them."""
    DELETE_ALL = "delete_all"
    """Delete anybody's images."""
    OPERATE = "operate"
    """See how the service is doing, and have failed work done again."""
    AUDIT = "audit"
    """Read who did what."""


_USER = frozenset({Right.PREDICT, Right.REVIEW, Right.DELETE, Right.MANAGE_ACCOUNT})
_CURATOR = frozenset({Right.SEE_ALL, Right.REVIEW_ALL, Right.DELETE_ALL, Right.CURATE, Right.MANAGE_VERSIONS})
RIGHTS: Final[dict[Role, frozenset[Right]]] = {
    Role.USER: _USER,
    Role.CURATOR: _USER | _CURATOR,
    Role.ADMINISTRATOR: _USER | _CURATOR | {Right.OPEN_SEALED, Right.MANAGE_USERS, Right.OPERATE, Right.AUDIT},
}

SCOPES: Final[dict[str, frozenset[Right]]] = {
    "predict": frozenset({Right.PREDICT}),
    "review": frozenset({Right.REVIEW, Right.REVIEW_ALL}),
    "delete": frozenset({Right.DELETE}),
    "read_all": frozenset({Right.SEE_ALL}),
    "delete_all": frozenset({Right.DELETE_ALL}),
    "curate": frozenset({Right.CURATE}),
    "operate": frozenset({Right.OPERATE}),
    "versions": frozenset({Right.MANAGE_VERSIONS}),
}
"""What a personal token may be given; never the account itself or other users."""


@dataclass(frozen=True)
class Actor:
    """Whoever makes the request, as far as permissions are concerned."""

    user_id: UUID
    email: str
    role: Role
    language: str = "en"
    session_id: bytes | None = None
    """Hash of the browser session's token; None for the API."""
    scopes: frozenset[str] | None = None
    """None means everything the role allows."""
    address: str = ""
    """Where the request came from."""

    @property
    def manages(self) -> bool:
        """Whether any page of those who look after the service is for this actor."""
        return self.role is not Role.USER

    def may(self, right: Right) -> bool:
        if right not in RIGHTS[self.role]:
            return False
        return self.scopes is None or any(right in SCOPES[scope] for scope in self.scopes)

    def require(self, right: Right) -> None:
        """Raises NotAllowed unless the actor has the right."""
        if not self.may(right):
            raise NotAllowed("not_allowed", "You are not allowed to do this. Ask an administrator.")
