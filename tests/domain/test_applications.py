from __future__ import annotations

import logging
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from atisbo.domain.applications import SHIPPED, Application, discover, installed, load, names
from atisbo.domain.cards import Card, OutputSpec, TensorSpec
from atisbo.errors import Misconfigured

HERE = Path(__file__).parent.parent / "applications_for_tests"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the smallest application."""
    return Path(shutil.copytree(HERE / "bright", tmp_path / "apps" / "bright"))


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "application.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def card(folder: Path, **changes: object) -> Card:
    spec, output = TensorSpec(size=(32, 32)), OutputSpec(labels=("bright",), activation="none")
    made = Card(name="b", task="segmentation", sha256="0" * 64, input=spec, output=output).model_copy(update=changes)
    made.write(folder / "card.json")
    return made


def without_spec(folder: Path) -> None:
    path = folder / "application.toml"
    path.write_text(path.read_text().split("[input.tensor]")[0])


def test_an_application_is_a_toml_file_and_a_network(folder: Path) -> None:
    application, made = load(folder)
    assert (application.name, application.task, application.input.region) == ("bright", "segmentation", "free")
    assert application.title.in_("es") == application.title["es"] == "Claro"
    assert application.title.in_("fr") == "Bright"
    assert application.folder == folder
    assert made.sha256 == sha256((folder / "model.onnx").read_bytes()).hexdigest()
    assert (made.input.layout, made.output.labels, made.quality) == ("NHWC", ("bright",), ())
    assert made.version == f"bright-{made.sha256[:12]}"


def test_a_trained_version_is_described_by_its_card_alone(folder: Path) -> None:
    without_spec(folder)
    written = card(folder)
    assert load(folder)[1] == written


def test_one_language_will_do(folder: Path) -> None:
    edit(folder, 'title.en = "Bright"\n', "")
    assert load(folder)[0].title.in_("en") == "Claro"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "bright"\n', "", "application.name: Field required"),
        ('name = "bright"', 'name = "Bright Spots"', "application.name: .*pattern"),
        ('name = "bright"', 'name = "../etc"', "application.name: .*pattern"),
        ('task = "segmentation"', 'task = "guessing"', "application.task: .*'segmentation' or 'classification'"),
        ('title.es = "Claro"\ntitle.en = "Bright"\n', "", "application.title: Field required"),
        ('title.es = "Claro"\ntitle.en = "Bright"\n', 'title.es = ""\n', "application.title: .*es or en"),
        ("[input]\n", "[input]\ncolour = 1\n", "input.colour: unknown field"),
        ('region = "free"', 'region = "round"', "input.region: "),
        ('region = "free"', 'region = "none"\nregion_required = true', "input: .*region_required contradicts"),
        ("size = [32, 32]\n", "", "input.tensor.size: Field required"),
        ("size = [32, 32]", "size = [32]", "input.tensor.size"),
        ('layout = "NHWC"', 'layout = "CHWN"', "input.tensor.layout"),
        ('layout = "NHWC"', "scale = 0.00392", "input.tensor: .*divided by, so it is at least 1: write scale = 255"),
        ('layout = "NHWC"', "std = [1.0, 0.0, 1.0]", "input.tensor: .*std must be above 0"),
        ('labels = ["bright"]', "labels = []", "output.labels"),
        ('labels = ["bright"]', 'labels = ["a", "a"]', "output: .*labels must differ"),
        ('activation = "none"', 'activation = "relu"', "output.activation"),
        ('activation = "none"', 'activation = "none"\nthreshold = 1.5', "output.threshold"),
        (
            'activation = "none"',
            'activation = "none"\npositive = "bright"',
            "output.positive: belongs to a classification",
        ),
        ('task = "segmentation"', 'task = "classification"', "output.labels: a classification needs at least two"),
        ("[output]", "[outputs]", "outputs: unknown field"),
        ("[application]", "[application", "is not TOML"),
        ("[output]", '[[samples]]\nfile = "a.jpg"\ntitle.es = "A"\nsource = "s"\n[output]', "samples: a.jpg is not in"),
        (
            "[output]",
            '[[samples]]\nfile = "../a.jpg"\ntitle.es = "A"\nsource = "s"\n[output]',
            "samples.0.file: .*pattern",
        ),
        ("[output]", '[consent]\nversion = 0\ntext.es = "Sí"\n[output]', "consent.version"),
        (
            "[output]",
            '[review]\nfields = [{name = "eye", type = "choice", label.es = "Ojo"}]\n[output]',
            "review.fields.0: .*choices",
        ),
    ],
)
def test_what_is_wrong_is_named_by_file_and_field(folder: Path, old: str, new: str, said: str) -> None:
    edit(folder, old, new)
    with pytest.raises(Misconfigured, match=said) as caught:
        load(folder)
    assert str(folder / "application.toml") in str(caught.value)


@pytest.mark.parametrize("file", ["application.toml", "model.onnx"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(Misconfigured, match=f"{file} is missing"):
        load(folder)


def test_without_a_card_the_network_has_to_be_described(folder: Path) -> None:
    without_spec(folder)
    with pytest.raises(Misconfigured, match=r"input\.tensor"):
        load(folder)


def test_what_the_card_says_must_not_be_said_again(folder: Path) -> None:
    card(folder)
    with pytest.raises(Misconfigured, match=r"are in card\.json; leave them out here"):
        load(folder)


def test_card_and_definition_have_one_task(folder: Path) -> None:
    without_spec(folder)
    card(folder, task="classification", output=OutputSpec(labels=("a", "b"), activation="softmax"))
    with pytest.raises(
        Misconfigured, match=r"application\.task is segmentation, but the card's task is classification"
    ):
        load(folder)


def test_labels_structures_and_ratios_have_words() -> None:
    application, card = load(HERE / "eye")
    assert names(card) == ("normal", "glaucoma", "disc", "cup", "vertical_cdr")
    assert application.labels["glaucoma"]["es"] == "sospecha de glaucoma"
    assert str(application.input.kind) == "a crop of the optic disc, red"


def test_words_for_labels_that_the_card_does_not_have_are_refused(folder: Path) -> None:
    with (folder / "application.toml").open("a") as file:
        file.write('\n[labels.cat]\nen = "a cat"\n')
    with pytest.raises(Misconfigured, match=r"labels\.cat: the card has no such label"):
        load(folder)


def test_structures_belong_to_a_classification(folder: Path) -> None:
    without_spec(folder)
    card(folder, structures=load(HERE / "eye")[1].structures)
    with pytest.raises(Misconfigured, match="structures: belong to a classification"):
        load(folder)


def test_a_broken_application_takes_no_other_down(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    roots = [HERE, folder.parent, folder / "nowhere"]
    edit(folder, 'task = "segmentation"', 'task = "guessing"')
    shutil.copytree(HERE / "colour", folder.parent / "twin")
    found, faults = discover(roots)
    assert sorted(found) == ["bright", "colour", "eye"]
    assert found["bright"][0].folder == HERE / "bright"
    told = " ".join(str(fault) for fault in faults)
    assert len(faults) == 3
    assert "application.task" in told
    assert "has the same one" in told
    assert "nowhere is missing" in told
    with caplog.at_level(logging.ERROR):
        assert "colour" in installed(folder.parent)
    assert "application.task" in caplog.text


def test_what_is_shipped_is_whole() -> None:
    found, faults = discover([SHIPPED])
    assert faults == []
    assert "polyp" in found
    for application, described in found.values():
        for text in (application.title, application.summary, application.intended_use):
            assert text.es
            assert text.en
        assert application.samples
        assert described.quality
        assert described.lineage.data_sha256
        assert application.consent is None or (application.consent.text.es and application.consent.text.en)


def test_reading_needs_no_network(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    assert Application.read(folder).name == "bright"


def test_the_shipped_ones_come_in_their_order() -> None:
    assert list(installed()) == ["polyp", "glaucoma", "art"]
