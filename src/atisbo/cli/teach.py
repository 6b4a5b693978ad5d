"""``atisbo train`` and ``atisbo crossval``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from atisbo.cli.learn import Data, Rules, spoken
from atisbo.cli.main import plainly
from atisbo.cli.sources import folders

teach = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of a shipped recipe, or path of a TOML file.")]
Weights = Annotated[Path | None, typer.Option(help="Folder of pretrained encoders.")]
Start = Annotated[Path | None, typer.Option(dir_okay=False, help="Go on from this model.onnx.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from what is in --out.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


@teach.command()
@plainly
def train(
    recipe: Name,
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, curves and the exported network.")],
    weights: Weights = None,
    start: Start = None,
    hold_out: Rules = None,
    epochs: Epochs = None,
    everything: Annotated[bool, typer.Option("--everything", help="Train on all images, validate on none.")] = False,
    resume: Resume = False,
    calibrate_from: Annotated[
        Path | None, typer.Option(exists=True, help="Folder of a cross-validation, or its out_of_fold.npz.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="name=DIR: pictures of another kind, which the network learns to refuse.")
    ] = None,
    foreign: Annotated[
        list[Path] | None,
        typer.Option(exists=True, file_okay=False, help="Pictures of other kinds: keep the gate of --start by them."),
    ] = None,
    export_only: Annotated[bool, typer.Option("--export-only", help="Export what --out has so far.")] = False,
    device: Device = "auto",
) -> None:
    """Train a network on labelled images, export it and measure it."""
    from atisbo.cli.train import Asked, run

    with folders(data) as found:
        asked = Asked(
            recipe,
            found,
            out,
            command=spoken(sys.argv),
            weights=weights,
            start=start,
            hold_out=tuple(hold_out or ()),
            epochs=epochs,
            everything=everything,
            resume=resume,
            export_only=export_only,
            calibrate_from=calibrate_from,
            kinds=tuple(kind or ()),
            foreign=tuple(foreign or ()),
            device=device,
        )
        raise typer.Exit(0 if run(asked) else 130)


@teach.command()
@plainly
def crossval(
    recipe: Name,
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for folds, curves and out-of-fold answers; run again to go on.")],
    k: Annotated[int, typer.Option("-k", min=2, help="How many folds.")] = 5,
    weights: Weights = None,
    start: Start = None,
    hold_out: Rules = None,
    leave_out: Annotated[str | None, typer.Option(help="Column: every fold leaves out whole values of it.")] = None,
    epochs: Epochs = None,
    share: Annotated[
        list[float] | None,
        typer.Option(min=0.01, max=1, help="Learn from this share of the images; several make a learning curve."),
    ] = None,
    device: Device = "auto",
) -> None:
    """Train k times, each time without a part; tell how good it is there and when to stop."""
    from atisbo.cli.crossval import run
    from atisbo.cli.train import Asked

    with folders(data) as found:
        asked = Asked(
            recipe,
            found,
            out,
            command=spoken(sys.argv),
            weights=weights,
            start=start,
            hold_out=tuple(hold_out or ()),
            epochs=epochs,
            device=device,
        )
        raise typer.Exit(0 if run(asked, k, leave_out, share or ()) else 130)
