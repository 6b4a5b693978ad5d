"""Pages out of templates, in the reader's language."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from atisbo import i18n
from atisbo.domain.access import Actor, Role
from atisbo.domain.predictions import Status
from atisbo.web import assets, security

LANGUAGE_COOKIE: Final = "atisbo_language"
THEME_COOKIE: Final = "atisbo_theme"
THEMES: Final = ("light", "dark")
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Translate(Protocol):
    def __call__(self, message: str, **values: object) -> str: ...


def language_of(request: Request) -> str:
    """``es`` or ``en``: what the account says, else the cookie, else what the browser prefers.

    A program, which comes with a token, is answered in the language that it asks for, if it asks for one.
    """
    actor: Actor | None = getattr(request.state, "actor", None)
    asked, account = request.headers.get("accept-language"), actor.language if actor else None
    if asked and "authorization" in request.headers:
        return i18n.negotiate(asked, None, None)
    return i18n.negotiate(asked, request.cookies.get(LANGUAGE_COOKIE), account)


def translator(request: Request) -> Translate:
    return partial(i18n.translate, language_of(request))


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Fill a template; what every page needs is added here."""
    language = language_of(request)
    everywhere = _everywhere(request, language)
    html = _TEMPLATES.get_template(template).render(everywhere | context)
    headers = {"Content-Language": language, "Vary": "Accept-Language, Cookie"}
    return HTMLResponse(html, status, headers)


def error_page(request: Request, status: int, detail: str, headers: dict[str, str] | None = None) -> HTMLResponse:
    """What went wrong and where to go from here."""
    title = _titles(translator(request)).get(status) or _titles(translator(request))[500 if status >= 500 else 400]
    response = page(request, "error.html", status=status, number=status, title=title, detail=detail)
    response.headers.update(headers or {})
    return response


def status_words(_: Translate) -> dict[str, str]:
    return {
        Status.WAITING: _("Waiting"),
        Status.RUNNING: _("Running"),
        Status.DONE: _("Done"),
        Status.UNSURE: _("Not sure"),
        Status.REFUSED: _("Refused"),
        Status.FAILED: _("Failed"),
    }


def role_words(_: Translate) -> dict[str, str]:
    return {Role.USER: _("User"), Role.CURATOR: _("Curator"), Role.ADMINISTRATOR: _("Administrator")}


def _everywhere(request: Request, language: str) -> dict[str, Any]:
    state = request.app.state.atisbo
    theme = request.cookies.get(THEME_COOKIE)
    return {
        "_": partial(i18n.translate, language),
        "language": language,
        "theme": theme if theme in THEMES else None,
        "actor": getattr(request.state, "actor", None),
        "recognised": hasattr(request.state, "actor"),
        "applications": [
            {"name": application.name, "title": application.title.in_(language)}
            for application, _ in state.applications.values()
        ],
        "csrf_token": security.csrf_token(request, state.settings, state.secrets),
        "registration": state.settings.registration,
        "here": request.url.path,
        "back": _back(request),
        "static": assets.url,
        "day": partial(i18n.day, language),
        "figure": partial(i18n.number, language),
        "moment": partial(_moment, language),
        "errors": Errors(),
        "said": "",
    }


def _moment(language: str, when: datetime) -> Markup:
    """In UTC, until a script says it in the reader's own clock."""
    return Markup('<time datetime="{}">{}</time>').format(when.isoformat(), i18n.moment(language, when))


def _back(request: Request) -> str:
    """Where to return to after switching the language; a form's own address may not answer to GET, its page does."""
    if request.method != "GET":
        parts = request.url.path.split("/")
        return "/".join(parts[: 3 if parts[1] == "manage" else 2])
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


class Errors(dict[str, str]):
    """Sentences by field, ``form`` for the whole; no sentence where nothing is wrong."""

    def __missing__(self, field: str) -> str:
        return ""

    def __getattr__(self, field: str) -> str:
        return self[field]


def _titles(_: Translate) -> dict[int, str]:
    return {
        400: _("That did not work"),
        401: _("Sign in first"),
        403: _("Not allowed"),
        404: _("Not found"),
        410: _("No longer there"),
        413: _("Too large"),
        429: _("A little slower, please"),
        500: _("Something went wrong"),
        503: _("Back in a moment"),
        507: _("No room at the moment"),
    }
