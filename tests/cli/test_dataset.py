"""``atisbo dataset``, and the commands that read a dataset, as a person types them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from atisbo.cli import app
from atisbo.domain.access import Actor, Role
from atisbo.domain.applications import installed
from atisbo.services.work import Workplace
from tests.services.curated import spotted

HERE = Path(__file__).parents[1]
RECIPE = """
name = "bright"
seed = 3
[input]
size = [32, 32]
[output]
labels = ["bright"]
activation = "sigmoid"
[network]
kind = "unet"
channels = [8, 16]
[train]
epochs = 1
batch_size = 4
"""


def command(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


def furnished(folder: Path, name: str) -> None:
    """An application that outlines what is bright, under this name, which asks for consent."""
    shutil.copytree(HERE / "applications_for_tests/bright", folder / name)
    toml = folder / name / "application.toml"
    consent = '\n[consent]\nversion = 1\ntext.es = "Sí"\ntext.en = "Yes"\n'
    toml.write_text(toml.read_text().replace('name = "bright"', f'name = "{name}"') + consent)


@pytest.fixture
def made(
    workplace: Workplace, make_actor: Callable[..., Actor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The number of a dataset of fourteen outlined images, made by the command."""
    folder = tmp_path / "applications"
    for name in ("bright", "folders", "coco", "yolo"):
        furnished(folder, name)
    monkeypatch.setenv("ATISBO_APPLICATIONS_DIR", str(folder))
    monkeypatch.setenv("ATISBO_DATABASE_URL", str(workplace.settings.database_url))
    monkeypatch.setenv("ATISBO_DATA_DIR", str(workplace.settings.data_dir))
    ana = make_actor()
    for seed in range(14):
        spotted(workplace, ana, seed, kind=installed(folder)["bright"])
    return command("dataset", "create", "bright", "A set", "--ungrouped", "--purpose", "A test").split()[0]


def test_a_dataset_is_made_listed_shown_and_written(made: str, tmp_path: Path) -> None:
    assert f"{made}  bright" in command("dataset", "list")
    assert command("dataset", "list", "polyp") == ""
    said = command("dataset", "show", made)
    assert said.startswith("# A set")
    assert "A test" in said
    assert "Carencias conocidas" in command("dataset", "show", made, "--language", "es")
    command("dataset", "export", made, tmp_path / "out", "--format", "coco")
    assert (tmp_path / "out/annotations/training.json").is_file()
    refused = CliRunner().invoke(app, ["dataset", "export", made, str(tmp_path / "out")])
    assert refused.exit_code == 1
    assert "is not empty" in refused.output


def test_training_keeps_to_the_sides_and_never_sees_the_sealed_one(made: str, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    command("train", recipe, "--data", f"snapshot:{made}", "--out", tmp_path / "run")
    command("dataset", "export", made, tmp_path / "out", "--sealed")
    sides = {one["file"]: one["split"] for one in json.loads((tmp_path / "out/dataset.json").read_text())["items"]}
    assert set(sides.values()) == {"training", "validation", "test"}
    for run in (tmp_path / "run", tmp_path / "again"):
        found = json.loads((run / "split.json").read_text()) if run.exists() else {}
        if not found:
            command("train", recipe, "--data", tmp_path / "out", "--out", run)
            found = json.loads((run / "split.json").read_text())
        for side, name in (("training", "train"), ("validation", "validation")):
            wanted = {file for file, split in sides.items() if split == side}
            assert {one.split("/")[1] for one in found[name]} == wanted


def test_profiling_reads_a_dataset(made: str, tmp_path: Path) -> None:
    command("profile", f"snapshot:{made}", "--json", tmp_path / "p.json", "--html", tmp_path / "p.html", "--workers", 1)
    found = json.loads((tmp_path / "p.json").read_text())
    assert found["counts"]["images"] == found["counts"]["masks"] > 8


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("snapshot:nothing", "nothing is no dataset"),
        ("snapshot:00000000-0000-0000-0000-000000000000", "There is no such dataset."),
        ("nowhere", "There is no folder nowhere."),
    ],
)
def test_what_is_no_dataset_is_one_sentence(made: str, word: str, sentence: str) -> None:
    result = CliRunner().invoke(app, ["profile", word])
    assert result.exit_code == 1
    assert sentence in result.output


@pytest.fixture
def worker(made: str) -> Iterator[None]:
    """A worker on the database of the tests."""
    process = subprocess.Popen([sys.executable, "-m", "atisbo", "worker"])
    yield
    process.terminate()
    process.wait(30)


def contents(folder: Path) -> list[tuple[object, ...]]:
    """What a dataset holds, without what differs from one installation to the next."""
    items = json.loads((folder / "dataset.json").read_text())["items"]
    return sorted((one["picture"], *one["masks"].values(), one["split"]) for one in items)


def test_what_was_written_comes_back_the_same(
    made: str, worker: None, make_actor: Callable[..., Actor], tmp_path: Path
) -> None:
    make_actor("cleo", Role.CURATOR)
    wanted = None
    for form in ("folders", "coco", "yolo"):
        out = tmp_path / form
        command("dataset", "export", made, out, "--format", form, "--sealed")
        wanted = contents(out)
        said = command("dataset", "import", form, out, "--as", "cleo@example.org", "--agree")
        assert "14 images are in" in said
        number = command("dataset", "create", form, "Again", "--ungrouped").split()[0]
        command("dataset", "export", number, tmp_path / f"{form}-again", "--sealed")
        assert contents(tmp_path / f"{form}-again") == wanted
    again = command("dataset", "import", "yolo", tmp_path / "yolo", "--as", "cleo@example.org", "--agree")
    assert "14 images are in" in again
    assert len(command("dataset", "list", "yolo").splitlines()) == 1
