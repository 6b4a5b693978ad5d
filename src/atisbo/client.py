"""A client for Atisbo's API.

    with Client.sign_in("http://127.0.0.1:8080", "ana@example.org", password) as client:
        client.agree(client.terms()["version"])  # once for an account
        prediction = client.predict("polyp", Path("frame.jpg"))
        print(prediction["findings"]["area_percent"])
        Path("mask.png").write_bytes(client.mask(prediction["id"]))

A request that may have been lost on the way is sent again with the same ``Idempotency-Key``: it makes one prediction.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

Prediction = dict[str, Any]
"""As the API says it: ``id``, ``status``, ``findings``, ``failure``, ``links``, …

``status`` is ``done``, or ``unsure`` where the network says "have an expert look" (``findings`` has ``uncertainty`` and
``unsure``), or ``refused`` where the picture is of another kind, or ``failed``."""

_PATIENT = frozenset({429, 502, 503, 504})


class ApiError(Exception):
    """The service said no. ``problem`` is its RFC 9457 answer, with ``status``, ``code`` and ``detail``."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        self.status = int(problem.get("status", 0))
        self.code = str(problem.get("code", ""))
        super().__init__(str(problem.get("detail") or problem.get("title")))


class Refused(ApiError):
    """The picture is not of the kind that the application is for; the sentence says what it seems to be."""


class Client:
    """Talks to one service as one user; a context manager.

    Args:
        url: the service's address, for example ``http://127.0.0.1:8080``.
        token: a personal token (``atb_…``) or an access token.
        language: of error sentences, ``es`` or ``en``.
        tries: how often a request is sent when the service is away or busy.
    """

    def __init__(self, url: str, *, token: str, language: str = "en", timeout_s: float = 90.0, tries: int = 5) -> None:
        self._http = httpx.Client(
            base_url=url.rstrip("/") + "/api/v1",
            headers={"Authorization": f"Bearer {token}", "Accept-Language": language},
            timeout=timeout_s,
        )
        self._tries = tries
        self._refresh_token: str | None = None

    @classmethod
    def sign_in(cls, url: str, email: str, password: str, *, language: str = "en") -> Self:
        """Start with an e-mail address and a password; access tokens are renewed as needed."""
        answer = httpx.post(
            f"{url.rstrip('/')}/api/v1/auth/token",
            data={"username": email, "password": password},
            headers={"Accept-Language": language},
        )
        pair = _checked(answer).json()
        client = cls(url, token=pair["access_token"], language=language)
        client._refresh_token = pair["refresh_token"]
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def terms(self) -> dict[str, Any]:
        """What has to be agreed to before anything is sent: ``version`` and ``text``."""
        return self._json("GET", "/terms")

    def agree(self, version: int) -> None:
        """Agree to this version of the terms, once for an account."""
        self._send("PUT", "/me/consents/use", json={"version": version})

    def predict(
        self,
        application: str,
        image: Path | bytes,
        *,
        region: dict[str, int] | None = None,
        training_consent: bool = False,
        wait_s: int = 30,
    ) -> Prediction:
        """Send a picture and wait for the answer, at most ``wait_s`` seconds at a time, until it is finished.

        Args:
            region: ``{"x", "y", "width", "height"}`` in the original's pixels.

        Raises:
            Refused: the picture is of another kind.
            ApiError: the picture was not accepted or could not be analysed.
        """
        name, data = (image.name, image.read_bytes()) if isinstance(image, Path) else ("image", image)
        form = {"consent": "training"} if training_consent else {}
        if region is not None:
            form["region"] = json.dumps(region)
        answer = self._send(
            "POST",
            f"/applications/{application}/predictions",
            files={"file": (name, data)},
            data=form,
            headers={"Idempotency-Key": uuid4().hex, "Prefer": f"wait={wait_s}"},
        )
        prediction: Prediction = answer.json()
        while prediction["status"] in ("waiting", "running"):
            time.sleep(0.2)
            prediction = self.get(prediction["id"])
        if prediction["failure"] is not None:
            raise _error({"title": prediction["status"], **prediction["failure"], "prediction": prediction})
        return prediction

    def get(self, prediction_id: str) -> Prediction:
        return self._json("GET", f"/predictions/{prediction_id}")

    def mask(self, prediction_id: str) -> bytes:
        """A PNG of the original's size, single channel: 0 elsewhere; 255, or with several labels a grey for each."""
        return self._send("GET", f"/predictions/{prediction_id}/mask.png").content

    def overlay(self, prediction_id: str) -> bytes:
        """A PNG: the picture with what was found drawn over it."""
        return self._send("GET", f"/predictions/{prediction_id}/overlay.png").content

    def contours(self, prediction_id: str) -> dict[str, Any]:
        """A GeoJSON-like FeatureCollection in the original's pixels."""
        return self._json("GET", f"/predictions/{prediction_id}/contours")

    def heatmap(self, prediction_id: str) -> bytes:
        """A PNG with an alpha channel over the analysed part: where hiding the picture weakens the answer most.

        Raises:
            ApiError: the answer has none; ``code`` is heatmap_unknown, heatmap_flat or heatmap_outdated.
        """
        return self._send("GET", f"/predictions/{prediction_id}/heatmap.png").content

    def find_region(self, application: str, image: Path | bytes) -> dict[str, Any]:
        """Have the part that matters looked for; ``region`` is None where it was not found. Nothing is kept."""
        name, data = (image.name, image.read_bytes()) if isinstance(image, Path) else ("image", image)
        said: dict[str, Any] = self._send(
            "POST", f"/applications/{application}/regions", files={"file": (name, data)}
        ).json()
        return said

    def delete_image(self, image_id: str) -> str:
        """Remove an image with everything that came of it; returns what ``undo_deletion`` takes for a few minutes."""
        return self._send("DELETE", f"/images/{image_id}").headers["Location"].rsplit("/", 1)[-1]

    def undo_deletion(self, deletion_id: str) -> None:
        """Bring back what was deleted."""
        self._send("DELETE", f"/deletions/{deletion_id}")

    def _json(self, method: str, path: str) -> dict[str, Any]:
        said: dict[str, Any] = self._send(method, path).json()
        return said

    def _send(self, method: str, path: str, **how: Any) -> httpx.Response:
        for attempt in range(1, self._tries + 1):
            last = attempt == self._tries
            try:
                answer = self._http.request(method, path, **how)
            except httpx.TransportError:
                if last:
                    raise
                time.sleep(0.2 * attempt)
                continue
            if answer.status_code == 401 and self._renew():
                continue
            if answer.status_code not in _PATIENT or last:
                return _checked(answer)
            time.sleep(float(answer.headers.get("Retry-After", attempt)))
        raise AssertionError("unreachable")

    def _renew(self) -> bool:
        """Exchange the refresh token, once; False if there is none."""
        if self._refresh_token is None:
            return False
        token, self._refresh_token = self._refresh_token, None
        answer = self._http.post("/auth/refresh", json={"refresh_token": token})
        if answer.is_error:
            return False
        pair = answer.json()
        self._refresh_token = pair["refresh_token"]
        self._http.headers["Authorization"] = f"Bearer {pair['access_token']}"
        return True


def _checked(answer: httpx.Response) -> httpx.Response:
    if not answer.is_error:
        return answer
    try:
        problem = answer.json()
    except ValueError:
        problem = {"status": answer.status_code, "title": answer.reason_phrase}
    raise _error(problem)


def _error(problem: dict[str, Any]) -> ApiError:
    return Refused(problem) if problem.get("code") == "foreign" else ApiError(problem)
