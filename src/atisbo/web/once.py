"""A secret on its way to the page that shows it once. No address, log or table holds it; reloading makes no other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import jwt
from fastapi import Request
from fastapi.responses import Response

from atisbo.web.deps import State
from atisbo.web.pages.forms import see
from atisbo.web.security import session_cookie

_SECONDS: Final = 60
_ALGORITHM: Final = "HS256"


@dataclass(frozen=True)
class Once:
    """A signed cookie for one page, good for a minute in the browser session that asked.

    Args:
        kind: what the secret is; secrets of one kind are not taken for another.
    """

    kind: str

    @property
    def _cookie(self) -> str:
        return f"atisbo_once_{self.kind}"

    def carry(self, request: Request, state: State, page: str, secret: str) -> Response:
        """On to ``page``, which shows the secret."""
        said = {"secret": secret, "for": self._holder(request, state), "exp": int(time.time()) + _SECONDS}
        answer = see(page)
        answer.set_cookie(
            self._cookie,
            jwt.encode(said, self._key(state), algorithm=_ALGORITHM),
            path=page,
            secure=state.settings.secure_cookies,
            httponly=True,
            samesite="strict",
        )
        return answer

    def carried(self, request: Request, state: State) -> str:
        """The secret to be shown now; empty where there is none."""
        try:
            said = jwt.decode(
                request.cookies.get(self._cookie, ""),
                self._key(state),
                algorithms=[_ALGORITHM],
                options={"require": ["exp", "secret", "for"]},
            )
        except jwt.InvalidTokenError:
            return ""
        return str(said["secret"]) if said["for"] == self._holder(request, state) else ""

    def shown(self, request: Request, state: State, answer: Response) -> Response:
        """The answer, which takes the cookie away."""
        if self._cookie in request.cookies:
            secure = state.settings.secure_cookies
            answer.delete_cookie(self._cookie, path=request.url.path, secure=secure, httponly=True, samesite="strict")
        return answer

    def _key(self, state: State) -> bytes:
        return state.secrets.key(f"once-{self.kind}")

    @staticmethod
    def _holder(request: Request, state: State) -> str:
        return sha256((session_cookie(request, state.settings) or "").encode()).hexdigest()
