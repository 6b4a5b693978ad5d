"""``atisbo backup`` and ``atisbo restore``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from atisbo.cli.main import plainly, settings

Folder = Annotated[Path, typer.Argument(file_okay=False, help="Folder of the backups.")]


@plainly
def backup(
    folder: Folder,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Remove older backups but so many, and what only they held.")
    ] = None,
) -> None:
    """Copy database, images and secrets into a folder; the service may go on running."""
    from atisbo.cli.database import opened
    from atisbo.services.backups import back_up, prune

    with opened(settings()) as workplace, _counting("blobs") as count:
        target, manifest = back_up(workplace, folder, count)
    if keep is not None:
        prune(folder, keep)
    typer.echo(
        f"{target}: {manifest.blobs} blobs, {manifest.blob_bytes / 1e6:.1f} MB, of them {manifest.copied} copied now. "
        "It holds the service's secrets and everybody's images: keep it as safe as the service."
    )


@plainly
def restore(
    folder: Folder,
    name: Annotated[str | None, typer.Option("--from", help="Which backup; the newest unless named.")] = None,
) -> None:
    """Fill an empty installation from a backup."""
    from atisbo.cli.database import as_it_is
    from atisbo.services import backups

    chosen, source = settings(), backups.choose(folder, name)
    backups.check(source)
    backups.restore_secrets(chosen, source)
    with as_it_is(chosen) as workplace, _counting("blobs") as count:
        done = backups.restore(workplace, source, count)
    gone = f"; {done.dropped} images had been deleted while the backup ran and are gone" if done.dropped else ""
    typer.echo(f"{source.name} restored: {done.blobs} blobs{gone}. Start the service with: atisbo serve")


@contextmanager
def _counting(what: str) -> Iterator[Callable[[int], None]]:
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done: bar.update(task, completed=done)
