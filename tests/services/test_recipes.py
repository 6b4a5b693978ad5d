from __future__ import annotations

import pytest

from atisbo.domain.applications import installed
from atisbo.errors import NotFound
from atisbo.services import recipes


def test_an_unknown_recipe_lists_those_that_fit() -> None:
    application, card = installed()["polyp"]
    names = [recipe.name for recipe in recipes.fitting(application, card)]
    assert "polyp" in names
    assert recipes.named(application, card, "polyp").name == "polyp"
    with pytest.raises(NotFound, match=f"no recipe leaves .* one of these: {', '.join(names)}"):
        recipes.named(application, card, "leaves")


def test_where_no_recipe_fits_that_is_said() -> None:
    application, card = installed()["polyp"]
    other = card.model_copy(update={"output": card.output.model_copy(update={"labels": ("leaf",)})})
    with pytest.raises(NotFound, match="No recipe fits"):
        recipes.named(application, other, "leaves")
