"""What a prediction says, in words and numbers: frozen, JSON-serialisable, without pixels."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from atisbo.domain.images import Region

Probability = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
Ring = tuple[tuple[int, int], ...]
"""(x, y) in the upright original's pixels, y down, through the centres of the outermost pixels; closed: the first
point is repeated at the end. At least four points."""
Polygon = tuple[Ring, ...]
"""The outer ring first, then its holes."""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RegionFinding(Frozen):
    """One connected region of one label."""

    label: str
    area_percent: Percent
    """Percent of the analysed area: of the marked region, or of the whole picture."""
    area_pixels: int = Field(gt=0)
    """Pixels of the original."""
    probability: Probability
    """Mean probability over the region's pixels."""
    box: Region
    """The smallest upright rectangle around it, in the original's pixels."""
    contour: tuple[Polygon, ...] = ()
    """Simplified outline, at most about one pixel off."""


class Doubt(Frozen):
    """How far from certain; answers that were stored before this was told have the defaults."""

    uncertainty: Probability | None = None
    """See :mod:`atisbo.domain.uncertainty`: 0 certain, 1 could be either. None where it was not told."""
    unsure: bool = False
    """The uncertainty is above the card's limit: have an expert look."""


class SegmentationFindings(Doubt):
    """What was outlined.

    ``probability`` is the highest probability of any single pixel, as the network gave it: it is never rescaled by
    the picture's own range, so that a picture without the object gets a low one and an empty outline.

    ``uncertainty`` is that of the answer which was given, against the threshold: of an outline, that of its most
    probable pixel; of an empty answer, that of the most probable pixel of all, and 1 where something above the
    threshold was dropped as too small. Of several labels, that of the least certain one.
    """

    task: Literal["segmentation"] = "segmentation"
    label: str
    """The label of the most probable pixel."""
    probability: Probability
    threshold: Probability
    """What a region has somewhere; its edge goes down to the card's ``reach``, where that is lower."""
    area_percent: Percent
    """All regions together (a pixel in two regions counts once), percent of the analysed area."""
    regions: tuple[RegionFinding, ...]
    """Largest first; at most 100 are listed, the mask has all."""
    empty: bool
    """Nothing was outlined."""
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    """Of the upright original, pixels."""


class ClassificationFindings(Doubt):
    """What the picture was taken for.

    ``uncertainty`` is that of the positive label's probability against the threshold, or, where no label is the
    positive one, that of a choice among all.
    """

    task: Literal["classification"] = "classification"
    label: str
    """The positive label where its probability reaches the threshold, else the most probable other one."""
    probabilities: dict[str, Probability]
    """One for each label, in the card's order."""
    probability: Probability
    """Of the positive label if there is one, else of ``label``."""
    threshold: Probability
    above: bool | None
    """Whether the positive label's probability reaches the threshold; None where no label is the positive one."""
    structures: SegmentationFindings | None = None
    """What was outlined besides."""
    ratios: dict[str, float] = Field(default_factory=dict)
    """Measures made of two structures, by the card's names; absent where the denominator was not found."""
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    """Of the upright original, pixels."""


Findings = Annotated[SegmentationFindings | ClassificationFindings, Field(discriminator="task")]


def without_outlines(findings: dict[str, Any] | None) -> dict[str, Any] | None:
    """Outlines are long and asked for by themselves."""
    if findings is None:
        return None
    if findings.get("structures"):
        return findings | {"structures": without_outlines(findings["structures"])}
    if "regions" not in findings:
        return findings
    regions = [{k: v for k, v in region.items() if k != "contour"} for region in findings["regions"]]
    return findings | {"regions": regions}


def outlines_in(findings: dict[str, Any] | None) -> dict[str, Any] | None:
    """The part of an answer that says what was outlined: all of it, or the structures beside a class."""
    if findings is None or findings["task"] == "segmentation":
        return findings
    structures: dict[str, Any] | None = findings.get("structures")
    return structures
