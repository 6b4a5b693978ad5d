"""The JSON of a profile. It says the same of the same folder whenever and wherever it is made."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Counts(Part):
    """Of everything in the folder."""

    files: int
    """That were opened, or tried."""
    bytes: int
    """Of those."""
    images: int
    """That can be opened."""
    masks: int
    """That can be opened."""
    bad: int
    """Files, folders and links that cannot be opened."""
    other: int
    """Not pictures by their name; not opened."""


class Fault(Part):
    """Something that cannot be opened."""

    path: str
    code: str
    reason: str


class Member(Part):
    """A picture of a group."""

    path: str
    values: dict[str, str]
    """Its class, split and group columns, where it has them."""


class Group(Part):
    """Pictures of the same bytes."""

    members: tuple[Member, ...]
    crosses: tuple[str, ...]
    """Columns in which they differ: ``split`` is a leak, ``class`` a contradiction."""


class NearPair(Part):
    """Two pictures of a group."""

    a: str
    b: str
    bits: int
    """Of 64 bits of the perceptual hash, how many differ."""
    similarity: float
    """Cosine of the fine structures at 32 × 32, up to 1."""
    crosses: tuple[str, ...]


class NearGroup(Part):
    """Pictures that hang together through near-equal pairs; of several files of the same bytes only the first."""

    members: tuple[Member, ...]
    pairs: tuple[NearPair, ...]
    """Those that cross a column first, then the most similar; at most 50."""
    pairs_found: int
    crosses: tuple[str, ...]
    """Columns in which the two of some pair differ."""


class Near(Part):
    bits: int
    """The bound that was used."""
    similarity: float
    """The bound that was used."""
    pairs: int
    at_least: bool
    """There are more pairs: some pictures have too many partners to find them all, as in a film."""
    crossing: dict[str, int]
    """Column → pairs that differ in it."""
    groups: tuple[NearGroup, ...]


class Tally(Part):
    """How often each value occurs, most often first."""

    name: str
    counts: dict[str, int]


class Spread(Part):
    """Quantiles of a quantity."""

    least: float
    quarter: float
    median: float
    three_quarters: float
    most: float


class Sizes(Part):
    width: Spread | None
    """Pixels."""
    height: Spread | None
    """Pixels."""
    bytes: Spread | None
    common: dict[str, int]
    """The twelve most frequent sizes, ``width × height``."""
    different: int
    """How many sizes there are."""


class Channel(Part):
    counts: tuple[int, ...]
    """Images by bin."""
    mean: float
    deviation: float


class Intensity(Part):
    """Mean intensity of the images, by class; the class is empty for all of them together."""

    label: str
    images: int
    red: Channel
    green: Channel
    blue: Channel


class Mismatch(Part):
    image: str
    mask: str
    image_size: tuple[int, int]
    """Width and height, pixels."""
    mask_size: tuple[int, int]


class Masks(Part):
    """One folder of masks."""

    folder: str
    masks: int
    """That can be opened."""
    empty: tuple[str, ...]
    full: tuple[str, ...]
    faint: tuple[str, ...]
    """Not black, but nowhere over 127: read as empty. Often written as 0 and 1."""
    not_binary: tuple[str, ...]
    """More than two grey values."""
    mismatched: tuple[Mismatch, ...]
    without_image: tuple[str, ...]
    images_without: tuple[str, ...]
    area: Spread | None
    """Share of the picture, of masks that are not empty."""
    area_counts: tuple[int, ...]
    """Masks by share of the picture, in 40 equal bins from 0 to 1; empty ones left out."""


class IndexPart(Part):
    """What the index.csv files say that is not so."""

    rows: int
    missing: tuple[str, ...]
    twice: tuple[str, ...]
    not_listed: tuple[str, ...]
    """Images that no row names, where there are rows at all."""


class Profile(Part):
    """Everything found in a folder."""

    schema_version: Literal[1] = 1
    version: str
    """Of Atisbo."""
    folder: str
    """Its name, without where it lies."""
    counts: Counts
    columns: tuple[str, ...]
    """Group columns that were looked at."""
    faults: tuple[Fault, ...]
    exact: tuple[Group, ...]
    near: Near
    flat: tuple[str, ...]
    """Pictures of one colour; left out of the search for near duplicates."""
    classes: dict[str, int]
    splits: dict[str, int]
    class_by_split: dict[str, dict[str, int]]
    groups: dict[str, dict[str, int]]
    """Column → value → images."""
    sizes: Sizes
    formats: dict[str, int]
    modes: dict[str, int]
    """``RGB, 8 bits`` and so on."""
    intensity_edges: tuple[float, ...]
    """Bounds of the bins of the intensity histograms, 0 to 256."""
    intensity: tuple[Intensity, ...]
    masks: tuple[Masks, ...]
    index: IndexPart
