from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from atisbo.cli import app
from atisbo.cli.judge import chosen, judge, measurements
from atisbo.cli.learn import chosen_samples, foreign_samples
from atisbo.errors import Invalid, NotFound
from atisbo.evaluation.report import Report
from atisbo.evaluation.structures import slug
from tests.applications_for_tests.networks import HERE
from tests.evaluation.eyes import eyes, strangers
from tests.training.ellipses import ellipses

RUN = CliRunner()
EYE = HERE / "eye"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("eyes")
    return eyes(root / "eyes"), strangers(root / "strangers")


@pytest.fixture(scope="module")
def report(folders: tuple[Path, Path]) -> Report:
    folder, card = chosen(str(EYE), None)
    samples, foreign = chosen_samples(card, [folders[0]], None, False), foreign_samples(card, [folders[1]])
    return judge(folder, card, samples, command="atisbo evaluate eye", group="source", precision="f32", foreign=foreign)


def values(report: Report) -> dict[str, float]:
    return {name: one.value for name, one in report.figures().items()}


def test_everything_a_network_answers_is_measured(report: Report) -> None:
    found = values(report)
    assert found["accuracy"] == pytest.approx(11 / 12)
    assert found["sensitivity"] == pytest.approx(4 / 5)
    assert found["specificity"] == 1.0
    assert found["auc"] == pytest.approx(1 - 1 / 5 * (1 - rank(report)))
    assert min(found["dice_disc"], found["dice_cup"]) > 0.98
    assert found[f"mae_{slug('vertical_cdr')}"] == pytest.approx(0, abs=0.03)
    assert found["kept"] == 1.0
    assert found["refused"] == pytest.approx(2 / 3)
    assert {"precision_at_5", "map", "map_elsewhere", "unsure", "accuracy_sure"} <= found.keys()
    assert found["recall_at_1_half"] > 0  # the pictures' mean colours are all that the embedding is


def rank(report: Report) -> float:
    """Share of the normal ones that score lower than the one with the wrong name, ties half."""
    scores = [(row.choice.probabilities[1], row.choice.truth) for row in report.rows if row.choice]
    odd = scores[-1][0]
    others = [score for score, truth in scores if truth == 0]
    return sum((score < odd) + 0.5 * (score == odd) for score in others) / len(others)


def test_rows_say_what_was_chosen(report: Report) -> None:
    last = report.rows[-1]
    assert last.choice is not None
    assert (last.file, last.choice.truth, last.choice.answer) == ("eyes/11.png", 1, 0)
    assert last.columns["class"] == "glaucoma"
    assert [row.values["refused"] for row in report.foreign] == [1.0, 1.0, 0.0]
    assert report.by_foreign_folder()["strangers"]["refused"].n == 3


def test_it_becomes_measurements_as_a_whole_and_by_column(report: Report) -> None:
    whole, *parts = measurements(report, "validation", "source")
    assert [part.name for part in parts] == ["validation, a", "validation, b"]
    assert whole.data == "12 eyes; 3 of other kinds"
    assert parts[0].figures["accuracy"].n == 6


def run(*arguments: Any) -> str:
    said = RUN.invoke(app, [str(argument) for argument in arguments])
    assert said.exit_code == 0, said.output
    return said.output


def test_the_command_writes_figures_and_a_page(folders: tuple[Path, Path], tmp_path: Path) -> None:
    page, figures = tmp_path / "page.html", tmp_path / "figures.json"
    shown = run("evaluate", EYE, "--data", folders[0], "--foreign", folders[1], "--by", "source", "--json", figures,
                "--html", page)  # fmt: skip
    assert "balanced_accuracy" in shown
    assert "source b" in shown
    written = json.loads(figures.read_text())
    assert written["confusion"] == [[7, 0], [1, 4]]
    assert written["command"].startswith("atisbo")
    assert set(written["by"]["source"]) == {"a", "b"}
    text = page.read_text()
    assert "eyes/11.png" in text
    assert "glaucoma, called normal" in text
    assert text.count("data:image/webp") >= 12
    assert "strangers/red.png" in text


def test_outlines_are_judged_by_an_application_folder(tmp_path: Path) -> None:
    data, figures = ellipses(tmp_path / "frames"), tmp_path / "figures.json"
    run("evaluate", HERE / "bright", "--data", data, "--json", figures, "--html", tmp_path / "page.html")
    written = json.loads(figures.read_text())
    assert written["task"] == "segmentation"
    assert {"dice", "mdice_pranet", "mae", "empty_right"} <= written["figures"].keys()
    assert "frames/1.png" in (tmp_path / "page.html").read_text()


def test_two_versions_are_compared_by_folder_or_by_file(folders: tuple[Path, Path], tmp_path: Path) -> None:
    figures, difference = tmp_path / "figures.json", tmp_path / "difference.json"
    run("evaluate", EYE, "--data", folders[0], "--json", figures)
    shown = run("compare", EYE, figures, "--data", folders[0], "--json", difference)
    assert shown.count("cannot be told apart") == 3
    written = json.loads(difference.read_text())
    assert written["differences"]["accuracy"]["value"] == 0.0
    assert len(written["sentences"]) == 3


def test_what_cannot_be_judged_is_said_in_a_sentence(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for arguments, sentence in (
        (("evaluate", "nothing", "--data", folders[0]), "no application called nothing"),
        (("evaluate", EYE, "--data", folders[0], "--where", "source=z"), "no image to evaluate"),
        (("evaluate", HERE / "bright", "--data", folders[0], "--unlabelled", "--foreign", folders[1]), "has no gate"),
        (("evaluate", EYE, "--data", folders[0], "--group", "patient"), "No image has the column patient; there are"),
        (("compare", EYE, EYE), "Name folders with --data"),
        (
            ("evaluate", EYE, "--data", folders[0], "--html", tmp_path / "no" / "r.html"),
            "r.html cannot be written: the",
        ),
        (("evaluate", EYE, "--data", folders[0], "--json", tmp_path / "no" / "r.json"), f"no folder {tmp_path / 'no'}"),
        (("compare", EYE, EYE, "--data", folders[0], "--json", tmp_path / "no" / "r.json"), "Make it first"),
        (("profile", folders[0], "--html", tmp_path / "no" / "r.html"), "r.html cannot be written: there is no folder"),
        (("profile", folders[0], "--index", tmp_path / "no" / "r.csv"), "r.csv cannot be written: there is no folder"),
    ):
        said = RUN.invoke(app, [str(argument) for argument in arguments])
        assert said.exit_code == 1
        assert sentence in " ".join(said.output.split())


def test_an_unknown_class_is_named(folders: tuple[Path, Path], tmp_path: Path) -> None:
    data = eyes(tmp_path / "eyes")
    index = data / "index.csv"
    index.write_text(index.read_text().replace("normal", "healthy"))
    folder, card = chosen(str(EYE), None)
    samples = chosen_samples(card, [data], None, False)
    with pytest.raises(Invalid, match=r"eyes/01.png: its class is healthy, but the network knows normal, glaucoma"):
        judge(folder, card, samples, command="c")


def test_only_what_is_there_is_chosen() -> None:
    assert chosen("polyp", None)[1].name == "polyp"
    assert chosen("eye", HERE)[1].name == "eye"
    with pytest.raises(NotFound):
        chosen("nowhere", None)
