"""A training run as one value. Read from TOML or JSON, unknown keys refused."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from atisbo.domain.cards import OutputSpec, Strict, TensorSpec, first_fault
from atisbo.errors import Misconfigured
from atisbo.training.sections import (
    AugmentRecipe,
    CalibrationRecipe,
    DataRecipe,
    DiscriminantRecipe,
    GateRecipe,
    NetworkRecipe,
    StructuresRecipe,
    TrainRecipe,
)

__all__ = ["AugmentRecipe", "DataRecipe", "NetworkRecipe", "Recipe", "TrainRecipe", "load_recipe", "shipped"]


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
    """Classification: its labels are the classes, in the order of the network's answer."""
    network: NetworkRecipe
    structures: StructuresRecipe | None = None
    discriminant: DiscriminantRecipe | None = None
    """Instead of training by steps; ``train.epochs`` is 1 then."""
    data: DataRecipe = DataRecipe()
    augment: AugmentRecipe = AugmentRecipe()
    train: TrainRecipe
    calibration: CalibrationRecipe = CalibrationRecipe()
    gate: GateRecipe | None = None
    intended_use: str = ""
    limits: str = ""
    licence: str = ""

    @property
    def task(self) -> Literal["segmentation", "classification"]:
        """What the network answers; its kind says so."""
        return self.network.task

    @property
    def watch(self) -> str:
        """The validation figure that decides."""
        return self.train.watch or ("dice" if self.task == "segmentation" else "accuracy")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.task == "segmentation":
            self._outlines()
        else:
            self._classifies()
        if self.input.layout != "NCHW":
            raise ValueError("input.layout: training writes NCHW networks")
        return self

    def _outlines(self) -> None:
        if self.output.activation != "sigmoid" or len(self.output.labels) != 1:
            raise ValueError("output: outlining knows one label with a sigmoid")
        if self.structures:
            raise ValueError("structures: they come beside a class; this network outlines already")
        if len(self.network.channels) < 2:
            raise ValueError("network.channels: a decoder has at least two levels")
        if self.augment.mixup:
            raise ValueError("augment.mixup: only classes can be blended")
        if self.watch not in ("dice", "accuracy", "loss"):
            raise ValueError(f"train.watch: an outline has no {self.watch}")

    def _classifies(self) -> None:
        if self.output.activation != "softmax" or len(self.output.labels) < 2:
            raise ValueError("output: classification needs a softmax over at least two labels")
        if self.network.channels:
            raise ValueError("network.channels: this network classifies; the decoder of structures has its own")
        if self.structures and self.network.kind == "squeezenet1_1":
            raise ValueError("structures: squeezenet1_1 has no levels that a decoder could climb")
        if self.watch == "dice" and not self.structures:
            raise ValueError("train.watch: there are no outlines whose Dice could be watched")
        if self.discriminant:
            self._solves()

    def _solves(self) -> None:
        chosen = self.network
        if self.structures or chosen.hidden or not chosen.standardise or chosen.embedding < len(self.output.labels):
            raise ValueError("discriminant: it needs standardise, an embedding, no hidden layers and no structures")
        if self.train.epochs != 1:
            raise ValueError("train.epochs: a discriminant is found in 1")


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
        text = _text(path)
    else:
        raise Misconfigured(
            "recipe_missing",
            "There is no recipe {name}. Give the path of a TOML file or one of: {shipped}.",
            name=name_or_path,
            shipped=", ".join(shipped()),
        )
    try:
        return Recipe.model_validate(json.loads(text) if path.suffix == ".json" else tomllib.loads(text))
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise Misconfigured("recipe_wrong", "{path}: {fault}", path=name_or_path, fault=error) from error
    except ValidationError as error:
        fault = first_fault(error)
        raise Misconfigured("recipe_wrong", "{path}: {fault}", path=name_or_path, fault=fault) from error


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise Misconfigured(
            "recipe_no_text",
            "{path} is no recipe: it is no text. Give the path of a TOML file or one of: {shipped}.",
            path=path,
            shipped=", ".join(shipped()),
        ) from error
