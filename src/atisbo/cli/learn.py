"""``atisbo evaluate`` and ``atisbo compare``."""

from __future__ import annotations

import json as plain
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from atisbo.cli.main import plainly, settings
from atisbo.cli.outputs import check_files
from atisbo.cli.sources import SEALED, folders
from atisbo.errors import Invalid

if TYPE_CHECKING:
    from atisbo.domain.cards import Card
    from atisbo.imaging.folders import Sample

learn = typer.Typer(no_args_is_help=True)

Data = Annotated[
    list[str], typer.Option("--data", help="Folder of images/, masks/, index.csv, or snapshot:ID; repeatable.")
]
Rules = Annotated[list[str] | None, typer.Option(help="column=value of index.csv; repeatable.")]
Group = Annotated[str | None, typer.Option(help="Column whose equal values are drawn together.")]
Unlabelled = Annotated[bool, typer.Option("--unlabelled", help="No masks/: an empty answer is right for every image.")]
Which = Annotated[str, typer.Argument(help="Name of an installed application, or a folder of card.json, model.onnx.")]
Json = Annotated[Path | None, typer.Option(dir_okay=False, help="Write everything there.")]


@learn.command()
@plainly
def evaluate(
    application: Which,
    data: Data,
    json: Json = None,
    html: Annotated[Path | None, typer.Option(dir_okay=False, help="Write a page with charts and pictures.")] = None,
    where: Rules = None,
    by: Annotated[str | None, typer.Option(help="Column: figures for each of its values, too.")] = None,
    group: Group = None,
    unlabelled: Unlabelled = False,
    foreign: Annotated[
        list[Path] | None,
        typer.Option(exists=True, file_okay=False, help="Folder of images that should all be refused; repeatable."),
    ] = None,
) -> None:
    """Measure an application's network on labelled images, with the engine that serves it."""
    from atisbo.cli.judge import chosen, judged, opened, page, show

    check_files(json, html)
    with folders(data, SEALED) as found:
        setting = settings()
        folder, card = chosen(application, setting.applications_dir)
        samples, others = chosen_samples(card, found, where, unlabelled), foreign_samples(card, foreign or [])
        check_columns(samples, by, group)
        served = opened(folder, card, setting.engine_precision)
        report = judged(served, samples, command=spoken(sys.argv), group=group, foreign=others)
        console = Console()
        show(console, card.version, report.figures())
        for value, figures in (report.by(by) if by else {}).items():
            show(console, f"{by} {value}", figures)
        if json:
            report.write(json, by)
        if html:
            html.write_text(page(report, [*samples, *others], served, by), encoding="utf-8")


@learn.command()
@plainly
def compare(
    first: Annotated[str, typer.Argument(help="Application, folder, or JSON of an evaluation.")],
    second: Annotated[str, typer.Argument(help="The same of the version that is judged against it.")],
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="Folder of labelled images, or snapshot:ID for its sealed side; repeatable."),
    ] = None,
    where: Rules = None,
    group: Group = None,
    unlabelled: Unlabelled = False,
    json: Json = None,
) -> None:
    """Say whether the second version is better than the first, by a paired bootstrap over the same images."""
    from atisbo.cli.judge import chosen, judge, show_differences
    from atisbo.evaluation.compare import as_json
    from atisbo.evaluation.compare import compare as differences
    from atisbo.evaluation.report import Report

    check_files(json)
    with folders(data or [], SEALED) as places:
        setting, command = settings(), spoken(sys.argv)

        def report(which: str) -> Report:
            if Path(which).is_file():
                return Report.read(Path(which))
            folder, card = chosen(which, setting.applications_dir)
            samples = chosen_samples(card, places, where, unlabelled)
            check_columns(samples, group)
            return judge(folder, card, samples, command=command, group=group, precision=setting.engine_precision)

        ours, theirs = report(first), report(second)
        found = differences(ours, theirs, group)
        show_differences(Console(), ours, theirs, found)
        if json:
            text = plain.dumps(as_json(ours, theirs, found, command), indent=1, allow_nan=False)
            json.write_text(text + "\n", encoding="utf-8")


def chosen_samples(card: Card, data: list[Path], where: list[str] | None, unlabelled: bool) -> list[Sample]:
    """The samples a network is judged on: with masks or classes, as its task needs them, and with its structures.

    Raises:
        Invalid: there is none.
    """
    from atisbo.imaging.folders import read_folder, select

    classes = card.task == "classification"
    wanted = card.structures.output.labels if card.structures else ()
    samples = [
        sample
        for folder in data
        for sample in read_folder(
            folder,
            unlabelled=unlabelled,
            classes=classes,
            structures=[name for name in wanted if (folder / name).is_dir()],
        )
    ]
    if not (found := select(samples, where or ())):
        raise Invalid("data_empty", "There is no image to evaluate. Name folders with --data.")
    return found


def check_columns(samples: list[Sample], *columns: str | None) -> None:
    """See that every column that is named is known of some sample.

    Raises:
        Invalid: one is not; intervals without it would be too narrow, and nobody would notice.
    """
    known = {"folder", "class", *(name for sample in samples for name in sample.columns)}
    for column in columns:
        if column is not None and column not in known:
            raise Invalid(
                "column_unknown",
                "No image has the column {column}; there are {known}.",
                column=column,
                known=", ".join(sorted(known)),
            )


def foreign_samples(card: Card, folders: list[Path]) -> list[Sample]:
    """Every image of folders that the network should refuse.

    Raises:
        Invalid: the network has no gate.
    """
    from atisbo.imaging.folders import read_folders

    if folders and not card.gate:
        raise Invalid("gate_missing", "The network's card has no gate, so it refuses nothing; leave out --foreign.")
    return read_folders(folders, unlabelled=True)


def spoken(argv: list[str]) -> str:
    """The command line without the machine's folders: of every path only the last part."""
    parts = (_short(part) for part in argv[1:])
    return " ".join(["atisbo", *(part for part in parts if part not in ("--resume", "--export-only"))])


def _short(word: str) -> str:
    """A path's last part, also after ``name=``."""
    name, sign, value = word.partition("=") if "=" in word.split("/")[0] else ("", "", word)
    return f"{name}{sign}{Path(value).name if '/' in value else value}"
