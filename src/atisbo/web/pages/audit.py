"""Who did what, for administrators."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from atisbo.services import audit
from atisbo.web import render
from atisbo.web.deps import CurrentActor, Db
from atisbo.web.pages import manage
from atisbo.web.render import Translate

router = APIRouter(prefix="/manage/audit", include_in_schema=False)
_PAGE: Final = 50


@router.get("")
def log(
    request: Request,
    db: Db,
    actor: CurrentActor,
    action: Annotated[str, Query(max_length=60)] = "",
    person: UUID | None = None,
    subject: Annotated[str, Query(max_length=120)] = "",
    before: Annotated[int | None, Query(ge=1, le=2**60)] = None,
) -> Response:
    page = audit.list_(
        db,
        actor,
        action=action or None,
        actor_id=person,
        subject=subject.replace("\x00", "") or None,
        limit=_PAGE,
        before=before,
    )
    wanted = {"action": action, "person": str(person or ""), "subject": subject}
    return manage.page(
        request,
        actor,
        "manage/audit.html",
        page=page,
        wanted=wanted,
        actions=words(render.translator(request)),
        next=_query(wanted, before=str(page.next)) if page.next else "",
        query=lambda **more: _query(wanted, **more),
    )


def _query(wanted: dict[str, str], **more: str) -> str:
    return urlencode({name: value for name, value in (wanted | more).items() if value})


def words(_: Translate) -> dict[str, str]:
    """What is written down, by name."""
    return {
        "user.signed_in": _("Signed in"),
        "user.sign_in_failed": _("Failed to sign in"),
        "user.registered": _("Opened an account"),
        "user.made": _("Account made by the operator"),
        "user.role_changed": _("Changed a role"),
        "user.room_changed": _("Changed somebody's room"),
        "user.disabled": _("Disabled an account"),
        "user.enabled": _("Enabled an account"),
        "user.reset_offered": _("Made a link for a new password"),
        "user.password_reset": _("Password set anew"),
        "user.password_changed": _("Changed the password"),
        "user.exported": _("Took everything of their own along"),
        "user.erased": _("Deleted their account"),
        "invitation.made": _("Made an invitation"),
        "token.made": _("Made a token"),
        "token.withdrawn": _("Withdrew a token"),
        "consent.given": _("Agreed"),
        "consent.withdrawn": _("Withdrew an agreement"),
        "storage.swept": _("Removed what belonged to nothing"),
        "image.deleted": _("Deleted an image"),
        "image.expired": _("An image whose time had passed was deleted"),
        "image.restored": _("Took a deletion back"),
        "images.exported": _("Took images along"),
        "job.retried": _("Had failed work done again"),
        "collection.added": _("Added to a collection"),
        "collection.imported": _("Took a table into a collection"),
        "collection.removed": _("Removed a collection"),
        "dataset.created": _("Made a dataset"),
        "dataset.exported": _("Took a dataset along"),
        "dataset.imported": _("Brought a dataset in"),
        "dataset.unsealed": _("Opened a sealed test side"),
        "panel.asked": _("Asked two readers"),
        "run.started": _("Started a training"),
        "run.cancelled": _("Cancelled a training"),
        "second_factor.turned_on": _("Turned the second factor on"),
        "second_factor.turned_off": _("Turned the second factor off"),
        "second_factor.removed": _("Second factor removed by the operator"),
        "version.submitted": _("Submitted a version"),
        "version.judged": _("Version judged"),
        "version.activated": _("Version answers from now on"),
        "version.retired": _("Retired a version"),
        "webhook_secret.made": _("Made a webhook secret"),
    }
