"""Trying a shipped sample without an account: nothing is uploaded, and nothing of it is kept."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from atisbo.domain.applications import Application
from atisbo.domain.images import Region
from atisbo.domain.predictions import Failure
from atisbo.errors import NotFound, Unavailable
from atisbo.services import trials
from atisbo.web import render
from atisbo.web.deps import AppState, MaybeActor, State, protect
from atisbo.web.pages import cards, guides
from atisbo.web.pages.forms import see
from atisbo.web.security import authenticate
from atisbo.web.shown import show

router = APIRouter(prefix="/try", include_in_schema=False, dependencies=[Depends(protect)])
PATIENCE_S: Final = 20.0
_MARGIN: Final = 0.3
"""Of the region's longer side: what is seen around it."""


@router.get("")
def nowhere() -> Response:
    """Where a switch of the language leads from an answer, which has no address of its own."""
    return see("/#try")


@router.get("/{application}/{file}")
def chosen(request: Request, application: str, file: str, _actor: MaybeActor, state: AppState) -> Response:
    """The sample, before it is asked about."""
    asked = _open(state, application, file)
    return _page(request, state, asked, file)


@router.post("/{application}/{file}")
async def ask(request: Request, application: str, file: str, state: AppState) -> Response:
    """Ask a worker and show its answer."""
    request.state.actor = await run_in_threadpool(
        state.workplace.within, lambda s: authenticate(s, request, state.settings, state.secrets)
    )
    asked = _open(state, application, file)
    state.trial_pace.step(request)
    began = time.monotonic()
    said = await _answer(state, asked, file)
    if "failure" in said:
        failure = Failure.model_validate(said["failure"])
        raise Unavailable(failure.code, failure.message, **failure.values)
    return _page(request, state, asked, file, said=said, took_s=time.monotonic() - began)


def _open(state: State, name: str, file: str) -> Application:
    """Raises NotFound: no such sample, or this installation offers no trials."""
    application, _ = state.application(name)
    if not state.settings.trials_per_minute:
        raise NotFound("trials_off", "This installation has nothing to try without an account.")
    trials.sample(application, file)
    return application


async def _answer(state: State, application: Application, file: str) -> dict[str, Any]:
    """Wait for a worker without holding a thread or a connection; afterwards nothing is left.

    Raises:
        Unavailable: no worker answered in time.
    """
    within = state.workplace.within
    trial = await run_in_threadpool(within, lambda s: trials.begin(s, application=application, file=file))
    try:
        return await _wait(state, trial)
    finally:
        await run_in_threadpool(within, lambda s: trials.forget(s, trial))


async def _wait(state: State, trial: UUID) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    with state.hub.listening(prediction_id=trial) as queue:
        while True:
            said = await run_in_threadpool(state.workplace.within, lambda s: trials.take(s, trial))
            if said is not None:
                return said
            try:
                await asyncio.wait_for(queue.get(), max(0.0, deadline - time.monotonic()))
            except TimeoutError as error:
                raise Unavailable("trial_late", "The network is busy at the moment. Try again shortly.") from error


def _page(
    request: Request,
    state: State,
    application: Application,
    file: str,
    *,
    said: dict[str, Any] | None = None,
    took_s: float = 0.0,
) -> Response:
    language = render.language_of(request)
    _, card = state.application(application.name)
    chosen = trials.sample(application, file)
    return render.page(
        request,
        "trial.html",
        name=application.name,
        title=application.title.in_(language),
        summary=application.summary.in_(language),
        sample=chosen,
        sample_title=chosen.title.in_(language),
        sample_address=_address(application, file),
        others=[
            {"file": one.file, "title": one.title.in_(language), "address": _address(application, one.file)}
            for one in application.samples
        ],
        shown=said
        and show(
            said["findings"],
            application,
            card,
            language,
            picture=_address(application, file),
            seen=_around(chosen.region, *said["size"]),
            placed=Region(x=0, y=0, width=said["size"][0], height=said["size"][1]),
        ),
        version=said["version"] if said else card.version,
        seconds=f"{took_s:.1f}".replace(".", "," if language == "es" else "."),
        guide=guides.address(application),
        how_good=cards.how_good(application, card, language),
    )


def _address(application: Application, file: str) -> str:
    return f"/a/{application.name}/samples/{file}"


def _around(region: Region | None, width: int, height: int) -> Region:
    """The region with its surroundings; the whole picture without one."""
    if region is None:
        return Region(x=0, y=0, width=width, height=height)
    margin = round(_MARGIN * max(region.width, region.height))
    x, y = max(0, region.x - margin), max(0, region.y - margin)
    right, bottom = min(width, region.x + region.width + margin), min(height, region.y + region.height + margin)
    return Region(x=x, y=y, width=right - x, height=bottom - y)
