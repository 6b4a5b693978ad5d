"""``atisbo train`` and ``atisbo evaluate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from atisbo.errors import Misconfigured

learn = typer.Typer(no_args_is_help=True)

Data = Annotated[
    list[Path],
    typer.Option(
        "--data",
        exists=True,
        file_okay=False,
        help="Folder of images/, masks/ and index.csv; repeat for more.",
    ),
]


@learn.callback()
def main() -> None:
    """Train and judge networks."""


@learn.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Name of a shipped recipe, or path of a TOML file.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, curves and the exported network.")],
    weights: Annotated[Path | None, typer.Option(help="Folder of pretrained encoders.")] = None,
    hold_out: Annotated[list[str] | None, typer.Option(help="column=value, kept out altogether; repeatable.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the checkpoint in --out.")] = False,
) -> None:
    """Train a network on labelled images."""
    try:
        from atisbo.training.story import train as run
    except ModuleNotFoundError as error:
        raise Misconfigured(
            "training_missing",
            "Training needs {package}, which is not installed: pip install 'atisbo[training]'",
            package=error.name,
        ) from error
    from atisbo.training.recipe import load_recipe

    chosen = load_recipe(recipe)
    if hold_out:
        chosen = chosen.model_copy(update={"data": chosen.data.model_copy(update={"hold_out": tuple(hold_out)})})
    done = run(chosen, data, out, weights=weights, command=spoken(sys.argv), resume=resume)
    raise typer.Exit(0 if done else 130)


def spoken(argv: list[str]) -> str:
    """The command line without the machine's folders: of every path only the last part."""
    parts = (Path(part).name if "/" in part else part for part in argv[1:] if part != "--resume")
    return " ".join(["atisbo", *parts])
