"""``atisbo profile``: what is in a folder of pictures."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from atisbo.cli.main import plainly
from atisbo.cli.outputs import check_files, make_out
from atisbo.cli.sources import folders

if TYPE_CHECKING:
    from atisbo.evaluation.profile.records import Record
    from atisbo.evaluation.profile.run import Result
    from atisbo.evaluation.profile.schema import Profile


@plainly
def profile(
    source: Annotated[str, typer.Argument(metavar="FOLDER", help="Folder of pictures, or snapshot:ID.")],
    html: Annotated[Path | None, typer.Option(dir_okay=False, help="The page; FOLDER-profile.html here.")] = None,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="The data; FOLDER-profile.json here.")] = None,
    clean: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write a copy without bad files and exact duplicates there.")
    ] = None,
    index: Annotated[Path | None, typer.Option(dir_okay=False, help="Write an index.csv of that copy there.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Decoder processes.")] = len(os.sched_getaffinity(0)),
    near: Annotated[int, typer.Option(min=0, max=7, help="Bits of 64 in which near duplicates may differ.")] = 7,
    by: Annotated[list[str] | None, typer.Option(help="Column of index.csv that no duplicate should cross.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Follow links out of the folder.")] = False,
) -> None:
    """Say what is in a folder of pictures: bad files, duplicates, classes, sizes, colours, masks."""
    from atisbo.evaluation.profile import clean as cleaning
    from atisbo.evaluation.profile.run import Options
    from atisbo.evaluation.profile.run import profile as run

    with folders([source]) as (folder,):
        stem = re.sub(r"[^\w.-]", "-", folder.resolve().name) or "folder"
        page, data = html or Path(f"{stem}-profile.html"), json or Path(f"{stem}-profile.json")
        if clean:
            cleaning.check_target(folder, clean)
            make_out(clean)
        check_files(page, data, index)
        console = Console()
        with quiet(), progress(console) as started:
            found = run(folder, Options(workers=workers, bits=near, by=tuple(by or ()), follow=follow), started)
        page.write_text(found.html, encoding="utf-8")
        data.write_text(found.profile.model_dump_json(indent=1) + "\n", encoding="utf-8")
        tell(console, found.profile)
        written = [str(page), str(data), *cleaned(folder, found, clean, index)]
        console.print(f"written: {escape(', '.join(written))}", soft_wrap=True, highlight=False)


@contextmanager
def quiet() -> Iterator[None]:
    """No warning for each file that takes a child down: the page names them all."""
    said = logging.getLogger("atisbo.imaging.quarantine")
    before = said.level
    said.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        said.setLevel(before)


@contextmanager
def progress(console: Console) -> Iterator[Callable[[int], Callable[[Record], None]]]:
    """A bar with the count of files, of bad ones, and the time left."""
    columns = (
        TextColumn("opening"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[bad]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, rate="", bad="")
        counts = {"bad": 0}

        def advance(record: Record) -> None:
            counts["bad"] += not record.good
            speed = bar.tasks[0].speed
            bar.update(
                task,
                advance=1,
                rate=f"{speed:,.0f}/s" if speed else "",
                bad=f"[red]{counts['bad']} bad[/]" if counts["bad"] else "",
            )

        def started(total: int) -> Callable[[Record], None]:
            bar.update(task, total=total)
            return advance

        yield started


def tell(console: Console, found: Profile) -> None:
    """The most important in a few lines."""
    counts, near = found.counts, found.near
    lines = [f"{counts.images:,} images, {counts.masks:,} masks, {counts.bad:,} that cannot be opened"]
    copies = sum(len(group.members) - 1 for group in found.exact)
    lines.append(f"{copies:,} exact duplicates, {near.pairs:,} near-duplicate pairs in {len(near.groups):,} groups")
    for column, groups in Counter(name for group in found.exact for name in group.crosses).items():
        lines.append(f"  {groups:,} groups of exact duplicates differ in {column}")
    lines += [f"  {pairs:,} near-duplicate pairs differ in {column}" for column, pairs in near.crossing.items()]
    for masks in found.masks:
        wrong = len(masks.mismatched), len(masks.images_without), len(masks.without_image), len(masks.empty)
        words = ("of another size than their image", "images without one", "without image", "empty")
        said = ", ".join(f"{count:,} {word}" for count, word in zip(wrong, words, strict=True))
        lines.append(f"{masks.folder}: {said}")
    for line in lines:
        console.print(escape(line), soft_wrap=True, highlight=False)


def cleaned(folder: Path, found: Result, clean: Path | None, index: Path | None) -> list[str]:
    """Write the cleaned copy and its index; what was written, in words."""
    from atisbo.evaluation.profile import clean as cleaning

    said = []
    if clean:
        said.append(f"{clean} ({cleaning.clean(folder, clean, found.records, found.tree):,} files)")
    if index:
        rows = cleaning.write_index(index, found.records, found.profile.columns)
        said.append(f"{index} ({rows:,} rows)")
    return said
