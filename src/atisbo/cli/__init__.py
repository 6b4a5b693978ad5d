"""The ``atisbo`` command. Heavy parts are imported when their command runs, so that each starts at once."""

from __future__ import annotations

from atisbo.cli.adopt import adopt
from atisbo.cli.audit import audit
from atisbo.cli.backup import backup, restore
from atisbo.cli.business import business
from atisbo.cli.collection import collection
from atisbo.cli.dataset import dataset
from atisbo.cli.learn import learn
from atisbo.cli.main import app
from atisbo.cli.predict import predict
from atisbo.cli.profile import profile
from atisbo.cli.reference import reference
from atisbo.cli.sweep import sweep
from atisbo.cli.teach import teach
from atisbo.cli.trial import trial
from atisbo.cli.versions import retrain, versions

__all__ = ["app"]

app.add_typer(audit, name="audit")
app.add_typer(collection, name="collection")
app.add_typer(dataset, name="dataset")
app.add_typer(learn)
app.add_typer(teach)
app.add_typer(versions, name="versions")
app.command(hidden=True)(trial)
app.command()(retrain)
app.command()(predict)
app.command("import")(adopt)
app.command()(profile)
app.command()(reference)
app.command()(backup)
app.command()(restore)
app.command()(sweep)
app.command()(business)
