"""Serving the web application with uvicorn."""

from __future__ import annotations

from collections.abc import Callable
from socket import socket
from types import FrameType

import uvicorn

from atisbo.config import Settings
from atisbo.services.work import Workplace
from atisbo.web.app import create_app
from atisbo.web.live import Hub


class _Server(uvicorn.Server):
    """Ends event streams when asked to stop; they would otherwise hold the process until its patience ends."""

    def __init__(self, config: uvicorn.Config, hub: Hub, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._hub = hub
        self._ready = ready

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._hub.end_streams()
        super().handle_exit(sig, frame)


def serve(settings: Settings, ready: Callable[[], None] = lambda: None) -> None:
    """Run until SIGTERM or SIGINT; ``ready`` is called when requests are taken."""
    app = create_app(Workplace.open(settings))
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        loop="uvloop",
        http="httptools",
        server_header=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=30,
    )
    _Server(config, app.state.atisbo.hub, ready).run()
