"""``atisbo reference``: what a network learnt from, written into its card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atisbo.cli.learn import Data, Rules
from atisbo.cli.main import plainly, settings
from atisbo.cli.sources import folders

if TYPE_CHECKING:
    from atisbo.cli.judge import Served
    from atisbo.domain.cards import Reference
    from atisbo.imaging.folders import Sample


@plainly
def reference(
    folder: Annotated[Path, typer.Argument(file_okay=False, exists=True, help="Folder of card.json and model.onnx.")],
    data: Data,
    unseen: Rules = None,
) -> None:
    """Write down in a card what the pictures that its network learnt from are like, so that drift can be told.

    --unseen names those that were kept aside, as for validation: they tell best how far is far.
    """
    from atisbo.cli.judge import opened, words
    from atisbo.domain.cards import Card
    from atisbo.imaging.folders import fits, read_folders

    with folders(data) as found:
        card = Card.read(folder / "card.json")
        samples = read_folders(found, unlabelled=True)
        aside = [fits(sample, unseen or ()) for sample in samples]
        told = described(opened(folder, card, settings().engine_precision), samples, aside)
        card.model_copy(update={"reference": told}).write(folder / "card.json")
        typer.echo(f"{card.version}: {words(samples)}")


def described(served: Served, samples: Sequence[Sample], unseen: Sequence[bool]) -> Reference:
    """Ask the network about every picture, with the engine that serves it."""
    from atisbo.cli.judge import words
    from atisbo.evaluation.measure import ahead
    from atisbo.evaluation.reference import describe
    from atisbo.imaging.folders import data_sha256

    looks = list(ahead(served.look, samples, served.parallel))
    return describe(
        [light for light, _, _ in looks],
        [spread for _, spread, _ in looks],
        [vector for _, _, vector in looks if vector is not None],
        unseen,
        data=words(samples),
        data_sha256=data_sha256(samples),
    )
