"""``atisbo evaluate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from atisbo.cli.main import plainly, settings
from atisbo.errors import Invalid, NotFound

learn = typer.Typer(no_args_is_help=True)

Data = Annotated[
    list[Path],
    typer.Option("--data", exists=True, file_okay=False, help="Folder of images/, masks/, index.csv; repeatable."),
]
Rules = Annotated[list[str] | None, typer.Option(help="column=value of index.csv; repeatable.")]


@learn.command()
@plainly
def evaluate(
    application: Annotated[str, typer.Argument(help="Name of an installed application.")],
    data: Data,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write rows and sums there.")] = None,
    where: Rules = None,
    by: Annotated[str | None, typer.Option(help="Column: figures for each of its values, too.")] = None,
    group: Annotated[str | None, typer.Option(help="Column whose equal values are drawn together.")] = None,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="No masks/: an empty answer is right for every image.")
    ] = False,
) -> None:
    """Measure an application's network on labelled images, with the engine that serves it."""
    from atisbo.cli.judge import judge, show
    from atisbo.domain.applications import installed
    from atisbo.imaging.folders import read_folders, select

    chosen = settings()
    found = installed(chosen.applications_dir)
    if application not in found:
        raise NotFound("application_unknown", "There is no application called {name}.", name=application)
    samples = select(read_folders(data, unlabelled=unlabelled), where or ())
    if not samples:
        raise Invalid("data_empty", "There is no image to evaluate.")
    folder, card = found[application][0].folder, found[application][1]
    precision = chosen.engine_precision
    report = judge(folder, card, samples, command=spoken(sys.argv), group=group, precision=precision)
    console = Console()
    show(console, card.version, report.figures())
    for value, figures in (report.by(by) if by else {}).items():
        show(console, f"{by} {value}", figures)
    if json:
        report.write(json, by)


def spoken(argv: list[str]) -> str:
    """The command line without the machine's folders: of every path only the last part."""
    parts = (Path(part).name if "/" in part else part for part in argv[1:])
    return " ".join(["atisbo", *(part for part in parts if part not in ("--resume", "--export-only"))])
