"""An application is a folder: ``application.toml``, a network, and a card if the network was trained here."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from atisbo.domain import guides
from atisbo.domain.cards import Card, OutputSpec, Strict, Task, TensorSpec, first_fault
from atisbo.domain.finding import FindSection
from atisbo.domain.forms import ReviewField
from atisbo.domain.images import Region
from atisbo.domain.kinds import Asked
from atisbo.domain.pairs import PairSection
from atisbo.domain.texts import LocalisedText, Name
from atisbo.errors import Invalid, Misconfigured

log = logging.getLogger(__name__)

SHIPPED: Final = Path(__file__).parent.parent / "applications"
"""The folder of the applications that come with Atisbo."""

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]


class About(Strict):
    name: Name
    task: Task
    title: LocalisedText
    summary: LocalisedText
    intended_use: LocalisedText
    order: int = 100
    """Place among the applications, smallest first; equal ones by name."""
    similar: Literal["pictures", "cases"] = "cases"
    """What stands beside an answer whose network gives embeddings: pictures like it, or reviewed cases like it."""


class InputSection(Strict):
    """What the person gives. ``region`` says whether a part may be marked, and of what shape."""

    region: Literal["none", "free", "square"] = "none"
    region_required: bool = False
    hint: LocalisedText | None = None
    """How to mark the part that matters, in one line."""
    kind: LocalisedText | None = None
    """What pictures are asked for, as in "this does not look like …"; else what the card's gate calls its own."""
    histogram: bool = False
    """Whether the workbench shows how often each brightness of red, green and blue occurs in the picture."""
    find: FindSection | None = None
    """Only with ``region = "square"``, and a card that has a gate and structures."""
    tensor: TensorSpec | None = None
    """Only without a card."""

    @model_validator(mode="after")
    def _region_agrees(self) -> Self:
        if self.region_required and self.region == "none":
            raise ValueError("region_required contradicts region = 'none'")
        if self.find is not None and self.region != "square":
            raise ValueError("find proposes a square: it needs region = 'square'")
        return self

    @property
    def asked(self) -> Asked:
        """What a picture of another kind is told."""
        find = self.find
        return Asked(self.kind, find.whole, find.unmarked) if find else Asked(self.kind)

    def check(self, region: Region | None) -> None:
        """Raises Invalid: a region is needed, or this one is not what is taken."""
        if region is None:
            if self.region_required:
                raise Invalid("region_needed", "Mark the part of the picture that matters first.")
        elif self.region == "none":
            raise Invalid("region_unwanted", "This application looks at the whole picture. Send it without a region.")
        elif self.region == "square" and region.width != region.height:
            raise Invalid("region_square", "The marked region has to be a square.")


class ReviewSection(Strict):
    fields: tuple[ReviewField, ...] = ()


class ConsentSection(Strict):
    """What a person agrees to before a picture is kept for training; ``version`` rises when the text changes."""

    version: int = Field(default=1, ge=1)
    text: LocalisedText


class Sample(Strict):
    """A picture to try without having one."""

    file: FileName
    title: LocalisedText
    source: str = Field(min_length=1)
    region: Region | None = None
    """The part that matters, to begin with; pixels of the picture."""


class _File(Strict):
    """``application.toml`` as it is written."""

    application: About
    input: InputSection = InputSection()
    output: OutputSpec | None = None
    labels: dict[str, LocalisedText] = Field(default_factory=dict)
    """Words for the card's labels, structures and ratios, by their names there."""
    review: ReviewSection = ReviewSection()
    pair: PairSection | None = None
    consent: ConsentSection | None = None
    samples: tuple[Sample, ...] = ()

    @field_validator("samples")
    @classmethod
    def _files_differ(cls, samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        if len({sample.file for sample in samples}) != len(samples):
            raise ValueError("two samples have the same file")
        return samples


class Application(Strict):
    """What a person chooses, without its network."""

    name: Name
    task: Task
    title: LocalisedText
    summary: LocalisedText
    intended_use: LocalisedText
    order: int = 100
    similar: Literal["pictures", "cases"] = "cases"
    input: InputSection
    output: OutputSpec | None
    """Only without a card."""
    labels: dict[str, LocalisedText] = Field(default_factory=dict)
    review: ReviewSection
    pair: PairSection | None = None
    """Whether two pictures of one person may be asked about together, with what is compared between them."""
    consent: ConsentSection | None
    samples: tuple[Sample, ...]
    guide: bool = False
    """Whether it has a guide: see :mod:`atisbo.domain.guides`."""
    folder: Path

    def word(self, label: str, language: str) -> str:
        """What a label, a structure or a ratio of the card is called."""
        return self.labels[label].in_(language) if label in self.labels else label.replace("_", " ")

    @property
    def model(self) -> Path:
        """Where the network lies."""
        return self.folder / "model.onnx"

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Parse ``folder/application.toml``.

        Raises:
            Misconfigured: something is missing, unknown or contradicts itself; the sentence names file and field.
        """
        path = folder / "application.toml"
        try:
            said = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise Misconfigured("application_missing", "{path} is missing.", path=path) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Misconfigured("application_toml", "{path} is not TOML: {fault}", path=path, fault=error) from error
        except ValidationError as error:
            fault = first_fault(error)
            raise Misconfigured("application_wrong", "{path}: {fault}", path=path, fault=fault) from error
        for sample in said.samples:
            if not (folder / "samples" / sample.file).is_file():
                raise _wrong(path, f"samples: {sample.file} is not in the folder samples")
        return cls(
            **said.application.model_dump(),
            input=said.input,
            output=said.output,
            labels=said.labels,
            review=said.review,
            pair=said.pair,
            consent=said.consent,
            samples=said.samples,
            guide=guides.check(folder),
            folder=folder,
        )


def _wrong(path: Path, fault: str) -> Misconfigured:
    return Misconfigured("application_wrong", "{path}: {fault}", path=path, fault=fault)


def load(folder: Path) -> tuple[Application, Card]:
    """An application and the card of its version: ``card.json`` if it is there, else one made from the TOML file.

    Raises:
        Misconfigured: a file is missing, or the two files say the same thing twice, or contradict each other.
    """
    application = Application.read(folder)
    path = folder / "application.toml"
    if not application.model.is_file():
        raise Misconfigured("model_missing", "{path} is missing.", path=application.model)
    tensor, output = application.input.tensor, application.output
    if (folder / "card.json").exists():
        if tensor is not None or output is not None:
            raise _wrong(path, "[input.tensor] and [output] are in card.json; leave them out here")
        card = Card.read(folder / "card.json")
    else:
        if tensor is None or output is None:
            raise _wrong(path, "without a card.json, [input.tensor] and [output] are needed")
        card = _plain_card(application, tensor, output)
    if fault := contradiction(application, card):
        raise _wrong(path, fault)
    return application, card


def contradiction(application: Application, card: Card) -> str | None:
    """In what a card is none for this application, as ``field: reason``; None where the two agree."""
    if card.task != application.task:
        return f"application.task is {application.task}, but the card's task is {card.task}"
    if card.task == "classification" and len(card.output.labels) < 2:
        return "output.labels: a classification needs at least two"
    if card.task == "segmentation" and card.output.positive is not None:
        return "output.positive: belongs to a classification"
    if card.task == "segmentation" and card.structures is not None:
        return "structures: belong to a classification"
    if unknown := set(application.labels) - set(names(card)):
        return f"labels.{min(unknown)}: the card has no such label"
    find, pair = application.input.find, application.pair
    fault = find.fault(card) if find else None
    return fault or (pair.fault(card, application.review.fields) if pair else None)


def names(card: Card) -> tuple[str, ...]:
    """The labels, structures and ratios that a reader may meet in an answer."""
    structures = card.structures
    inner = (*structures.output.labels, *(ratio.name for ratio in structures.ratios)) if structures else ()
    return (*card.output.labels, *inner)


def _plain_card(application: Application, tensor: TensorSpec, output: OutputSpec) -> Card:
    """A card for a network of unknown origin: no lineage, no measured quality."""
    return Card(
        name=application.name,
        task=application.task,
        sha256=sha256(application.model.read_bytes()).hexdigest(),
        input=tensor,
        output=output,
        intended_use=application.intended_use.in_("en"),
    )


def discover(places: Sequence[Path]) -> tuple[dict[str, tuple[Application, Card]], list[Misconfigured]]:
    """Every application in the sub-folders of ``places`` by name, and what is wrong with the others."""
    found: dict[str, tuple[Application, Card]] = {}
    faults: list[Misconfigured] = []
    for root in places:
        if not root.is_dir():
            faults.append(Misconfigured("applications_missing", "The folder {path} is missing.", path=root))
        for path in sorted(root.glob("*/application.toml")):
            try:
                application, card = load(path.parent)
                if application.name in found:
                    earlier = found[application.name][0].folder
                    raise _wrong(path, f"application.name: {earlier} has the same one")
            except Misconfigured as fault:
                faults.append(fault)
            else:
                found[application.name] = (application, card)
    ordered = sorted(found.items(), key=lambda item: (item[1][0].order, item[0]))
    return dict(ordered), faults


def roots(extra: Path | None = None) -> list[Path]:
    """Where applications lie: the shipped ones, then the operator's."""
    return [SHIPPED, *([extra] if extra else [])]


def installed(extra: Path | None = None) -> dict[str, tuple[Application, Card]]:
    """Every application that can be used, in their order; a broken one is reported and left out.

    Args:
        extra: the operator's own folder of application folders.
    """
    found, faults = discover(roots(extra))
    for fault in faults:
        log.error("application left out: %s", fault)
    return found
