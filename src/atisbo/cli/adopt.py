"""``atisbo import``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from atisbo.cli.main import plainly


@plainly
def adopt(
    file: Annotated[Path, typer.Argument(help="Network: .onnx, .keras, .h5, or a state_dict in .safetensors.")],
    application: Annotated[
        Path, typer.Option("--application", exists=True, file_okay=False, help="Folder with application.toml.")
    ],
    recipe: Annotated[
        str | None, typer.Option(help="For .safetensors: the recipe whose network the weights belong to.")
    ] = None,
) -> None:
    """Bring a network from elsewhere into an application.

    FILE is opened in processes without network, secrets or write access beyond a folder of their own, converted to
    ONNX, compared with its own framework on random input, and tried against the application's card. Only then
    model.onnx and card.json are written into the folder; a file that is refused changes nothing.

    The folder says what the network eats and answers: \\[input.tensor] and \\[output] of application.toml (they move
    into card.json), or the card.json that is there. Files that carry code are refused: Lambda layers, objects of one's
    own, pickles (.pt, .pth).

    Example: atisbo import network.keras --application applications/leaves
    """
    from atisbo.adopt.adoption import adopt as bring
    from atisbo.cli.learn import spoken

    found = bring(file, application, recipe=recipe, command=spoken(sys.argv))
    typer.echo(f"{found.card.version}: model.onnx and card.json are in {application}")
    if found.converted is not None:
        typer.echo(f"converted from {found.kind}: answers differ by at most {found.converted:.1e}")
    typer.echo(f"ONNX Runtime and OpenVINO differ by at most {found.proved:.1e}; its quality was never measured here")
