"""The ``atisbo`` command. Heavy parts are imported when their command runs, so that each starts at once."""

from __future__ import annotations

from atisbo.cli.learn import learn
from atisbo.cli.main import app
from atisbo.cli.predict import predict

__all__ = ["app"]

app.add_typer(learn)
app.command()(predict)
