from __future__ import annotations

from pathlib import Path

import pytest

from atisbo.errors import Misconfigured
from atisbo.training.recipe import load_recipe, shipped

GOOD = """
name = "mine"
[input]
size = [32, 32]
[output]
labels = ["thing"]
activation = "sigmoid"
[network]
kind = "unet"
channels = [4, 8]
[train]
epochs = 1
"""


def test_every_shipped_recipe_can_be_read_by_name() -> None:
    assert {"polyp", "unet"} <= set(shipped())
    for name in shipped():
        assert load_recipe(name).train.epochs > 0


def test_the_classic_unet_is_the_published_one() -> None:
    recipe = load_recipe("unet")
    assert recipe.network.channels == (32, 64, 128, 256, 512)
    assert recipe.input.size == (256, 256)
    assert (recipe.train.optimiser, recipe.train.learning_rate, recipe.train.batch_size) == ("adam", 1e-4, 8)
    assert recipe.seed == 42


def test_the_baseline_has_the_split_of_what_it_is_compared_with() -> None:
    classic, baseline, shipped = (load_recipe(name) for name in ("unet", "polyp_unet", "polyp"))
    assert (baseline.network, baseline.train, baseline.augment) == (classic.network, classic.train, classic.augment)
    assert baseline.data == shipped.data


def test_the_classifiers_of_the_literature_are_theirs() -> None:
    vgg, small = load_recipe("vgg19"), load_recipe("artcnn")
    assert (vgg.train.optimiser, vgg.train.learning_rate, vgg.input.size) == ("rmsprop", 1e-5, (224, 224))
    assert (vgg.network.embedding, vgg.network.hidden) == (0, ())
    assert (small.train.optimiser, small.train.epochs, small.input.size) == ("adam", 10, (150, 150))
    assert (small.network.hidden, small.network.embedding) == ((128, 128, 128), 128)


def test_a_recipe_can_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert load_recipe(str(path)).name == "mine"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("epochs = 1", "epochs = 1\nepoch = 2"), "train.epoch: unknown field"),
        (("epochs = 1", "epochs = 0"), "train.epochs"),
        (('kind = "unet"', 'kind = "vnet"'), "network.kind"),
        (('activation = "sigmoid"', 'activation = "softmax"'), "one label with a sigmoid"),
        (('kind = "unet"', 'kind = "artcnn"'), "softmax over at least two labels"),
        (("channels = [4, 8]", "channels = [4]"), "at least two levels"),
        (("epochs = 1", 'epochs = 1\nwatch = "auc"'), "an outline has no auc"),
        (("[train]", "[train"), "line"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(Misconfigured, match=sentence):
        load_recipe(str(path))


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(Misconfigured, match=r"one of: .*unet"):
        load_recipe("nothing")
