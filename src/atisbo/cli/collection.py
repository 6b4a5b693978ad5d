"""``atisbo collection``: the reference pictures of an application, in and out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from atisbo.cli.main import plainly, settings
from atisbo.cli.outputs import check_files
from atisbo.errors import Invalid, NotFound

if TYPE_CHECKING:
    from rich.progress import Progress

    from atisbo.services.collections import Summary
    from atisbo.services.work import Workplace
    from atisbo.worker.collect import Collector

collection = typer.Typer(no_args_is_help=True, help="Reference pictures that answers are compared with.")
Name = Annotated[str, typer.Argument(help="Name of an installed application, for example art.")]
_SIDE_BY_SIDE = 4


@collection.command()
@plainly
def add(
    application: Name,
    folder: Annotated[Path, typer.Argument(file_okay=False, exists=True, help="With index.csv, or a folder a label.")],
) -> None:
    """Take a folder of pictures in. It can be stopped and started again; what is there already is passed over."""
    from atisbo.services import audit, collections, embeddings

    entries = collections.read_folder(folder)
    counts = {"added": 0, "known": 0, "bad": 0}
    with _desk(application) as desk, _progress() as progress, ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        _check_labels({entry.label for entry in entries if entry.label}, desk.labels, application)
        bar = progress.add_task(application, total=len(entries))
        for taken in pool.map(lambda entry: desk.collector.take(folder, entry), entries):
            counts[taken.became] += 1
            if taken.problem is not None:
                progress.console.print(f"{taken.entry.file}: {taken.problem}", highlight=False, soft_wrap=True)
            progress.advance(bar)
        with desk.workplace.transaction() as session:
            subject = f"application:{application}"
            audit.note(session, None, "collection.added", subject, by="operator", counts=counts)
            embeddings.ask(session, application)
    typer.echo("{added} added, {known} there already, {bad} not taken in".format(**counts))
    raise typer.Exit(1 if counts["bad"] else 0)


@collection.command("list")
@plainly
def list_(
    application: Name,
    items: Annotated[bool, typer.Option("--items", help="Every item with its id, for remove.")] = False,
) -> None:
    """What the collection holds."""
    from atisbo.services import collections

    with _database() as workplace, workplace.transaction() as session:
        if items:
            for item in collections.items(session, application):
                typer.echo(f"{item.id}  {item.label or '-':14} {item.location or item.file_name}")
            return
        held = collections.summary(session, application)
    typer.echo(f"{application}: {held.items} pictures, searched by {held.version or 'no version yet'}")
    for label, count in held.by_label.items():
        typer.echo(f"  {label or 'without a label':20} {count}")


@collection.command()
@plainly
def remove(
    application: Name,
    ids: Annotated[list[UUID] | None, typer.Argument(help="Of items, as `list --items` shows them.")] = None,
    label: Annotated[str | None, typer.Option(help="All items with this label.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All items.")] = False,
) -> None:
    """Take items out of the collection and of every search, at once."""
    from atisbo.services import audit, collections

    with _database() as workplace, workplace.transaction() as session:
        wanted = list(ids or [])
        if everything or label is not None:
            held = collections.items(session, application)
            wanted += [item.id for item in held if everything or item.label == label]
            if not wanted:
                raise _nothing(application, collections.summary(session, application), label)
        if not wanted:
            raise Invalid("nothing_named", "Name items by their ids, or give --label or --all.")
        count = collections.remove(session, application=application, ids=wanted)
        audit.note(session, None, "collection.removed", f"application:{application}", by="operator", count=count)
    typer.echo(f"{count} taken out")


def _nothing(application: str, held: Summary, label: str | None) -> NotFound:
    if not held.items:
        return NotFound("collection_empty", "There is nothing in the collection of {name}.", name=application)
    return NotFound(
        "label_unknown",
        "Nothing in the collection of {name} has the label {label}. There are: {labels}.",
        name=application,
        label=label,
        labels=", ".join(one or "some without a label" for one in held.by_label),
    )


@collection.command("export")
@plainly
def export(
    application: Name, file: Annotated[Path, typer.Argument(dir_okay=False, help="To write: .csv or .parquet")]
) -> None:
    """Write the embeddings with label, source and location of every picture."""
    from atisbo.services import collections, interchange

    check_files(file)
    with _database() as workplace, workplace.transaction() as session:
        version = collections.summary(session, application).version
        if version is None:
            raise NotFound(
                "collection_unseen", "No version has looked at all pictures of {name} yet.", name=application
            )
        count = interchange.export(session, application=application, version=version, path=file)
    typer.echo(f"{file}: {count} pictures, {version}")


@collection.command("import")
@plainly
def import_(
    application: Name,
    file: Annotated[Path, typer.Argument(dir_okay=False, exists=True, help=".csv or .parquet, as export writes it")],
) -> None:
    """Take embeddings in, all or nothing. Only numbers come with a table; pictures come with add."""
    from atisbo.services import audit, interchange

    with _desk(application) as desk, _progress() as progress, desk.workplace.transaction() as session:
        bar = progress.add_task(application, total=None)
        brought = interchange.bring(
            session,
            application=application,
            version=desk.version,
            path=file,
            told=lambda count: progress.advance(bar, count),
        )
        subject = f"application:{application}"
        audit.note(session, None, "collection.imported", subject, by="operator", added=brought.added)
    typer.echo(f"{brought.added} added, {brought.known} there already")


@dataclass(frozen=True)
class _Desk:
    workplace: Workplace
    collector: Collector
    version: str
    labels: tuple[str, ...]


@contextmanager
def _database() -> Iterator[Workplace]:
    from atisbo.cli.database import opened

    with opened(settings()) as workplace:
        yield workplace


@contextmanager
def _desk(application: str) -> Iterator[_Desk]:
    """The database, and the active version of the application's network.

    Raises:
        NotFound: no such application, or its network gives no embeddings.
    """
    from atisbo.domain.applications import roots
    from atisbo.domain.images import Limits
    from atisbo.imaging.quarantine import Quarantine
    from atisbo.inference.registry import Registry
    from atisbo.worker.collect import Collector
    from atisbo.worker.looks import Eyes
    from atisbo.worker.versions import Versions

    chosen = settings()
    registry = Registry.open(roots(chosen.applications_dir), precision=chosen.engine_precision)
    registry.application(application)
    quarantine = Quarantine(chosen.decoder_processes, chosen.decode_timeout_s, chosen.decoder_memory_bytes)
    try:
        with _database() as workplace:
            Versions(workplace, registry).install()
            predictor = registry.predictor(application)
            if predictor.card.output.embedding is None:
                raise NotFound("embedding_missing", "The network of {name} gives no embeddings.", name=application)
            eyes = Eyes(quarantine, predictor, Limits.of(chosen))
            collector = Collector(workplace, eyes, application)
            yield _Desk(workplace, collector, predictor.card.version, predictor.card.output.labels)
    finally:
        registry.close()
        quarantine.close()


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _check_labels(said: set[str], known: tuple[str, ...], application: str) -> None:
    if unknown := said - set(known):
        raise Invalid(
            "label_unknown",
            "“{label}” is none of the labels of {name}: {known}. Correct index.csv, or the folders' names.",
            label=min(unknown),
            name=application,
            known=", ".join(known),
        )
