"""Being told of an answer instead of asking for it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from atisbo.domain.webhooks import State
from atisbo.services import webhooks
from atisbo.services.answers import PredictionShape
from atisbo.web.deps import AppState, CurrentActor, Db

router = APIRouter(tags=["webhooks"])
VERIFYING = """\
Sent to the `webhook_url` of a prediction once it is finished, with the body that `GET /predictions/{id}` gives.

Headers and signature follow the [Standard Webhooks](https://www.standardwebhooks.com) specification, so that its
libraries verify them:

- `webhook-id`: the same in every try; one that was handled already can be passed over.
- `webhook-timestamp`: seconds since 1970. Refuse what is older than five minutes: somebody may be replaying it.
- `webhook-signature`: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed with the base64-decoded part
  of the signing secret behind `whsec_`. Compare in constant time, over the bytes of the body as they came.

Answer with any 2xx within ten seconds. Anything else, redirects included, is tried again after 10 seconds, 1, 5 and 30
minutes and 2 hours; 410 ends it at once. Deleting the image ends it as well.
"""


class TryShape(BaseModel):
    number: int
    at: datetime
    took_ms: int
    status: int | None
    """What the receiver answered."""
    problem: str | None
    """Why there was no answer: `unknown_host`, `forbidden_address`, `no_connection`, `not_trusted`, `too_slow`,
    `no_http` or `not_allowed`."""


class WebhookShape(BaseModel):
    id: UUID
    prediction_id: UUID
    url: str
    state: State
    created_at: datetime
    finished_at: datetime | None
    tries: list[TryShape]


class WebhooksShape(BaseModel):
    hosts: list[str]
    """Where webhooks may go to on this installation; empty: they are off."""
    secret_changed_at: datetime | None
    """When the signing secret was last made; null: there is none yet."""
    items: list[WebhookShape]
    """One's own, newest first."""


class SecretShape(BaseModel):
    secret: str
    """Shown once."""


@router.get("/me/webhooks")
def list_webhooks(state: AppState, db: Db, actor: CurrentActor) -> WebhooksShape:
    """What was delivered, and every try."""
    return WebhooksShape.model_validate(
        {
            "hosts": sorted(state.settings.webhook_hosts),
            "secret_changed_at": webhooks.secret_changed(db, actor),
            "items": webhooks.mine(db, actor),
        },
        from_attributes=True,
    )


@router.post("/me/webhooks/secret", status_code=201)
def make_secret(state: AppState, db: Db, actor: CurrentActor) -> SecretShape:
    """Make the secret that webhooks are signed with, or a new one in its place; shown once."""
    return SecretShape(secret=webhooks.make_secret(db, actor, state.secrets))


def document(app: FastAPI) -> None:
    """Describe in the API's document what a receiver gets."""

    @app.webhooks.post("prediction.finished", description=VERIFYING, tags=["webhooks"])
    def finished(body: PredictionShape) -> None: ...
