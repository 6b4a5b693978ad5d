from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from atisbo.cli import app
from atisbo.domain.applications import SHIPPED
from atisbo.domain.findings import SegmentationFindings
from tests.applications_for_tests.networks import HERE
from tests.pictures import CANARY, jpeg, opened, with_metadata

RUN = CliRunner()
FRAME = SHIPPED / "polyp" / "samples" / "frame-4.jpg"


@pytest.fixture(autouse=True)
def _applications(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATISBO_APPLICATIONS_DIR", str(HERE))


def test_a_sample_frame_is_outlined_without_a_server(tmp_path: Path) -> None:
    said = RUN.invoke(app, ["predict", "polyp", str(FRAME), "--out", str(tmp_path / "out")])
    assert said.exit_code == 0, said.output
    assert said.stdout.startswith(f"{FRAME}: polyp ")
    mask, overlay = (opened((tmp_path / "out" / f"frame-4-{kind}.png").read_bytes()) for kind in ("mask", "overlay"))
    assert mask.mode == "L"
    assert mask.size == overlay.size == opened(FRAME.read_bytes()).size
    assert set(np.unique(np.asarray(mask))) == {0, 255}


def test_one_json_object_a_line_bad_files_too(tmp_path: Path) -> None:
    bad = tmp_path / "page.jpg"
    bad.write_text("<!doctype html><html>")
    missing = tmp_path / "missing.png"
    said = RUN.invoke(app, ["predict", "polyp", "--json", str(FRAME), str(bad), str(missing)])
    assert said.exit_code == 1
    first, *failed = [json.loads(line) for line in said.stdout.splitlines()]
    findings = SegmentationFindings.model_validate_json(json.dumps(first["findings"]))
    assert not findings.empty
    assert first["version"].startswith("polyp")
    assert "Not a medical device" in first["notice"]
    assert [line["error"]["code"] for line in failed] == ["image_unsupported", "file_unreadable"]
    assert "HTML" in failed[0]["error"]["detail"]
    assert "Traceback" not in said.output


def test_a_folder_becomes_a_table(tmp_path: Path) -> None:
    inside = tmp_path / "museum"
    (inside / "room").mkdir(parents=True)
    (inside / ".hidden").mkdir()
    (inside / "room" / "a.JPG").write_bytes(jpeg())
    (inside / "b.png").write_bytes(b"no picture")
    (inside / "notes.txt").write_text("no picture")
    (inside / ".hidden" / "c.jpg").write_bytes(jpeg())
    target = tmp_path / "table.csv"
    said = RUN.invoke(app, ["predict", "colour", str(inside), "--csv", str(target)])
    assert (said.exit_code, said.stdout) == (1, f"{target}: 1 of 2 pictures answered\n")
    failed, done = csv.DictReader(target.read_text().splitlines())
    assert (failed["file"], failed["state"], failed["answer"]) == (str(inside / "b.png"), "failed", "")
    assert failed["problem"].startswith("This file is not a picture")
    assert (done["file"], done["state"], done["answer"]) == (str(inside / "room" / "a.JPG"), "done", "red")
    assert done["certainty"] == done["p_red"]

    nothing = RUN.invoke(app, ["predict", "colour", str(inside / ".hidden" / ".." / "room"), "--csv", str(tmp_path)])
    assert nothing.exit_code == 2
    (inside / "room" / "a.JPG").unlink()
    assert "There is no picture in" in RUN.invoke(app, ["predict", "colour", str(inside / "room")]).output


def test_a_file_that_is_called_like_a_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("=1+1.jpg").write_bytes(jpeg())
    RUN.invoke(app, ["predict", "colour", "=1+1.jpg", "--csv", "table.csv"])
    (row,) = csv.DictReader(Path("table.csv").read_text().splitlines())
    assert row["file"] == "'=1+1.jpg"


def test_an_application_without_code_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.jpg").write_bytes(with_metadata(200, 100))
    files = [str(tmp_path / folder / "same.jpg") for folder in ("a", "b")]
    out = tmp_path / "out"
    said = RUN.invoke(app, ["predict", "bright", *files, "--out", str(out)])
    assert said.exit_code == 0, said.output
    assert {path.name for path in out.iterdir()} == {
        f"{stem}-{kind}.png" for stem in ("same", "same-2") for kind in ("mask", "overlay")
    }
    assert all(CANARY.encode() not in path.read_bytes() for path in out.iterdir())


def test_a_classification_has_a_label_and_no_pictures(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(jpeg())
    said = RUN.invoke(app, ["predict", "colour", str(file), "--out", str(tmp_path / "out")])
    assert (said.exit_code, said.stdout.split(": ")[1].split()[0]) == (0, "red")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.fixture
def eye(tmp_path: Path) -> Path:
    """A red disc of half the side of the marked part, and a green cup of a quarter."""
    pixels = np.zeros((100, 160, 3), np.uint8)
    pixels[20:60, 60:100, 0] = 255
    pixels[30:50, 70:90, 1] = 255
    file = tmp_path / "eye.png"
    Image.fromarray(pixels).save(file)
    return file


def test_a_marked_part_is_answered_with_its_ratio(eye: Path, tmp_path: Path) -> None:
    part = ["--region", "40,0,80,80"]
    said = RUN.invoke(app, ["predict", "eye", *part, "--json", "--out", str(tmp_path / "out"), str(eye)])
    assert said.exit_code == 0, said.output
    findings = json.loads(said.stdout)["findings"]
    assert findings["ratios"]["vertical_cdr"] == pytest.approx(0.5, abs=0.06)
    assert [region["label"] for region in findings["structures"]["regions"]] == ["disc", "cup"]
    assert not findings["unsure"]
    mask = np.asarray(opened((tmp_path / "out" / "eye-mask.png").read_bytes()))
    assert mask.shape == (100, 160)
    assert mask[40, 80] == 255
    assert mask[25, 80] == 128
    line = RUN.invoke(app, ["predict", "eye", *part, str(eye)]).stdout
    assert line.startswith(f"{eye}: normal 9")
    assert "vertical_cdr 0.5" in line


def test_an_answer_beyond_the_limit_is_told_as_unsure(tmp_path: Path) -> None:
    pixels = np.zeros((24, 24, 3), np.uint8)
    pixels[..., 0], pixels[::4, :, 1] = 255, 255
    file = tmp_path / "a.png"
    Image.fromarray(pixels).save(file)
    line = RUN.invoke(app, ["predict", "eye", str(file)]).stdout
    assert line.startswith(f"{file}: not sure, have an expert look: ")
    findings = json.loads(RUN.invoke(app, ["predict", "eye", "--json", str(file)]).stdout)["findings"]
    assert findings["unsure"]
    assert findings["uncertainty"] > 0.7


def test_a_picture_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "blue.png"
    Image.new("RGB", (50, 50), (10, 0, 255)).save(file)
    said = RUN.invoke(app, ["predict", "eye", str(file)])
    assert said.exit_code == 1
    assert said.stdout.startswith(f"{file}: refused. This does not look like a crop of the optic disc, red.")
    told = json.loads(RUN.invoke(app, ["predict", "eye", "--json", str(file)]).stdout)["error"]
    assert told["code"] == "foreign"
    assert "It looks like a fundus photograph." in told["detail"]


@pytest.mark.parametrize(
    ("application", "region", "sentence"),
    [
        ("eye", "1,2,3", "four whole numbers"),
        ("eye", "a,b,c,d", "four whole numbers"),
        ("eye", "0,0,-5,5", "four whole numbers"),
        ("eye", "0,0,50,40", "has to be a square"),
    ],
)
def test_a_region_that_cannot_be_is_a_sentence(eye: Path, application: str, region: str, sentence: str) -> None:
    said = RUN.invoke(app, ["predict", application, "--region", region, str(eye)])
    assert said.exit_code == 1
    assert sentence in said.stderr


def test_a_region_outside_one_file_fails_that_file(eye: Path) -> None:
    said = RUN.invoke(app, ["predict", "eye", "--region", "0,0,120,120", "--json", str(eye)])
    assert said.exit_code == 1
    assert json.loads(said.stdout)["error"]["code"] == "region_outside"


def test_an_unknown_application_is_a_sentence() -> None:
    said = RUN.invoke(app, ["predict", "nothing", str(FRAME)])
    assert said.exit_code == 1
    assert "no application called nothing" in said.stderr
    assert said.stdout == ""


def test_an_application_that_needs_a_region_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(shutil.copytree(HERE / "colour", tmp_path / "colour"))
    definition = folder / "application.toml"
    definition.write_text(definition.read_text().replace("[input]\n", "[input]\nregion_required = true\n"))
    monkeypatch.setenv("ATISBO_APPLICATIONS_DIR", str(tmp_path))
    said = RUN.invoke(app, ["predict", "colour", str(FRAME)])
    assert said.exit_code == 1
    assert "needs a marked region" in said.stderr


def test_it_runs_as_a_command_in_an_empty_folder(tmp_path: Path) -> None:
    """No server, no database, nothing left behind."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ATISBO_")}
    done = subprocess.run(
        [sys.executable, "-m", "atisbo", "predict", "polyp", str(FRAME), "--json"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["findings"]["regions"]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear")
    for out in (tmp_path / "letter" / "out", tmp_path / "letter" / "out" / "further"):
        said = RUN.invoke(app, ["predict", "polyp", str(FRAME), "--out", str(out)])
        assert said.exit_code == 1
        assert f"{out} cannot be written: Not a directory" in said.stderr
