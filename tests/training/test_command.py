"""``atisbo train`` and ``atisbo evaluate`` as a person types them, from labelled frames to an evaluated network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from atisbo.cli import app
from atisbo.cli.learn import spoken
from atisbo.domain.cards import Card
from tests.training.shapes import shapes

RECIPE = """
name = "ellipses"
seed = 3
[input]
size = [32, 32]
mean = [0.3, 0.3, 0.3]
std = [0.2, 0.2, 0.2]
[output]
labels = ["ellipse"]
activation = "sigmoid"
[network]
kind = "unet"
channels = [8, 16]
[data]
validation = 0.25
[train]
epochs = 10
batch_size = 4
learning_rate = 0.01
average = 0.8
"""

APPLICATION = """
[application]
name = "ellipses"
task = "segmentation"
title.en = "Ellipses"
summary.en = "Finds ellipses."
intended_use.en = "Tests."
"""

HERE = Path(__file__).parents[2]


def command(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.output + f"exit {result.exit_code}"


@pytest.fixture(scope="module")
def applications(frames: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one application whose network was trained by the command."""
    folder = tmp_path_factory.mktemp("applications") / "ellipses"
    folder.mkdir()
    (folder / "recipe.toml").write_text(RECIPE)
    said = command(
        "train", folder / "recipe.toml", "--data", frames, "--out", folder, "--hold-out", "centre=B"
    )  # fmt: skip
    assert said.endswith("exit 0"), said
    (folder / "application.toml").write_text(APPLICATION)
    return folder.parent


def test_training_ends_in_a_measured_card(applications: Path) -> None:
    card = Card.read(applications / "ellipses" / "card.json")
    assert [found.name for found in card.quality] == ["validation images", "centre=B, not seen in training"]
    validation, held_out = card.quality
    assert held_out.figures["dice"].n == 6
    assert held_out.figures["dice"].low <= held_out.figures["dice"].value <= held_out.figures["dice"].high
    assert validation.figures["dice_object"].value > 0.75
    assert validation.data_sha256 != held_out.data_sha256 != card.lineage.data_sha256


def test_evaluating_says_the_same_as_the_card(
    applications: Path, frames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATISBO_APPLICATIONS_DIR", str(applications))
    file = tmp_path / "report.json"
    said = command(
        "evaluate", "ellipses", "--data", frames, "--where", "centre=B", "--by", "centre", "--json", file
    )  # fmt: skip
    assert said.endswith("exit 0"), said
    assert "dice" in said
    written = json.loads(file.read_text())
    card = Card.read(applications / "ellipses" / "card.json")
    assert written["version"] == card.version
    assert written["images"] == 6
    assert written["figures"]["dice"]["value"] == pytest.approx(card.quality[1].figures["dice"].value, abs=1e-6)
    assert written["data_sha256"] == card.quality[1].data_sha256
    assert set(written["by"]["centre"]) == {"B"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("evaluate", "nothing", "--data", "{frames}"), "There is no application called nothing"),
        (("evaluate", "ellipses", "--data", "{frames}", "--where", "centre=Z"), "There is no image to evaluate"),
        (("evaluate", "ellipses", "--data", "{tmp}"), "no folder called images"),
        (("train", "nothing", "--data", "{frames}", "--out", "{tmp}"), "There is no recipe nothing"),
        (("train", "{recipe}", "--data", "{frames}", "--out", "{tmp}", "--resume"), "nothing to resume"),
        (("train", "{recipe}", "--data", "{frames}", "--out", "{tmp}", "--export-only"), "no epoch of this run"),
        (("train", "{recipe}", "--data", "{frames}", "--out", "{tmp}", "--device", "tpu"), "auto, cpu or cuda"),
        (
            ("train", "{recipe}", "--data", "{frames}", "--out", "{out}", "--export-only", "--kind", "a={frames}"),
            "--kind needs a section [gate]",
        ),
        (("train", "{recipe}", "--data", "{frames}", "--out", "{recipe}"), "recipe.toml cannot be written: File exist"),
        (("train", "{recipe}", "--data", "{frames}/images", "--out", "{tmp}"), "no folder called masks. Put the mask"),
        (("train", "{frames}/images/1.png", "--data", "{frames}", "--out", "{tmp}"), "no recipe: it is no text"),
        (
            ("crossval", "{recipe}", "--data", "{frames}", "--out", "{tmp}", "--leave-out", "nosuch"),
            "No image has the column nosuch that is to be left out by; there are centre, file",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(
    applications: Path,
    frames: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.setenv("ATISBO_APPLICATIONS_DIR", str(applications))
    places = {
        "out": applications / "ellipses",
        "frames": frames,
        "tmp": tmp_path,
        "recipe": applications / "ellipses" / "recipe.toml",
    }
    said = command(*(word.format(**places) for word in words))
    assert sentence in " ".join(said.split())
    assert said.endswith("exit 1")


CLASSES = """
name = "shapes"
[input]
size = [32, 32]
[output]
labels = ["small", "large"]
positive = "large"
activation = "softmax"
[network]
kind = "artcnn"
embedding = 8
[train]
epochs = 2
batch_size = 4
average = 0.5
watch = "auc"
[gate]
own = ["disc"]
pictures = 8
"""


@pytest.mark.parametrize(
    ("kinds", "sentence"),
    [
        (["other=nowhere"], "--kind other=nowhere is not of the form"),
        (["nope"], "--kind nope is not of the form"),
        (["ellipse={frames}", "other={tmp}"], "no folder called images"),
        (["disc={frames}"], "there are only own kinds"),
        (["ellipse={frames}"], "no picture of kind ring"),
    ],
)
def test_a_wrong_kind_is_told_before_the_training(
    frames: Path, tmp_path: Path, kinds: list[str], sentence: str
) -> None:
    recipe, nothing = tmp_path / "recipe.toml", tmp_path / "nothing"
    own = '["disc", "ring"]' if "ring" in sentence else '["disc"]'
    recipe.write_text(CLASSES.replace('["disc"]', own) + "synthetic = false\n")
    nothing.mkdir()
    words = [word for kind in kinds for word in ("--kind", kind.format(frames=frames, tmp=nothing))]
    said = command("train", recipe, "--data", frames, "--out", tmp_path / "run", *words)
    assert sentence in " ".join(said.split())
    assert said.endswith("exit 1")
    assert not (tmp_path / "run").exists()


def test_from_folds_to_a_network_that_learned_from_everything(frames: Path, tmp_path: Path) -> None:
    data, recipe = shapes(tmp_path / "shapes"), tmp_path / "recipe.toml"
    recipe.write_text(CLASSES)
    said = command("crossval", recipe, "-k", 2, "--data", data, "--out", tmp_path / "folds")
    assert said.endswith("exit 0"), said
    judged = json.loads((tmp_path / "folds" / "judgement.json").read_text())
    assert {"accuracy", "auc", "ece"} <= set(judged["figures"])
    answers = tmp_path / "folds" / "out_of_fold.npz"
    said = command(
        "train", recipe, "--data", data, "--out", tmp_path, "--everything", "--epochs", judged["epoch"],
        "--calibrate-from", answers, "--kind", f"ellipse={frames}",
    )  # fmt: skip
    assert said.endswith("exit 0"), said
    card = Card.read(tmp_path / "card.json")
    assert card.lineage.epochs == judged["epoch"]
    assert card.output.temperature == pytest.approx(judged["output"]["temperature"])
    assert card.output.threshold == pytest.approx(judged["output"]["threshold"])
    assert card.gate is not None
    assert (card.gate.kinds, card.gate.own) == (("disc", "ellipse", "other"), ("disc",))
    assert [one.name for one in card.quality] == ["cross-validated over 2 folds"]
    assert card.quality[0].figures["accuracy"].n == 24


def test_shares_make_a_learning_curve(tmp_path: Path) -> None:
    data, recipe, out = shapes(tmp_path / "shapes"), tmp_path / "recipe.toml", tmp_path / "curve"
    recipe.write_text(CLASSES)
    said = command(
        "crossval", recipe, "-k", 2, "--share", 0.5, "--share", 1, "--epochs", 1, "--data", data, "--out", out
    )
    assert said.endswith("exit 0"), said
    points = json.loads((out / "learning.json").read_text())
    assert [(point["share"], point["images"]) for point in points] == [(0.5, 6), (1, 12)]
    for point in points:
        figure = point["figures"]["accuracy"]
        assert figure["low"] <= figure["value"] <= figure["high"]
        assert figure["n"] == 24
    assert (out / "learning.png").read_bytes().startswith(b"\x89PNG")


def without_torch(*words: object) -> subprocess.CompletedProcess[str]:
    """The command in an interpreter that has no torch."""
    hidden = "import sys; sys.modules['torch'] = None\nfrom atisbo.cli import app\napp()"
    arguments = [sys.executable, "-c", hidden, *map(str, words)]
    return subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=HERE)


def test_without_torch_training_says_what_to_install(applications: Path, frames: Path, tmp_path: Path) -> None:
    recipe = applications / "ellipses" / "recipe.toml"
    said = without_torch("train", recipe, "--data", frames, "--out", tmp_path)
    assert said.returncode == 1
    assert "pip install 'atisbo[training]'" in said.stderr
    assert "Traceback" not in said.stderr


def test_without_torch_evaluating_works(applications: Path, frames: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATISBO_APPLICATIONS_DIR", str(applications))
    said = without_torch("evaluate", "ellipses", "--data", frames)
    assert (said.returncode, said.stderr) == (0, "")
    assert "ellipses-" in said.stdout


def test_a_card_names_no_folder_of_this_machine() -> None:
    line = ["/usr/bin/atisbo", "train", "polyp", "--data", "/home/me/polyp", "--out", "/home/me/run", "--resume"]
    assert spoken(line) == "atisbo train polyp --data polyp --out run"
    assert spoken(["atisbo", "train", "--kind", "eye=/data/fundus", "--hold-out", "centre=C1"]) == (
        "atisbo train --kind eye=fundus --hold-out centre=C1"
    )
