"""The web process, put together in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from atisbo import __version__
from atisbo.services.live import VERSIONS
from atisbo.services.work import Workplace
from atisbo.web import api, assets, devices, docs, health, metrics, pages, problems, v2
from atisbo.web.catalogue import Catalogue
from atisbo.web.deps import State
from atisbo.web.limits import AtOnce, BodyLimit, FailurePace, Pace
from atisbo.web.live import Hub
from atisbo.web.security import SecurityHeaders


def create_app(workplace: Workplace) -> FastAPI:
    """The application that is tested is the one that is shipped."""
    settings = workplace.settings
    catalogue = Catalogue(workplace, settings.applications_dir)
    state = State(
        workplace=workplace,
        catalogue=catalogue,
        hub=Hub(settings.database_url or "", {VERSIONS: lambda _: catalogue.refresh()}),
        sign_in_pace=FailurePace(
            settings.sign_in_attempts_per_minute,
            lambda request, account: devices.recognised(request, settings, workplace.secrets, account),
        ),
        trial_pace=Pace(settings.trials_per_minute),
        tensors_at_once=AtOnce(settings.tensor_requests_at_once),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(catalogue.refresh)
        await state.hub.start()
        yield
        await state.hub.stop()
        workplace.close()

    app = FastAPI(
        title="Atisbo",
        version=__version__,
        summary="Trained image networks for people who look at images. Research and education only.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.atisbo = state
    problems.install(app)
    larger = {"/batches": settings.max_batch_bytes, "/models": settings.max_model_bytes}
    app.add_middleware(BodyLimit, max_bytes=settings.max_upload_bytes, of_paths=larger, known=state.knows)
    app.add_middleware(SecurityHeaders, secure=settings.secure_cookies)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(docs.router)
    app.include_router(api.router)
    app.include_router(v2.router)
    api.webhooks.document(app)
    for router in pages.routers:
        app.include_router(router)
    assets.mount(app)
    return app
