"""The card of a version: what its network eats, what comes out, where it comes from and how good it is.

The card decides the pixels: serving, training and evaluation take input size, scaling and threshold from here.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from atisbo.errors import Misconfigured

Task = Literal["segmentation", "classification"]
Triple = tuple[float, float, float]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TensorSpec(Strict):
    """RGB pixels to the input: resize to ``size``, divide by ``scale``, subtract ``mean``, divide by ``std``."""

    size: tuple[Annotated[int, Field(ge=8, le=4096)], Annotated[int, Field(ge=8, le=4096)]]
    """Height and width in pixels."""
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    scale: float = Field(default=255.0, gt=0)
    """What pixels of 0 to 255 are divided by, at least 1; not what they are multiplied by."""
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    resize: Literal["bilinear", "area"] = "area"
    """``area`` averages when it shrinks and is bilinear when it enlarges; ``bilinear`` samples without averaging."""

    @model_validator(mode="after")
    def _numbers_usable(self) -> Self:
        if self.scale < 1:
            raise ValueError(
                "scale is the number that pixels of 0 to 255 are divided by, so it is at least 1: "
                "write scale = 255 where a network is given them times 1/255"
            )
        if min(self.std) <= 0:
            raise ValueError("std must be above 0 for every channel")
        return self


class OutputSpec(Strict):
    """What the network's answer means."""

    labels: tuple[str, ...] = Field(min_length=1)
    """Segmentation: one label per foreground channel. Classification: one per class."""
    positive: str | None = None
    """Classification into two: the label whose probability is compared with ``threshold``."""
    activation: Literal["sigmoid", "softmax", "none"]
    """What turns the raw output into probabilities; ``none`` when the network already gives them."""
    temperature: float = Field(default=1.0, gt=0)
    """The raw output is divided by this before it is activated, so that probabilities agree with frequencies
    (Guo et al. 2017); found on validation data."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Segmentation: what a region has to reach somewhere; classification: what the positive label has to."""
    edge: float | None = Field(default=None, gt=0, lt=1)
    """Segmentation: how far down a region then goes (hysteresis, Canny 1986); down to the threshold if absent."""
    unsure_above: float | None = Field(default=None, gt=0, lt=1)
    """Largest uncertainty (see :mod:`atisbo.domain.uncertainty`) of an answer; above it the answer is "not sure"."""
    min_area_percent: float = Field(default=0.0, ge=0, lt=100)
    """Segmentation: smaller connected regions are dropped; percent of the analysed area."""
    scores: str | None = None
    """Name of the output that carries the answer; the first one if absent."""
    embedding: str | None = None
    """Name of a second output, for similarity."""

    @model_validator(mode="after")
    def _labels_agree(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must differ from one another")
        if self.positive is not None and self.positive not in self.labels:
            raise ValueError(f"positive {self.positive!r} is not one of the labels")
        if self.edge is not None and self.edge > self.threshold:
            raise ValueError("edge must not be above threshold")
        if self.activation == "none" and self.temperature != 1:
            raise ValueError("temperature needs a raw output: say sigmoid or softmax")
        return self

    @property
    def reach(self) -> float:
        """Segmentation: the least probability within a region."""
        return self.threshold if self.edge is None else self.edge


class Gate(Strict):
    """Whether a picture is of the application's kind at all, said by another output of the same network."""

    output: str
    """Name of the output: (n, kinds), raw; softmax makes probabilities of it."""
    kinds: tuple[str, ...] = Field(min_length=2)
    """What a picture may be, for example colonoscopy, fundus, disc, artwork, other."""
    own: tuple[str, ...] = Field(min_length=1)
    """The kinds that the application is for."""
    threshold: float = Field(gt=0, lt=1)
    """A picture whose own kinds have less than this together is refused as foreign."""
    kept_from: str = ""
    """The version whose gate was carried over to this network; empty where it was fitted for it."""

    @model_validator(mode="after")
    def _own_are_kinds(self) -> Self:
        if not set(self.own) < set(self.kinds):
            raise ValueError("own must be some of the kinds, not all")
        return self


class Ratio(Strict):
    """A measure made of two structures, for example the vertical cup-to-disc ratio."""

    name: str
    numerator: str
    denominator: str
    extent: Literal["height", "width", "area"]
    """What of each structure is compared."""


class Structures(Strict):
    """What a classification network outlines besides its answer, by another output of the same network."""

    output: OutputSpec
    """As of a segmentation; ``scores`` names the network's output."""
    ratios: tuple[Ratio, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.output.scores is None:
            raise ValueError("output.scores has to name the network's output")
        unknown = {name for r in self.ratios for name in (r.numerator, r.denominator)} - set(self.output.labels)
        if unknown:
            raise ValueError(f"ratios: {', '.join(sorted(unknown))} is not one of the labels")
        return self


class Interval(Strict):
    """A figure with its bootstrap interval."""

    value: float
    low: float | None
    """None, as ``high``, where all images belong together: they say nothing of how much others would differ."""
    high: float | None
    confidence: float = 0.95
    n: int
    """How many images it was computed on."""

    @property
    def edges(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)


class Measurement(Strict):
    """One evaluation: which data, which command, which figures."""

    name: str
    """For example ``validation frames`` or ``hospital C1, not seen in training``."""
    data: str
    """The data set in words."""
    data_sha256: str
    """Hash over the names and contents of the files that were used."""
    command: str
    figures: dict[str, Interval]


class Places(Strict):
    """Groups of pictures that a network's embedding puts together."""

    centres: tuple[tuple[float, ...], ...] = Field(min_length=1)
    """One direction for each group."""
    reach: float = Field(gt=0)
    """1 − cosine to the nearest centre beyond which a picture is far from all of them."""
    shares: tuple[float, ...]
    """Of the reference pictures in each group, then of those that are far."""

    @model_validator(mode="after")
    def _one_more(self) -> Self:
        if len(self.shares) != len(self.centres) + 1:
            raise ValueError("shares must be one more than centres")
        return self


class Reference(Strict):
    """What the pictures that the network learnt from are like, to hold later ones against."""

    images: int = Field(ge=1)
    data: str
    data_sha256: str
    brightness: tuple[float, ...]
    """Shares of equal steps of the mean pixel, black to white; ``contrast`` of the pixels' standard deviation."""
    contrast: tuple[float, ...]
    places: Places | None = None
    """Only of a network that gives an embedding."""


class Lineage(Strict):
    """Where the weights come from."""

    recipe: dict[str, Any] = {}
    seed: int | None = None
    data: str = ""
    data_sha256: str = ""
    encoder: str = ""
    trained_on: date | None = None
    command: str = ""
    epochs: int | None = None


class Card(Strict):
    """Everything that is known of one version of an application's network."""

    name: str = Field(min_length=1, max_length=80)
    task: Task
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Checksum of the model file; verified before it is loaded."""
    issue: int = Field(default=1, ge=1)
    """Which card of these weights; rises when another one, with another threshold say, is registered for them."""
    input: TensorSpec
    output: OutputSpec
    gate: Gate | None = None
    structures: Structures | None = None
    lineage: Lineage = Lineage()
    quality: tuple[Measurement, ...] = ()
    reference: Reference | None = None
    intended_use: str = ""
    limits: str = ""
    licence: str = ""

    @property
    def version(self) -> str:
        """Short name of this set of weights under this card, stored with every prediction it makes."""
        name = f"{self.name}-{self.sha256[:12]}"
        return name if self.issue == 1 else f"{name}.{self.issue}"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Parse a ``card.json``.

        Raises:
            Misconfigured: the file is missing or a field is wrong; the sentence names the field.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise Misconfigured("card_missing", "{path} is missing.", path=path) from error
        except ValidationError as error:
            raise Misconfigured("card_wrong", "{path}: {fault}", path=path, fault=first_fault(error)) from error

    def write(self, path: Path) -> None:
        """As JSON, lists of numbers on a line of their own."""
        text = self.model_dump_json(indent=1, exclude_defaults=False)
        path.write_text(_NUMBERS.sub(_on_one_line, text) + "\n", encoding="utf-8")


_NUMBERS: Final = re.compile(r"\[\s+-?[\d.e+-]+(?:,\s+-?[\d.e+-]+)*\s+\]")


def _on_one_line(found: re.Match[str]) -> str:
    return "[" + ", ".join(found[0][1:-1].replace(",", " ").split()) + "]"


def first_fault(error: ValidationError) -> str:
    """The first thing wrong in a validated file, as ``field: reason``."""
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "file"
    reason = "unknown field" if fault["type"] == "extra_forbidden" else fault["msg"]
    return f"{where}: {reason}"
