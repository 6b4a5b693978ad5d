"""``atisbo sweep``."""

from __future__ import annotations

from typing import Annotated

import typer

from atisbo.cli.main import plainly, settings


@plainly
def sweep(dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False) -> None:
    """Remove files that belong to nothing and images past their time; workers do so once a day by themselves."""
    from atisbo.cli.database import opened
    from atisbo.services import sweeps

    with opened(settings()) as workplace:
        swept = sweeps.sweep(workplace, by="operator", dry_run=dry_run)
    if dry_run:
        for name in swept.blobs:
            typer.echo(name)
    done = "would go" if dry_run else "removed"
    typer.echo(f"{len(swept.blobs)} blobs without a row ({swept.bytes / 1e6:.1f} MB) and {swept.images} images {done}")
