from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper

from atisbo.domain.applications import SHIPPED, load
from atisbo.domain.cards import Card, OutputSpec, Task, TensorSpec
from atisbo.errors import Misconfigured
from atisbo.imaging.decode import decode
from atisbo.imaging.masks import segment
from atisbo.imaging.transform import Pixels, fit, transform
from atisbo.inference.answers import activate
from atisbo.inference.engine import OpenVINOEngine, _precision
from tests import poisonous
from tests.applications_for_tests.networks import HERE, bright, bright_nchw, colour, model

BRIGHT = OutputSpec(labels=("bright",), activation="none")
RAW = OutputSpec(labels=("bright",), activation="sigmoid")
NHWC = TensorSpec(size=(32, 32), layout="NHWC")
NCHW = TensorSpec(size=(32, 32))


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., OpenVINOEngine]:
    def make(
        network: ModelProto | bytes, spec: TensorSpec, output: OutputSpec, task: Task = "segmentation", **options: Any
    ) -> OpenVINOEngine:
        data = network if isinstance(network, bytes) else network.SerializeToString()
        path = tmp_path / "model.onnx"
        path.write_bytes(data)
        card = Card(name="tiny", task=task, sha256=sha256(data).hexdigest(), input=spec, output=output)
        return OpenVINOEngine(path, card, **({"precision": "f32"} | options))

    return make


Start = Callable[..., OpenVINOEngine]


def noise(n: int, side: int = 32, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), np.uint8)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def mean_of(batch: Pixels) -> np.ndarray:
    return batch.mean(axis=3) / 255


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize(
    "numbers",
    [
        {},
        {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
        {"scale": 127.5, "mean": (1.0, 1.0, 1.0)},
        {"scale": 1.0, "mean": (123.7, 116.3, 103.5), "std": (58.4, 57.1, 57.4)},
    ],
)
def test_the_network_sees_what_the_one_preprocessor_makes(start: Start, layout: str, numbers: dict[str, Any]) -> None:
    """A network that returns its input, its values brought to 0..1 by the card's sigmoid."""
    spec = TensorSpec(size=(32, 48), layout=layout, **numbers)
    shape = ["n", 3, 32, 48] if layout == "NCHW" else ["n", 32, 48, 3]
    echo = model([helper.make_node("Identity", ["image"], ["echo"])], shape, {"echo": shape}, {})
    engine = start(echo, spec, OutputSpec(labels=("r", "g", "b"), activation="sigmoid"))
    pixels = np.random.default_rng(1).integers(0, 256, (100, 70, 3), np.uint8)
    seen = engine.infer(fit(pixels, spec)[np.newaxis])["scores"]
    wanted = transform(pixels, spec)
    if layout == "NHWC":
        wanted = wanted.transpose(0, 3, 1, 2)
    np.testing.assert_allclose(seen, sigmoid(wanted), atol=2e-6)


def test_nhwc_with_the_sigmoid_inside(start: Start) -> None:
    batch = noise(3)
    scores = start(bright(), NHWC, BRIGHT).infer(batch)["scores"]
    assert scores.shape == (3, 1, 32, 32)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores[:, 0], sigmoid(20 * (mean_of(batch) - 0.5)), atol=1e-5)


def test_alone_it_answers_the_same(start: Start) -> None:
    engine, batch = start(bright(), NHWC, BRIGHT), noise(1)
    np.testing.assert_allclose(
        engine.infer(batch, alone=True)["scores"], engine.infer(batch)["scores"], atol=1e-5, strict=True
    )


def test_nchw_with_raw_logits(start: Start) -> None:
    batch = noise(2)
    scores = start(bright_nchw(), NCHW, RAW).infer(batch)["scores"]
    np.testing.assert_allclose(scores[:, 0], sigmoid(20 * (mean_of(batch) - 0.5)), atol=1e-5)


def test_a_first_channel_for_the_background_is_left_out(start: Start) -> None:
    batch = noise(2)
    output = OutputSpec(labels=("dark",), activation="softmax")
    scores = start(bright_nchw(labels=2), NCHW, output).infer(batch)["scores"]
    assert scores.shape == (2, 1, 32, 32)
    np.testing.assert_allclose(scores[:, 0], sigmoid(-40 * (mean_of(batch) - 0.5)), atol=1e-4)


def test_classes_and_an_embedding(start: Start) -> None:
    output = OutputSpec(labels=("r", "g", "b"), activation="softmax", scores="logits", embedding="mean")
    answers = start(colour(), TensorSpec(size=(24, 24)), output, "classification").infer(noise(4, 24))
    means = noise(4, 24).reshape(4, -1, 3).mean(axis=1) / 255
    np.testing.assert_allclose(answers["embedding"], means, atol=1e-5)
    np.testing.assert_allclose(answers["scores"], activate(10 * means, "softmax"), atol=1e-4)


@pytest.mark.parametrize(("positive", "column"), [("red", 1), ("other", 0)])
def test_one_number_stands_for_the_positive_of_two_classes(start: Start, positive: str, column: int) -> None:
    output = OutputSpec(labels=("other", "red"), positive=positive, activation="sigmoid", scores="logits")
    engine = start(colour(classes=1), TensorSpec(size=(24, 24)), output, "classification")
    scores = engine.infer(noise(2, 24))["scores"]
    red = sigmoid(10 * noise(2, 24)[..., 0].reshape(2, -1).mean(axis=1) / 255)
    np.testing.assert_allclose(scores[:, column], red, atol=1e-4)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


def flattening() -> ModelProto:
    """As ``bright_nchw``, with a reshape in it that only fits a batch of one."""
    made = bright_nchw()
    made.graph.initializer.append(helper.make_tensor("flat", TensorProto.INT64, [4], [1, 1, 32, 32]))
    made.graph.node[0].output[0] = "inner"
    made.graph.node.append(helper.make_node("Reshape", ["inner", "flat"], ["map"]))
    return made


@pytest.mark.parametrize(("network", "spec", "output"), [(bright(batch=1), NHWC, BRIGHT), (flattening(), NCHW, RAW)])
def test_networks_made_for_one_picture_take_several(
    start: Start, network: ModelProto, spec: TensorSpec, output: OutputSpec
) -> None:
    batch = noise(3)
    scores = start(network, spec, output).infer(batch)["scores"]
    np.testing.assert_allclose(scores[:, 0], sigmoid(20 * (mean_of(batch) - 0.5)), atol=1e-5)


def test_a_picture_is_answered_the_same_alone_and_in_a_group_from_any_thread(start: Start) -> None:
    engine = start(bright(), NHWC, BRIGHT)
    batch = noise(24)
    together = engine.infer(batch)["scores"]
    with ThreadPoolExecutor(8) as pool:
        alone = list(pool.map(lambda i: engine.infer(batch[i : i + 1])["scores"][0], range(24)))
    np.testing.assert_allclose(np.stack(alone), together, atol=1e-6)


def test_first_inferences_never_run_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO's binding hangs if they do; hanging itself is a matter of luck, so the order is what is tested."""
    dry_run, alone = OpenVINOEngine._dry_run, threading.Lock()

    def watched(engine: OpenVINOEngine) -> None:
        assert alone.acquire(blocking=False)
        time.sleep(0.05)
        dry_run(engine)
        alone.release()

    monkeypatch.setattr(OpenVINOEngine, "_dry_run", watched)
    application, card = load(HERE / "bright")
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(lambda _: OpenVINOEngine(application.model, card), range(4)))) == 4


@pytest.mark.parametrize(
    "batch", [noise(1, 31), noise(1)[0], noise(1).astype(np.float32), noise(1)[..., :2], noise(1)[:, :16]]
)
def test_other_shapes_and_types_are_refused(start: Start, batch: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        start(bright(), NHWC, BRIGHT).infer(batch)


def two_inputs() -> ModelProto:
    made = bright()
    made.graph.input.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [1]))
    made.graph.node[1].input[1] = "other"
    return made


def nothing_but_nan() -> ModelProto:
    made = bright_nchw()
    made.graph.initializer[1].CopyFrom(helper.make_tensor("shift", TensorProto.FLOAT, [1], [float("nan")]))
    return made


def of_integers() -> ModelProto:
    shape = ["n", 3, 32, 32]
    nodes = [helper.make_node("Cast", ["image"], ["map"], to=TensorProto.FLOAT)]
    return model(nodes, shape, {"map": shape}, {}, element=TensorProto.INT32)


CLASSES = OutputSpec(labels=("r", "g"), activation="softmax")


@pytest.mark.parametrize(
    ("network", "spec", "output", "task", "said"),
    [
        (bright(), TensorSpec(size=(64, 64), layout="NHWC"), BRIGHT, "segmentation", "input.tensor: the network takes"),
        (bright(), NCHW, BRIGHT, "segmentation", "size and layout say"),
        (two_inputs(), NHWC, BRIGHT, "segmentation", "2 inputs"),
        (of_integers(), NCHW, OutputSpec(labels=("a", "b", "c"), activation="none"), "segmentation", "f32 is needed"),
        (
            bright(),
            NHWC,
            BRIGHT.model_copy(update={"scores": "nope"}),
            "segmentation",
            "output.scores: .* no output nope",
        ),
        (
            bright(),
            NHWC,
            BRIGHT.model_copy(update={"embedding": "x"}),
            "segmentation",
            "output.embedding: .* it has map",
        ),
        (
            bright(),
            NHWC,
            OutputSpec(labels=("a", "b", "c"), activation="none"),
            "segmentation",
            "output.labels: .* 3 labels",
        ),
        (bright(), NHWC, CLASSES, "classification", "output.labels: .* 2 labels"),
        (bright(sigmoid=False), NHWC, BRIGHT, "segmentation", "output.activation: .* no probabilities"),
        (nothing_but_nan(), NCHW, RAW, "segmentation", "no numbers"),
        (b"not a network", NHWC, BRIGHT, "segmentation", "cannot be read as ONNX"),
        (b"", NHWC, BRIGHT, "segmentation", "cannot be read as ONNX"),
    ],
)
def test_a_network_that_contradicts_its_card_is_refused_with_the_field(
    start: Start, network: ModelProto | bytes, spec: TensorSpec, output: OutputSpec, task: Task, said: str
) -> None:
    with pytest.raises(Misconfigured, match=said):
        start(network, spec, output, task)


def test_a_file_with_another_checksum_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(bright().SerializeToString())
    card = Card(name="tiny", task="segmentation", sha256="0" * 64, input=NHWC, output=BRIGHT)
    with pytest.raises(Misconfigured, match="checksum") as caught:
        OpenVINOEngine(path, card)
    assert caught.value.code == "model_changed"
    path.unlink()
    with pytest.raises(Misconfigured, match="missing"):
        OpenVINOEngine(path, card)


class OldCPU:
    def get_property(self, device: str, name: str) -> list[str]:
        return ["FP32", "INT8"]


def test_precision_follows_the_cpu_unless_told() -> None:
    assert _precision(OldCPU(), "auto") == "f32"
    with pytest.raises(Misconfigured, match="bf16"):
        _precision(OldCPU(), "bf16")


def random_network() -> ModelProto:
    """Three layers of random 3 × 3 convolutions, so that rounding has something to add up over."""
    random = np.random.default_rng(3)
    constants = {
        f"w{i}": (random.normal(0, gain / np.sqrt(9 * a), (b, a, 3, 3))).astype(np.float32)
        for i, (a, b, gain) in enumerate([(3, 32, 2.8), (32, 32, 1.4), (32, 1, 4.2)])
    }
    nodes = []
    for i, (takes, gives) in enumerate([("image", "a"), ("ar", "b"), ("br", "map")]):
        nodes.append(helper.make_node("Conv", [takes, f"w{i}"], [gives], pads=[1, 1, 1, 1]))
        if gives != "map":
            nodes.append(helper.make_node("Relu", [gives], [f"{gives}r"]))
    return model(nodes, ["n", 3, 32, 32], {"map": ["n", 1, 32, 32]}, constants)


def test_bf16_agrees_with_f32_on_a_small_network(start: Start) -> None:
    """Bound: 0.03 for any pixel's probability."""
    fast, exact = (start(random_network(), NCHW, RAW, precision=p) for p in ("auto", "f32"))
    if fast.precision != "bf16":
        pytest.skip("this CPU has no bf16")
    a, b = (engine.infer(noise(8))["scores"] for engine in (fast, exact))
    assert 0.2 < float(b.std()) < 0.5
    assert 0 < float(np.abs(a - b).max()) < 0.03


def test_bf16_agrees_with_f32_on_the_shipped_network() -> None:
    """Bound, for each sample frame: probability within 0.05, 2 % of the pixels in or out; 0.5 % on average."""
    application, card = load(SHIPPED / "polyp")
    fast, exact = (OpenVINOEngine(application.model, card, precision=p) for p in ("auto", "f32"))
    if fast.precision != "bf16":
        pytest.skip("this CPU has no bf16")
    differing = []
    for sample in application.samples:
        pixels = decode((application.folder / "samples" / sample.file).read_bytes())
        size = (pixels.shape[0], pixels.shape[1])
        batch = fit(pixels, card.input)[np.newaxis]
        a, b = (segment(engine.infer(batch)["scores"][0], size, card.output) for engine in (fast, exact))
        assert abs(a.findings.probability - b.findings.probability) < 0.05
        assert not b.findings.empty
        differing.append(float((a.mask != b.mask).mean()))
    assert len(differing) == 5
    assert max(differing) < 0.02
    assert np.mean(differing) < 0.005


def test_a_run_that_failed_leaves_nothing_behind(tmp_path: Path) -> None:
    """More memory than there is, for one picture; the others' answers are as before, on every stream."""
    application, card = load(poisonous.install(tmp_path) / "delicate")
    engine = OpenVINOEngine(application.model, card, streams=2)
    fine = np.random.default_rng(1).integers(0, 200, (2, 24, 24, 3), np.uint8)
    wanted = engine.infer(fine)["scores"]
    for _ in range(2):
        poison = fine.copy()
        poison[1] = poisonous.HOARDS
        with pytest.raises(RuntimeError):
            engine.infer(poison)
        for _ in range(4):
            assert np.allclose(engine.infer(fine)["scores"], wanted, atol=1e-2)
