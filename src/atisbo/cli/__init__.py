"""The ``atisbo`` command. Heavy parts are imported when their command runs, so that each starts at once."""

from __future__ import annotations

from atisbo.cli.main import app

__all__ = ["app"]
