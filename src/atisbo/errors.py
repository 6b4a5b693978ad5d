"""Every failure a person, a retry loop or an operator can hear of, as one family.

    AtisboError
    ├── UserError          the caller can mend it; becomes a 4xx and is shown in their language
    │   ├── Invalid        the request is understood and wrong (422)
    │   ├── NotSignedIn    no valid credentials (401)
    │   ├── SecondFactorNeeded   the password was right, and a code is asked for as well (401)
    │   ├── NotAllowed     signed in, and not permitted (403)
    │   │   └── ConsentNeeded   not before agreeing to the terms (403)
    │   ├── NotFound       not there, or not visible to this actor (404)
    │   ├── Conflict       contradicts what is stored (409)
    │   ├── Outdated       meant for an earlier version of what is stored (412)
    │   ├── TooSlow        the body did not come (408)
    │   ├── TooLarge       over a limit of bytes or pixels (413)
    │   └── TooMany        rate limit or quota (429)
    ├── BadImage           the uploaded bytes are no picture we accept; ends the prediction as failed
    │   ├── BrokeDown      the process that had the picture in hand died or was too slow; tried again, a few times
    │   └── Foreign        a picture of another kind than the application is for; ends it as refused
    ├── Unavailable        a part is away for the moment; retry (503)
    │   └── StorageFull    there is no room for more (507)
    └── Misconfigured      the operator has to act; refuses to start

A message is an English sentence with ``{named}`` gaps; it is also the key of its translation.
"""

from __future__ import annotations

from typing import ClassVar


class AtisboError(Exception):
    """Base of all our errors: a stable ``code``, a translatable ``message`` and the values for its gaps."""

    status: ClassVar[int] = 500

    def __init__(self, code: str, message: str, **values: object) -> None:
        self.code = code
        self.message = message
        self.values = values
        super().__init__(message.format(**values))


class UserError(AtisboError):
    status = 400


class Invalid(UserError):
    status = 422


class NotSignedIn(UserError):
    status = 401


class SecondFactorNeeded(UserError):
    """``ticket`` stands for the password that was right, for a few minutes."""

    status = 401

    def __init__(self, code: str, message: str, *, ticket: str, **values: object) -> None:
        self.ticket = ticket
        super().__init__(code, message, **values)


class NotAllowed(UserError):
    status = 403


class ConsentNeeded(NotAllowed):
    """``version`` is that of the terms to agree to."""

    def __init__(self, code: str, message: str, *, version: int, **values: object) -> None:
        self.version = version
        super().__init__(code, message, **values)


class NotFound(UserError):
    status = 404


class Conflict(UserError):
    status = 409


class Outdated(UserError):
    status = 412


class TooSlow(UserError):
    status = 408


class TooLarge(UserError):
    status = 413


class TooMany(UserError):
    """``retry_after_s`` says when the caller may try again, in seconds."""

    status = 429

    def __init__(self, code: str, message: str, *, retry_after_s: int, **values: object) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(code, message, **values)


class BadImage(AtisboError):
    status = 422


class BrokeDown(BadImage):
    """Perhaps the picture's fault, perhaps not: a process can be ended by something else, too."""


class Foreign(BadImage):
    size: tuple[int, int] | None = None
    """Height and width of the upright original in pixels, once it has been opened: another part can be asked about."""


class Unavailable(AtisboError):
    """``retry_after_s`` says when the caller may try again, in seconds."""

    status = 503
    retry_after_s = 5


class Crowded(Unavailable):
    """As meant: more is asked than can be answered soon. Whoever refuses says so in the log, once for many."""


class StorageFull(Unavailable):
    status = 507
    retry_after_s = 60


class Misconfigured(AtisboError):
    pass
