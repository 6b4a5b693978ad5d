"""Serving the web application with uvicorn."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from socket import socket
from types import FrameType
from typing import Final

import uvicorn

from atisbo.config import Settings
from atisbo.services.work import Workplace
from atisbo.web.app import create_app
from atisbo.web.live import Hub

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
"""Of glibc's malloc.h."""


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


def _frugal() -> None:
    """Give memory back that is no longer used: what a password's hash needs (19 MiB) and what each thread has once
    needed would stay with the process (glibc's mallopt(3); elsewhere nothing is done)."""
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        for parameter, value in ((_MMAP_THRESHOLD, 1024**2), (_TRIM_THRESHOLD, 1024**2), (_ARENA_MAX, 2)):
            libc.mallopt(parameter, value)


def serve(settings: Settings, ready: Callable[[], None] = lambda: None) -> None:
    """Run until SIGTERM or SIGINT; ``ready`` is called when requests are taken."""
    _frugal()
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
