from __future__ import annotations

import shutil
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from sqlalchemy import text
from typer.testing import CliRunner

from atisbo.cli import app
from atisbo.services.work import Workplace
from atisbo.store.blobs import collected
from tests.web.doors import APPLICATIONS

COLOURS = {"red": (200, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 200)}


def picture(path: Path, colour: tuple[int, int, int], seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 40, (32, 40, 3))
    Image.fromarray((np.array(colour) + noise - 20).clip(0, 255).astype(np.uint8)).save(path)


@pytest.fixture
def run(workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    shutil.copytree(APPLICATIONS / "colour", tmp_path / "applications/colour")
    for name, value in {
        "DATABASE_URL": workplace.settings.database_url or "",
        "DATA_DIR": str(workplace.settings.data_dir),
        "APPLICATIONS_DIR": str(tmp_path / "applications"),
    }.items():
        monkeypatch.setenv(f"ATISBO_{name}", value)

    def command(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["collection", *map(str, arguments)], env={"COLUMNS": "200"})

    return command


def test_a_collection_comes_in_is_listed_and_goes(workplace: Workplace, tmp_path: Path, run: object) -> None:
    assert callable(run)
    folder = tmp_path / "pictures"
    for number, (name, colour) in enumerate(COLOURS.items()):
        picture(folder / name / "one.png", colour, number)
    shutil.copy(folder / "red/one.png", folder / "red/the-same-again.png")
    whole = (folder / "red/one.png").read_bytes()
    (folder / "red/half.png").write_bytes(whole[: len(whole) // 2])
    (folder / "blue/notes.txt").write_text("not a picture")
    (folder / ".hidden").write_text("passed over")

    first = run("add", "colour", folder)
    assert "3 added, 1 there already, 2 not taken in" in first.output
    assert "red/half.png: The file is incomplete" in first.output
    assert "blue/notes.txt: This file is not a picture" in first.output
    assert first.exit_code == 1, "something was left out"
    assert "0 added, 4 there already, 2 not taken in" in run("add", "colour", folder).output, "it can be started again"

    listed = sorted(run("list", "colour", "--items").output.splitlines(), key=lambda line: line.split()[1])
    assert [line.split()[1] for line in listed] == ["blue", "green", "red"]
    assert listed[0].split()[2] == "blue/one.png"
    ids = [UUID(line.split()[0]) for line in listed]
    assert workplace.blobs.has(collected(ids[0], "thumbnail.jpg"))
    with workplace.transaction() as session:
        means = session.execute(text("SELECT label, vector_dims(vector) FROM embeddings ORDER BY label")).all()
        assert means == [("blue", 3), ("green", 3), ("red", 3)]

    assert "1 taken out" in run("remove", "colour", ids[0]).output
    unknown = run("remove", "colour", "--label", "nope")
    assert unknown.exit_code == 1
    assert "has the label nope. There are: green, red." in unknown.output
    assert "Name items by their ids" in run("remove", "colour").output
    assert "2 taken out" in run("remove", "colour", "--all").output
    assert "nothing in the collection of colour" in run("remove", "colour", "--all").output
    with workplace.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM embeddings")) == 0, "and of every search"
        assert session.scalar(text("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'take_out'")) == 2


def test_the_list_of_a_folder_says_label_source_and_place(tmp_path: Path, run: object) -> None:
    assert callable(run)
    picture(tmp_path / "p/a.png", COLOURS["red"], 1)
    picture(tmp_path / "p/not-listed.png", COLOURS["red"], 2)
    index = tmp_path / "p/index.csv"
    index.write_text("file,class,source,licence\na.png,red,A museum,Free\nmissing.png,red,,\n")
    said = run("add", "colour", tmp_path / "p")
    assert "1 added, 0 there already, 1 not taken in" in said.output
    assert "missing.png: The file cannot be read" in said.output
    index.write_text("file,class\na.png,purple\n")
    assert "“purple” is none of the labels of colour" in run("add", "colour", tmp_path / "p").output
    index.write_text("name\na.png\n")
    assert "has no column named file" in run("add", "colour", tmp_path / "p").output


def test_an_application_without_embeddings_has_no_collection(tmp_path: Path, run: object) -> None:
    assert callable(run)
    shutil.copytree(APPLICATIONS / "bright", tmp_path / "applications/bright")
    (tmp_path / "p").mkdir()
    assert "gives no embeddings" in run("add", "bright", tmp_path / "p").output
    assert "There is no application called nothing" in run("add", "nothing", tmp_path / "p").output
