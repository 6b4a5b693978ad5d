"""``atisbo train`` from start to card: the only commands that load torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from atisbo.cli.judge import judge, measurements, show
from atisbo.cli.sources import MANIFEST
from atisbo.domain.cards import Card, Gate, Measurement
from atisbo.errors import Invalid, Misconfigured
from atisbo.evaluation.calibration import choose_gate

try:
    from atisbo.cli.operating import Rows, calibrated, out_of_fold
    from atisbo.training import story
    from atisbo.training.crossval import OUT_OF_FOLD, read_out_of_fold
    from atisbo.training.devices import place
    from atisbo.training.gate import Kinds, add_gate, read_kinds, thinned
    from atisbo.training.networks import Network
    from atisbo.training.recipe import Recipe, load_recipe
    from atisbo.training.split import GROUP, ORIGIN, Split, load
    from atisbo.training.stack import stack
except ModuleNotFoundError as error:
    raise Misconfigured(
        "training_missing",
        "Training needs {package}, which is not installed: pip install 'atisbo[training]'",
        package=error.name,
    ) from error


@dataclass(frozen=True)
class Asked:
    """What a person asked of ``atisbo train``."""

    recipe: str
    folders: Sequence[Path]
    out: Path
    command: str
    weights: Path | None = None
    start: Path | None = None
    hold_out: tuple[str, ...] = ()
    epochs: int | None = None
    share: float | None = None
    everything: bool = False
    resume: bool = False
    export_only: bool = False
    calibrate_from: Path | None = None
    kinds: tuple[str, ...] = ()
    device: str = "auto"


def run(asked: Asked) -> bool:
    """Train, export, measure with the serving engine, write the card.

    Returns:
        Whether the run reached its end (or only its export was asked for).
    """
    console = Console()
    recipe = varied(load_recipe(asked.recipe), asked)
    split = load(asked.folders, recipe)
    with place("cpu" if asked.export_only else asked.device) as here:
        done = asked.export_only or story.train(
            recipe,
            split,
            asked.out,
            weights=asked.weights,
            start=asked.start,
            command=asked.command,
            resume=asked.resume,
            place=here,
            console=console,
        )
        if done and here.first:
            publish(recipe, split, asked, console)
    return done


def publish(recipe: Recipe, split: Split, asked: Asked, console: Console) -> None:
    """Export what was trained, choose its operating point, measure it, write the card."""
    texts = recipe.model_dump(include={"intended_use", "limits", "licence"})
    rows = unseen(recipe, split, asked)
    gate = gated(recipe, split, asked) if asked.kinds else None
    card = story.publish(asked.out, split, calibrated, gate=gate, console=console).model_copy(update=texts)
    if rows:
        found = calibrated(recipe, rows["logits"], rows["label"])
        names = card.output.model_dump(include={"scores", "embedding"})
        card = card.model_copy(update={"output": found.model_copy(update=names)})
    card = measured(card, split, asked.out, recipe.data.hold_out, asked.command, console)
    if rows:
        card = card.model_copy(update={"quality": (crossed(recipe, rows, card, asked, console), *card.quality)})
    card.write(asked.out / story.CARD)


def unseen(recipe: Recipe, split: Split, asked: Asked) -> Rows:
    """The out-of-fold answers to calibrate on; of a whole cross-validation, the ratios' share is learned first."""
    path = asked.calibrate_from
    if path is None:
        return {}
    if path.is_dir():
        stackable = recipe.structures and recipe.structures.ratios and len(recipe.output.labels) == 2
        path = stack(recipe, [*split.train, *split.validation], path, asked.out) if stackable else path / OUT_OF_FOLD
    return read_out_of_fold(path, recipe.output.labels)


def crossed(recipe: Recipe, rows: Rows, card: Card, asked: Asked, console: Console) -> Measurement:
    """How good the recipe was on the folds that it did not train on."""
    figures = out_of_fold(recipe, rows)
    name = f"cross-validated over {len(set(rows['fold'].tolist()))} folds"
    show(console, name, figures)
    return Measurement(
        name=name,
        data=f"{len(rows['label'])} images, each judged by a network that was trained without it",
        data_sha256=card.lineage.data_sha256,
        command=asked.command,
        figures=figures,
    )


def gated(recipe: Recipe, split: Split, asked: Asked) -> Callable[[Network], Gate]:
    """What gives the network its head for foreign pictures, from the folders of ``--kind name=DIR``.

    Raises:
        Misconfigured: the recipe does not say which kinds are its own.
    """
    if recipe.gate is None:
        raise Misconfigured("gate_missing", "--kind needs a section [gate] in the recipe, which names the own kinds.")
    chosen_gate = recipe.gate
    pictures = read_kinds(by_kind(asked.kinds), recipe.input, chosen_gate)
    own = chosen_gate.own[0]
    trained, validated = (
        [image.pixels for image in thinned(side, chosen_gate.pictures)] for side in (split.train, split.validation)
    )
    kinds = Kinds.of({own: [*trained, *pictures.pop(own, [])], **pictures}, own, validated)

    def give(network: Network) -> Gate:
        return add_gate(
            network,
            recipe.input,
            kinds,
            chosen_gate,
            lambda ours, foreign, keep: choose_gate(ours, foreign, keep=keep).threshold,
        )

    return give


def by_kind(words: Sequence[str]) -> dict[str, list[Path]]:
    """Folders of each ``name=DIR``.

    Raises:
        Invalid: a word is not of that form.
    """
    found: dict[str, list[Path]] = {}
    for word in words:
        name, sign, folder = word.partition("=")
        if not name or not sign or not Path(folder).is_dir():
            raise Invalid(
                "kind_wrong", "--kind {word} is not of the form name=DIR with a folder that exists.", word=word
            )
        found.setdefault(name, []).append(Path(folder))
    return found


def varied(recipe: Recipe, asked: Asked) -> Recipe:
    """The recipe with what the command line changes in it."""
    data = recipe.data
    if any((folder / MANIFEST).is_file() for folder in asked.folders):
        data = data.model_copy(update={"split": "split", "group_columns": (*data.group_columns, "group")})
    if asked.hold_out:
        data = data.model_copy(update={"hold_out": asked.hold_out})
    if asked.share is not None:
        data = data.model_copy(update={"share": asked.share})
    if asked.everything:
        data = data.model_copy(update={"validation": 0.0})
    train = recipe.train.model_copy(update={"epochs": asked.epochs}) if asked.epochs else recipe.train
    return recipe.model_copy(update={"data": data, "train": train})


def measured(card: Card, split: Split, out: Path, rules: Sequence[str], command: str, console: Console) -> Card:
    """The card with its quality on the validation images and on those held out."""
    found: list[Measurement] = []
    validation, held_out = ([image.sample for image in side] for side in (split.validation, split.held_out))
    sides = {
        "validation images": validation,
        f"{', '.join(rules)}, not seen in training": held_out,
        "unlabelled frames left over, not seen in training": split.spare,
    }
    for name, samples in sides.items():
        if samples:
            report = judge(out, card, samples, command=command, group=GROUP)
            show(console, name, report.figures())
            found += measurements(report, name, ORIGIN)
    return card.model_copy(update={"quality": tuple(found)})
