"""The recipes that a network of an application can be trained by, read as data: this floor loads no training code."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.errors import NotFound

SHIPPED: Final = Path(__file__).parent.parent / "training" / "recipes"


@dataclass(frozen=True)
class Recipe:
    name: str
    """What one chooses it by: the file's name."""
    said: dict[str, Any]

    @property
    def summary(self) -> str:
        return str(self.said.get("summary", "")).strip()

    @property
    def epochs(self) -> int:
        return int(self.said.get("train", {}).get("epochs", 1))

    @property
    def from_file(self) -> bool:
        """It begins with weights that lie in a file; here it goes on from a version instead."""
        return bool(self.said.get("network", {}).get("encoder_weights"))


def fitting(application: Application, card: Card) -> list[Recipe]:
    """Those in the application's folder (recipe.toml, recipes/), then shipped ones that answer the same question."""
    found: dict[str, Recipe] = {}
    for recipe in _all(application):
        output = recipe.said.get("output", {})
        same = tuple(output.get("labels", ())) == card.output.labels and output.get("positive") == card.output.positive
        if same and not recipe.said.get("discriminant"):
            found.setdefault(recipe.name, recipe)
    return list(found.values())


def named(application: Application, card: Card, name: str) -> Recipe:
    """Raises NotFound: no such recipe fits the application; the sentence says which do."""
    found = {recipe.name: recipe for recipe in fitting(application, card)}
    if name in found:
        return found[name]
    if not found:
        raise NotFound("recipe_none", "No recipe fits this application. Put one into its folder, as recipe.toml.")
    raise NotFound(
        "recipe_unknown",
        "There is no recipe {name} for this application. Choose one of these: {names}.",
        name=name[:80],
        names=", ".join(found),
    )


def _all(application: Application) -> Iterator[Recipe]:
    own = [application.folder / "recipe.toml", *sorted((application.folder / "recipes").glob("*.toml"))]
    for path in [*own, *sorted(SHIPPED.glob("*.toml"))]:
        if path.is_file():
            yield Recipe(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
