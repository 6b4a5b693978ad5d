"""A training run as one value: every knob, its meaning and its unit. Read from TOML, unknown keys refused."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from atisbo.domain.cards import OutputSpec, Strict, TensorSpec, first_fault
from atisbo.errors import Misconfigured


class NetworkRecipe(Strict):
    """Which network."""

    kind: Literal["unet", "resnet50v2_unet", "mobilenetv2_unet"]
    channels: tuple[int, ...] = Field(min_length=2)
    """``unet``: channels of each level, top first. Others: of the decoder's levels, bottom first."""
    encoder_weights: str = ""
    """File of pretrained weights in the folder given by ``--weights``; empty starts at random."""
    frozen: tuple[str, ...] = ()
    """Parameters whose name starts with one of these are not trained."""


class DataRecipe(Strict):
    """Which images, and how they are split."""

    validation: float = Field(default=0.15, gt=0, lt=1)
    """Share of every stratum that is kept for validation."""
    group_columns: tuple[str, ...] = ()
    """Columns of index.csv whose value keeps images together on one side of the split."""
    blocks: dict[str, int] = Field(default_factory=dict)
    """Folder name → n: images numbered k·n+1 … (k+1)·n are neighbouring frames and stay together."""
    alike: float = Field(default=0.0, ge=0, le=1)
    """Images whose 16 × 16 thumbnails correlate above this stay together; 0 switches it off."""
    strata: tuple[str, ...] = ()
    """Columns of index.csv over which validation is spread evenly; the folder is always one."""
    hold_out: tuple[str, ...] = ()
    """``column=value``: kept out of training and validation altogether."""
    unlabelled: dict[str, int] = Field(default_factory=dict)
    """Folder name → n: the folder has no masks; n of its images are used as frames with an empty answer."""


class AugmentRecipe(Strict):
    """Random changes to training images. A chance is 0 to 1, a range is uniform around the neutral value."""

    flip: float = 0.5
    """Chance of each of: mirror left-right, mirror up-down."""
    rotate_degrees: float = 0.0
    """Rotation within ± this."""
    zoom: tuple[float, float] = (1.0, 1.0)
    """Magnification from … to; above 1 crops, below 1 leaves a black margin."""
    aspect: float = 0.0
    """Relative stretch of width against height, ±."""
    shift: float = 0.0
    """Shift of the centre, ± share of the side."""
    brightness: float = 0.0
    """Relative change of brightness, ±."""
    contrast: float = 0.0
    """Relative change of contrast, ±."""
    saturation: float = 0.0
    """Relative change of saturation, ±."""
    tint: float = 0.0
    """Relative change of each colour channel on its own, ±."""
    gamma: float = 0.0
    """Exponent 1 ± this."""
    blur: float = 0.0
    """Chance of a Gaussian blur of 0.5 to 1.5 pixels."""
    noise: float = 0.0
    """Chance of Gaussian noise with a standard deviation of 2 to 10 grey values."""
    jpeg: float = 0.0
    """Chance of JPEG compression at quality 30 to 80."""
    cutout: float = 0.0
    """Chance of one grey or white patch of up to a fifth of the side, which hides no label."""


class TrainRecipe(Strict):
    """How the weights are found."""

    epochs: int = Field(gt=0)
    batch_size: int = Field(default=8, gt=0)
    """Images per step."""
    small_epochs: int = Field(default=0, ge=0)
    """The first epochs run on smaller images."""
    small_size: tuple[int, int] = (192, 192)
    """Height and width in those epochs, pixels."""
    optimiser: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = Field(default=3e-4, gt=0)
    """Of the decoder, at its peak."""
    encoder_learning_rate: float | None = None
    """Of the encoder, at its peak; as the decoder's if absent."""
    weight_decay: float = Field(default=0.0, ge=0)
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of all steps over which the rate grows linearly from 0."""
    floor: float = Field(default=0.01, ge=0, le=1)
    """Share of the peak rate that the cosine ends at; 1 keeps it constant."""
    average: float = Field(default=0.0, ge=0, lt=1)
    """Decay per step of the running average of weights that is validated and exported; 0 averages nothing."""
    border_weight: float = Field(default=0.0, ge=0)
    """Extra weight of pixels near an outline (Wei et al. 2020, F3Net use 5)."""
    patience: int = Field(default=0, ge=0)
    """Stop after so many epochs without a better validation Dice; 0 never."""
    clip: float = Field(default=0.0, ge=0)
    """Largest norm of the gradient; 0 does not clip."""
    bfloat16: bool = True
    """Automatic mixed precision."""


class Recipe(Strict):
    """A whole training run."""

    name: str = Field(min_length=1, max_length=80)
    """Becomes the card's name."""
    summary: str = ""
    """Command, duration and expected result, for whoever reads the file."""
    seed: int = 42
    """Of the split, the initial weights, the order and the augmentation."""
    input: TensorSpec
    output: OutputSpec
    network: NetworkRecipe
    data: DataRecipe = DataRecipe()
    augment: AugmentRecipe = AugmentRecipe()
    train: TrainRecipe
    intended_use: str = ""
    limits: str = ""
    licence: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.output.activation != "sigmoid" or len(self.output.labels) != 1:
            raise ValueError("output: training knows one label with a sigmoid")
        if self.input.layout != "NCHW":
            raise ValueError("input.layout: training writes NCHW networks")
        return self


def shipped() -> list[str]:
    """Names of the recipes that come with the package."""
    folder = resources.files("atisbo.training") / "recipes"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe by the name of a shipped one, or from a file.

    Raises:
        Misconfigured: there is none, it is no TOML, or a field is wrong; the sentence names the field.
    """
    path = Path(name_or_path)
    if name_or_path in shipped():
        text = (resources.files("atisbo.training") / "recipes" / f"{name_or_path}.toml").read_text("utf-8")
    elif path.is_file():
        text = path.read_text("utf-8")
    else:
        raise Misconfigured(
            "recipe_missing",
            "There is no recipe {name}. Give the path of a TOML file or one of: {shipped}.",
            name=name_or_path,
            shipped=", ".join(shipped()),
        )
    try:
        return Recipe.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured("recipe_wrong", "{path}: {fault}", path=name_or_path, fault=error) from error
    except ValidationError as error:
        fault = first_fault(error)
        raise Misconfigured("recipe_wrong", "{path}: {fault}", path=name_or_path, fault=fault) from error
