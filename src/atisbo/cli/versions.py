"""``atisbo versions``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.orm import Session

from atisbo.cli.main import plainly, settings
from atisbo.errors import NotFound

versions = typer.Typer(no_args_is_help=True, help="Versions of the applications' networks.")
Application = Annotated[str, typer.Argument(help="Name of an application.")]


@versions.command("list")
@plainly
def list_(application: Annotated[str | None, typer.Argument(help="Only of this one.")] = None) -> None:
    """Every version: its name, where it stands, where it comes from."""
    from atisbo.cli.database import opened
    from atisbo.services import versions as service

    with opened(settings()) as workplace, workplace.transaction() as session:
        for view in service.list_(session, None, application=application):
            typer.echo(
                f"{view.application:12} {view.name:40} {view.state:10} {view.origin:7} {view.created_at:%Y-%m-%d}"
            )


@versions.command()
@plainly
def submit(
    application: Application,
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="With card.json and model.onnx.")],
    note: Annotated[str, typer.Option(help="What others should know of it.")] = "",
) -> None:
    """Bring a version; a worker tries the network against its card, in a closed room."""
    from atisbo.cli.database import opened
    from atisbo.domain.applications import installed
    from atisbo.domain.cards import Card
    from atisbo.services import versions as service
    from atisbo.services.versions import Origin

    chosen = settings()
    found = installed(chosen.applications_dir)
    if application not in found:
        raise NotFound("application_unknown", "There is no application called {name}.", name=application)
    card, model = Card.read(folder / "card.json"), (folder / "model.onnx").read_bytes()
    with opened(chosen) as workplace, workplace.transaction() as session:
        view = service.submit(
            session,
            None,
            blobs=workplace.blobs,
            application=found[application][0],
            card=card,
            model=model,
            origin=Origin(note=note),
        )
    typer.echo(f"{view.name}: {view.state}")


@versions.command()
@plainly
def activate(
    application: Application,
    version: Annotated[str, typer.Argument(help="Its name, as `atisbo versions list` says it.")],
    reason: Annotated[str, typer.Option(help="Needed unless it was found better than the active one.")] = "",
) -> None:
    """Let a version answer from now on."""
    from atisbo.cli.database import opened
    from atisbo.services import activations

    with opened(settings()) as workplace, workplace.transaction() as session:
        chosen = named(session, application, version)
        typer.echo(f"{activations.activate(session, None, version_id=chosen, reason=reason).name} answers")


@versions.command()
@plainly
def rollback(application: Application) -> None:
    """Go back to the version that answered before the present one."""
    from atisbo.cli.database import opened
    from atisbo.services import activations

    with opened(settings()) as workplace, workplace.transaction() as session:
        present = named(session, application, None)
        typer.echo(f"{activations.rollback(session, None, version_id=present).name} answers")


@plainly
def retrain(
    application: Application,
    dataset: Annotated[UUID, typer.Option(help="Its number, as `atisbo dataset list` says it.")],
    recipe: Annotated[str, typer.Option(help="Of the application's folder, or a shipped one that fits it.")],
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    from_active: Annotated[
        bool | None, typer.Option("--from-active/--fresh", help="Go on from the weights of the version that answers.")
    ] = None,
) -> None:
    """Have a network trained by a worker that takes the queue `learn`; what comes out is a candidate."""
    from atisbo.cli.database import opened
    from atisbo.domain.applications import installed
    from atisbo.domain.runs import Overrides
    from atisbo.services import runs
    from atisbo.services import versions as service

    chosen = settings()
    found = installed(chosen.applications_dir)
    if application not in found:
        raise NotFound("application_unknown", "There is no application called {name}.", name=application)
    asked, card = found[application]
    with opened(chosen) as workplace, workplace.transaction() as session:
        active = service.answering(session).get(application)
        view = runs.start(
            session,
            None,
            application=asked,
            card=active.card if active else card,
            dataset_id=dataset,
            recipe=recipe,
            overrides=Overrides(epochs=epochs),
            from_active=from_active,
        )
    typer.echo(f"{view.id}: {view.state}, {view.epochs} epochs; /manage/runs/{view.id} shows how it goes")


def named(session: Session, application: str, version: str | None) -> UUID:
    """The version of that name; the active one for None.

    Raises:
        NotFound: there is none.
    """
    from atisbo.services import versions as service

    for view in service.list_(session, None, application=application):
        if view.name == version or (version is None and view.state == "active"):
            return view.id
    raise NotFound("version_unknown", "There is no such version.")
