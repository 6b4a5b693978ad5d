"""The audit log as its operator checks it."""

from __future__ import annotations

from typing import Annotated

import typer

from atisbo.cli.main import plainly, settings

audit = typer.Typer(no_args_is_help=True, help="Who did what, and whether the record of it is whole.")


@audit.command()
@plainly
def verify(
    anchor: Annotated[str, typer.Option(help="What `atisbo audit head` printed earlier, kept elsewhere.")] = "",
) -> None:
    """Check every row of the audit log; names the first that was changed, dropped or moved."""
    from atisbo.cli.database import opened
    from atisbo.services import chain

    earlier = chain.Anchor.read(anchor) if anchor else None
    with opened(settings()) as workplace, workplace.transaction() as session:
        found = chain.verify(session, anchor=earlier)
    if isinstance(found, chain.Fault):
        typer.echo(f"atisbo: row {found.number} {found.what}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{found} rows, all as they were written")


@audit.command()
@plainly
def head() -> None:
    """Print where the log ends: keep it elsewhere, and give it to `verify --anchor` later."""
    from atisbo.cli.database import opened
    from atisbo.services import chain

    with opened(settings()) as workplace, workplace.transaction() as session:
        typer.echo(str(chain.head(session) or "0:" + "0" * 64))
