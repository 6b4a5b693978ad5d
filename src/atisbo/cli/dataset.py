"""``atisbo dataset``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from atisbo.cli.main import plainly, settings
from atisbo.cli.outputs import make_out
from atisbo.errors import AtisboError, Invalid, NotFound

dataset = typer.Typer(no_args_is_help=True, help="Datasets of reviewed images that may be learnt from.")
Which = Annotated[UUID, typer.Argument(help="Its number, as `atisbo dataset list` says it.")]


@dataset.command("list")
@plainly
def list_(application: Annotated[str | None, typer.Argument(help="Only of this one.")] = None) -> None:
    """Every dataset: number, application, state, images in training, validation and test, name."""
    from atisbo.cli.database import opened
    from atisbo.services import datasets

    with opened(settings()) as workplace, workplace.transaction() as session:
        for view in datasets.list_(session, None, application=application):
            counts = " + ".join(str(count) for count in view.counts.values())
            typer.echo(f"{view.id}  {view.application:12} {view.status:8} {counts:>18}  {view.name}")


@dataset.command()
@plainly
def create(
    application: Annotated[str, typer.Argument(help="Name of an application.")],
    name: Annotated[str, typer.Argument(help="What to call it.")],
    purpose: Annotated[str, typer.Option(help="What it is for, for its datasheet.")] = "",
    where: Annotated[
        str, typer.Option(help='Filters as JSON: {"labels": ["glaucoma"], "reviewer": "curator"}.')
    ] = "{}",
    group_by: Annotated[
        list[str] | None, typer.Option(help="owner, or a field of the form; repeatable. Only with the first dataset.")
    ] = None,
    ungrouped: Annotated[bool, typer.Option("--ungrouped", help="Only copies and near duplicates together.")] = False,
    shares: Annotated[str, typer.Option(help="Of training, validation and test.")] = "0.7,0.15,0.15",
) -> None:
    """Make a dataset now, of all that is reviewed and may be learnt from."""
    from pydantic import ValidationError

    from atisbo.cli.database import opened
    from atisbo.domain.applications import installed
    from atisbo.domain.cards import first_fault
    from atisbo.domain.datasets import Filters, Shares
    from atisbo.services import datasets, snapshots

    chosen = settings()
    found = installed(chosen.applications_dir)
    if application not in found:
        raise NotFound("application_unknown", "There is no application called {name}.", name=application)
    try:
        filters = Filters.model_validate_json(where)
        parts = dict(zip(("training", "validation", "test"), map(float, shares.split(",")), strict=True))
        share = Shares(**parts)
    except ValidationError as error:
        raise Invalid("dataset_filters", "{fault}", fault=first_fault(error)) from error
    except ValueError as error:
        raise Invalid("dataset_shares", "--shares takes three numbers: 0.7,0.15,0.15.") from error
    grouping = () if ungrouped else tuple(group_by) if group_by else None
    with opened(chosen) as workplace, snapshots.opened(chosen) as describe:
        view = workplace.within(
            lambda session: datasets.create(
                session,
                None,
                application=found[application][0],
                card=found[application][1],
                name=name,
                purpose=purpose,
                filters=filters,
                group_by=grouping,
                shares=share,
                queued=False,
            )
        )
        snapshots.build(workplace, dataset_id=view.id, describe=describe)
        view = workplace.within(lambda session: datasets.get(session, None, dataset_id=view.id))
    if view.failure is not None:
        raise AtisboError(view.failure.code, view.failure.message, **view.failure.values)
    typer.echo(f"{view.id}  {' + '.join(str(count) for count in view.counts.values())}  {view.sha256}")


@dataset.command()
@plainly
def show(which: Which, language: Annotated[str, typer.Option(help="es or en.")] = "en") -> None:
    """Print its datasheet."""
    from functools import partial

    from atisbo.cli.database import opened
    from atisbo.i18n import translate
    from atisbo.services import datasets, datasheets

    with opened(settings()) as workplace, workplace.transaction() as session:
        view = datasets.get(session, None, dataset_id=which)
    typer.echo(datasheets.markdown(view, partial(translate, language), language))


@dataset.command("import")
@plainly
def bring(
    application: Annotated[str, typer.Argument(help="Name of an application.")],
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folders, COCO or YOLO, as exported.")],
    email: Annotated[str, typer.Option("--as", help="The curator whose images they become.")],
    agree: Annotated[
        bool, typer.Option("--agree", help="You may let these images be learnt from, and say so.")
    ] = False,
    patience: Annotated[int, typer.Option(min=1, help="Seconds to wait for a worker that does nothing.")] = 60,
) -> None:
    """Bring labelled images in: each is answered like any upload, then reviewed with what its data set says."""
    from atisbo.cli.bringing import bring as run

    if not agree:
        raise Invalid("import_unagreed", "Say --agree if you may let these images be learnt from.")
    done, problems = run(settings(), application, folder, email, patience)
    for file, problem in problems:
        typer.echo(f"{file}: {problem}", err=True)
    typer.echo(f"{done:,} images are in, with what was known of them.")
    if problems:
        raise typer.Exit(1)


@dataset.command()
@plainly
def export(
    which: Which,
    out: Annotated[Path, typer.Argument(file_okay=False, help="A folder that is not there yet, or is empty.")],
    form: Annotated[str, typer.Option("--format", help="folders, coco, yolo, yolo-boxes or masks.")] = "folders",
    sealed: Annotated[bool, typer.Option("--sealed", help="With the sealed part; that is written down.")] = False,
) -> None:
    """Write a dataset as files."""
    from atisbo.cli.database import opened
    from atisbo.services import exports
    from atisbo.services.exports import Format

    if form not in set(Format):
        raise Invalid("format_unknown", "Choose one of these formats: {formats}.", formats=", ".join(Format))
    if out.exists() and any(out.iterdir()):
        raise Invalid("folder_full", "{folder} is not empty. Choose another one.", folder=out)
    make_out(out)
    with opened(settings()) as workplace:
        count = exports.unfold(workplace, None, dataset_id=which, form=Format(form), folder=out, sealed=sealed)
    Console().print(f"{count:,} images: {out}", highlight=False, soft_wrap=True)
