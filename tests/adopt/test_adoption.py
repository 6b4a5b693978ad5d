"""Networks from elsewhere are served with the answers they gave where they come from."""

from __future__ import annotations

import hashlib
import shutil
import tomllib
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from safetensors.torch import save_file
from typer.testing import CliRunner

from atisbo.adopt.adoption import adopt
from atisbo.adopt.convert import Named, exported
from atisbo.adopt.folder import without_tables
from atisbo.adopt.proof import QUANTISED_BOUND, noise
from atisbo.adopt.refusal import Refused
from atisbo.adopt.weights import fill
from atisbo.cli import app
from atisbo.domain.applications import load
from atisbo.domain.cards import Card, OutputSpec, TensorSpec
from atisbo.domain.findings import ClassificationFindings
from atisbo.domain.images import Region
from atisbo.errors import Invalid
from atisbo.imaging.prepared import Prepared
from atisbo.imaging.transform import normalise
from atisbo.inference.registry import Registry
from atisbo.training.export import export
from atisbo.training.networks import Network, build
from atisbo.training.recipe import load_recipe
from tests.adopt.conftest import Folder, contents
from tests.applications_for_tests.networks import bright, colour

SIDE = 32
RECIPE = """\
name = "tiny"
[input]
size = [32, 32]
[output]
labels = ["hole"]
activation = "sigmoid"
[network]
kind = "unet"
channels = [4, 8]
[train]
epochs = 1
"""


def prepared(pixels: NDArray[np.uint8]) -> Prepared:
    side = len(pixels)
    return Prepared(pixels, (side, side), Region(x=0, y=0, width=side, height=side), "image/png")


def served(folder: Path) -> list[NDArray[np.float32]]:
    """Probabilities of the noise pictures, from the service's own registry, in float32."""
    registry = Registry.open([folder.parent], precision="f32")
    registry.load()
    assert registry.faults == []
    predictor = registry.predictor(folder.name)
    found = []
    for picture in noise(predictor.card.input.size):
        answer = predictor.predict(prepared(picture))
        if isinstance(answer.findings, ClassificationFindings):
            found.append(np.array(list(answer.findings.probabilities.values()), np.float32))
        else:
            assert answer.mask is not None
            found.append(mask(answer.mask))
    registry.close()
    return found


def mask(png: bytes) -> NDArray[np.float32]:
    import cv2

    read = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert read is not None
    return np.asarray(read > 0, np.float32)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_keras_classifier_answers_as_in_keras(keras_files: Path, folder: Folder, ending: str) -> None:
    place, source = folder("leaves"), keras_files / f"leaves.{ending}"
    found = adopt(source, place, recipe=None, command="atisbo import")
    assert found.converted is not None
    assert found.converted < 1e-5
    wanted = np.load(keras_files / "answers.npz")["leaves"]
    assert np.ptp(wanted, axis=0).max() > 0.05
    np.testing.assert_allclose(served(place), wanted, atol=1e-3)
    lineage = Card.read(place / "card.json").lineage
    assert source.name in lineage.data
    assert hashlib.sha256(source.read_bytes()).hexdigest() in lineage.data


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_keras_unet_outlines_as_in_keras(keras_files: Path, folder: Folder, ending: str) -> None:
    place = folder("holes", task="segmentation", labels=("hole",))
    adopt(keras_files / f"holes.{ending}", place, recipe=None, command="atisbo import")
    same(served(place), np.load(keras_files / "answers.npz")["holes"][..., 0])


def same(masks: list[NDArray[np.float32]], wanted: NDArray[np.float32]) -> None:
    """Every pixel is on its side of one half, where that is not a matter of the last digit."""
    assert 0.05 < (wanted > 0.5).mean() < 0.95
    clear = np.abs(wanted - 0.5) > 1e-3
    assert clear.mean() > 0.8
    assert (np.array(masks)[clear] == (wanted > 0.5)[clear]).all()


def tiny_unet(recipe: Path) -> tuple[Network, NDArray[np.float32]]:
    """A network of :data:`RECIPE`, which is written to ``recipe``, and its probabilities of the noise pictures: half of
    their pixels show the object, most of them clearly."""
    recipe.write_text(RECIPE)
    torch.manual_seed(3)
    network, spec = build(load_recipe(str(recipe))).eval(), TensorSpec(size=(SIDE, SIDE))
    batch = torch.from_numpy(normalise(noise(spec.size), spec))
    with torch.no_grad():
        network.head.weight *= 2 / network(batch)["logits"].std()
        network.head.bias -= network(batch)["logits"].median()
        return network, torch.sigmoid(network(batch)["logits"])[:, 0].numpy()


def test_weights_of_a_torch_unet_find_their_recipe(tmp_path: Path, folder: Folder) -> None:
    recipe, source = tmp_path / "tiny.toml", tmp_path / "unet.safetensors"
    network, wanted = tiny_unet(recipe)
    place = folder("holes", task="segmentation", labels=("hole",), layout="NCHW", activation="sigmoid")
    save_file({f"module.{name}": value for name, value in network.state_dict().items()}, source)
    adopt(source, place, recipe=str(recipe), command="atisbo import")
    same(served(place), wanted)


def test_a_quantised_network_comes_in_as_onnx_runtime_writes_it(tmp_path: Path, folder: Folder) -> None:
    plain, source, spec = tmp_path / "plain.onnx", tmp_path / "int8.onnx", TensorSpec(size=(SIDE, SIDE))
    network, wanted = tiny_unet(tmp_path / "tiny.toml")
    export(network, spec.size, plain, half=False)
    frames = iter([normalise(noise(spec.size, seed), spec) for seed in range(8)])

    class Frames(CalibrationDataReader):  # type: ignore[misc]  # the library has no types
        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            found = next(frames, None)
            return None if found is None else {"image": found}

    quant_pre_process(plain, tmp_path / "ready.onnx", skip_symbolic_shape=True)
    quantize_static(tmp_path / "ready.onnx", source, Frames(), per_channel=True, op_types_to_quantize=["Conv"])
    assert {entry.domain for entry in onnx.load(source).opset_import} > {"", "com.microsoft"}, "declared, not used"
    place = folder("holes", task="segmentation", labels=("hole",), layout="NCHW", activation="sigmoid")
    assert adopt(source, place, recipe=None, command="atisbo import int8.onnx").proved <= QUANTISED_BOUND
    clear = np.abs(wanted - 0.5) > 0.2
    assert clear.mean() > 0.5
    assert (np.array(served(place))[clear] == (wanted > 0.5)[clear]).mean() > 0.98


@pytest.mark.parametrize(("change", "reason"), [("drop", "lacks 1 weight"), ("add", "has 1 weight"), ("cut", "×")])
def test_weights_of_another_network_are_refused(tmp_path: Path, change: str, reason: str) -> None:
    recipe, source = tmp_path / "tiny.toml", tmp_path / "unet.safetensors"
    recipe.write_text(RECIPE)
    network = build(load_recipe(str(recipe)))
    weights = dict(network.state_dict())
    if change == "drop":
        del weights["head.weight"]
    elif change == "add":
        weights["more.weight"] = torch.zeros(3)
    else:
        weights["head.weight"] = torch.zeros(2, 4, 1, 1)
    save_file(weights, source)
    with pytest.raises(Refused, match=reason):
        fill(network, source)


def test_onnx_comes_in_as_it_is(tmp_path: Path, folder: Folder) -> None:
    source = tmp_path / "bright.onnx"
    onnx.save(bright(), source)
    place = folder("bright", task="segmentation", labels=("bright",))
    before = tomllib.loads((place / "application.toml").read_text())
    found = adopt(source, place, recipe=None, command="atisbo import bright.onnx")
    assert found.converted is None
    assert (place / "model.onnx").read_bytes() == source.read_bytes()
    assert served(place)[0].shape == (SIDE, SIDE)
    assert sorted(contents(place)) == ["application.toml", "card.json", "model.onnx"]
    after = (place / "application.toml").read_text()
    del before["input"]["tensor"], before["output"]
    assert tomllib.loads(after) == before
    assert "# An application without a network yet." in after
    assert "# The form below an answer.\n[review]" in after


def test_a_card_that_is_there_is_kept_but_not_what_was_measured(tmp_path: Path, folder: Folder) -> None:
    place = folder("bright", task="segmentation", labels=("bright",))
    onnx.save(bright(), tmp_path / "one.onnx")
    adopt(tmp_path / "one.onnx", place, recipe=None, command="first")
    first = Card.read(place / "card.json")
    found = first.output.model_copy(update={"unsure_above": 0.4})
    known = {"intended_use": "Tests.", "licence": "CC0", "output": found}
    first.model_copy(update=known).write(place / "card.json")
    other = bright()
    other.producer_name = "somebody else"
    onnx.save(other, tmp_path / "two.onnx")
    adopt(tmp_path / "two.onnx", place, recipe=None, command="second")
    second = load(place)[1]
    assert second.sha256 != first.sha256
    assert second.output.unsure_above is None
    assert (second.intended_use, second.licence, second.quality, second.lineage.command) == (
        "Tests.",
        "CC0",
        (),
        "second",
    )


def test_every_output_that_a_card_names_is_tried(tmp_path: Path, folder: Folder) -> None:
    onnx.save(colour(side=SIDE), tmp_path / "colour.onnx")
    place = folder("colour")
    (place / "application.toml").write_text(without_tables((place / "application.toml").read_text(), place))
    output = OutputSpec(labels=("r", "g", "b"), activation="softmax", scores="logits", embedding="mean")
    card = Card(
        name="colour", task="classification", sha256="0" * 64, input=TensorSpec(size=(SIDE, SIDE)), output=output
    )
    card.write(place / "card.json")
    assert adopt(tmp_path / "colour.onnx", place, recipe=None, command="").proved < 1e-5
    assert served(place)[3].argmax() == 2
    card.model_copy(update={"output": output.model_copy(update={"embedding": "nothing"})}).write(place / "card.json")
    with pytest.raises(Invalid, match=r"output\.embedding: .*nothing"):
        adopt(tmp_path / "colour.onnx", place, recipe=None, command="")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": ("bright", "dark")}, "output.labels.*2 labels"),
        ({"side": 48}, "input.tensor.*size and layout"),
        ({"layout": "NCHW"}, "input.tensor"),
        ({"activation": "sigmoid"}, "output.activation.*sigmoid.*say 'none'"),
        ({"task": "classification", "labels": ("a", "b")}, "output.labels"),
    ],
)
def test_a_network_that_contradicts_its_card_is_refused(
    tmp_path: Path, folder: Folder, changes: dict[str, object], reason: str
) -> None:
    source = tmp_path / "bright.onnx"
    onnx.save(bright(), source)
    place = folder("bright", **({"task": "segmentation", "labels": ("bright",)} | changes))
    before = contents(place)
    with pytest.raises(Invalid, match=reason) as caught:
        adopt(source, place, recipe=None, command="")
    assert str(caught.value).startswith("bright.onnx: ")
    assert str(tmp_path) not in str(caught.value)
    assert contents(place) == before


def test_a_network_of_another_layout_is_told_so(tmp_path: Path) -> None:
    spec, output = TensorSpec(size=(SIDE, SIDE), layout="NHWC"), OutputSpec(labels=("hole",), activation="sigmoid")
    card = Card(name="holes", task="segmentation", sha256="0" * 64, input=spec, output=output)
    with pytest.raises(Refused, match=r"input.tensor.*n × 32 × 32 × 3"):
        exported(Named(torch.nn.Conv2d(3, 1, 1), ["map"]), card, tmp_path / "model.onnx")


def test_what_no_converter_can_write_is_told_so(tmp_path: Path) -> None:
    class Fickle(torch.nn.Module):
        """Depends on what it is shown, which a traced file cannot."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((2, 3)) if x.mean() > 0.4 else x.amax((2, 3))

    spec, output = TensorSpec(size=(SIDE, SIDE)), OutputSpec(labels=("a", "b", "c"), activation="softmax")
    card = Card(name="leaves", task="classification", sha256="0" * 64, input=spec, output=output)
    with pytest.raises(Refused, match="answers differently"):
        exported(Named(Fickle(), ["logits"]), card, tmp_path / "model.onnx")


def test_a_folder_that_says_it_twice_or_not_at_all_is_refused(tmp_path: Path, folder: Folder) -> None:
    source = tmp_path / "colour.onnx"
    onnx.save(colour(side=32), source)
    place = folder("colour")
    text = (place / "application.toml").read_text()
    (place / "card.json").write_text("{}")
    with pytest.raises(Invalid, match="leave one of the two out"):
        adopt(source, place, recipe=None, command="")
    (place / "card.json").unlink()
    (place / "application.toml").write_text(text.split("[input.tensor]")[0])
    with pytest.raises(Invalid, match="needs"):
        adopt(source, place, recipe=None, command="")
    inline = (
        text.replace("[input.tensor]\n", "").replace("size =", "tensor.size =").replace("layout =", "tensor.layout =")
    )
    (place / "application.toml").write_text(inline)
    with pytest.raises(Invalid, match="table of its own"):
        adopt(source, place, recipe=None, command="")
    assert sorted(contents(place)) == ["application.toml"]


def test_a_full_disk_changes_nothing(tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    source = tmp_path / "bright.onnx"
    onnx.save(bright(), source)
    place = folder("bright", task="segmentation", labels=("bright",))
    (place / "model.onnx").write_bytes(b"the old one")
    before, real = contents(place), os.replace

    def replace(one: Path, other: Path) -> None:
        if Path(one).name == "application.toml":
            raise OSError("no space left")
        real(one, other)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="no space"):
        adopt(source, place, recipe=None, command="")
    assert contents(place) == before


def test_the_command_says_what_came_of_it(tmp_path: Path, folder: Folder) -> None:
    source = tmp_path / "bright.onnx"
    onnx.save(bright(), source)
    place = folder("bright", task="segmentation", labels=("bright",))
    told = CliRunner().invoke(app, ["import", str(source), "--application", str(place)])
    assert told.exit_code == 0, told.output
    assert Card.read(place / "card.json").version in told.output
    shutil.copy(source, tmp_path / "network.pth")
    told = CliRunner().invoke(app, ["import", str(tmp_path / "network.pth"), "--application", str(place)])
    assert told.exit_code == 1
    assert "safetensors" in told.output
