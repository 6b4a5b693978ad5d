"""A heat map means something: it points at the evidence, and not when the weights are random (Adebayo et al., 2018)."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, helper, numpy_helper
from scipy.stats import spearmanr

from atisbo.domain.applications import SHIPPED, load
from atisbo.domain.cards import Card, OutputSpec, TensorSpec
from atisbo.domain.images import Limits
from atisbo.imaging.decode import decode
from atisbo.imaging.jobs import cut
from atisbo.imaging.transform import Pixels, fit
from atisbo.inference.engine import OpenVINOEngine
from atisbo.inference.occlusion import PLACES, Heat, occlude
from atisbo.inference.predictor import Predictor
from tests.applications_for_tests.networks import model

SIDE, PATCH = 48, 14
CORNERS = [(3, 3), (3, 31), (31, 3), (31, 31)]
STRIPED = OutputSpec(labels=("plain", "striped"), positive="striped", activation="softmax", scores="logits")


def stripes() -> ModelProto:
    """Classification by texture: eight filters, one of which sees upright stripes and counts; see :func:`textures`."""
    upright = np.tile([1.0, -1.0, 1.0, -1.0], (4, 1))
    chequers = np.fromfunction(lambda y, x: (-1.0) ** (y // 2 + x // 2), (4, 4))
    filters = np.stack(
        [upright, upright.T, chequers, np.ones((4, 4)), *np.random.default_rng(5).normal(size=(4, 4, 4))]
    )
    weights = (np.repeat(filters[:, None], 3, axis=1) / 12).astype(np.float32)
    head = np.zeros((8, 2), np.float32)
    head[0, 1] = 60
    nodes = [
        helper.make_node("Conv", ["image", "filters"], ["seen"]),
        helper.make_node("Relu", ["seen"], ["bright"]),
        helper.make_node("GlobalAveragePool", ["bright"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "head", "shift"], ["logits"]),
    ]
    constants = {"filters": weights, "head": head, "shift": np.array([0, -0.5], np.float32)}
    return model(nodes, ["n", 3, SIDE, SIDE], {"logits": ["n", 2]}, constants)


def textures(seed: int) -> tuple[Pixels, tuple[int, int]]:
    """Upright stripes, lying stripes, chequers and a bright spot, one a corner; and where the upright ones are."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:PATCH, :PATCH]
    kinds = [x % 2, y % 2, (x // 2 + y // 2) % 2, np.ones_like(x)]
    grey = rng.normal(128, 3, (SIDE, SIDE))
    order = rng.permutation(4)
    for place, kind in zip(order, kinds, strict=True):
        top, left = CORNERS[place]
        grey[top : top + PATCH, left : left + PATCH] = 88 + 80 * kind
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2), CORNERS[order[0]]


def shuffled(network: ModelProto, seed: int) -> ModelProto:
    """The same network, with the values of every weight in another order."""
    rng = np.random.default_rng(seed)
    copy = ModelProto()
    copy.CopyFrom(network)
    for constant in copy.graph.initializer:
        values = numpy_helper.to_array(constant)
        if values.ndim > 1 and values.dtype == np.float32:
            mixed = rng.permutation(values.ravel()).reshape(values.shape)
            constant.CopyFrom(numpy_helper.from_array(mixed, constant.name))
    return copy


def started(network: ModelProto, card: Card, folder: Path) -> Predictor:
    data = network.SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    return Predictor(
        card, OpenVINOEngine(folder / "model.onnx", card.model_copy(update={"sha256": sha256(data).hexdigest()}))
    )


def striped_card() -> Card:
    spec = TensorSpec(size=(SIDE, SIDE))
    return Card(name="stripes", task="classification", sha256="0" * 64, input=spec, output=STRIPED)


@pytest.fixture
def eyes(tmp_path: Path) -> Iterator[Predictor]:
    predictor = started(stripes(), striped_card(), tmp_path)
    yield predictor
    predictor.close()


def alike(one: Heat, other: Heat) -> float:
    """Rank correlation of two maps, as the paper has it; a map without any heat is like no other."""
    if not one.drop.any() or not other.drop.any():
        return 0.0
    return float(spearmanr(one.drop.ravel(), other.drop.ravel()).statistic)


@pytest.mark.parametrize("seed", range(4))
def test_the_heat_lies_on_the_evidence(eyes: Predictor, seed: int) -> None:
    picture, (top, left) = textures(seed)
    assert next(eyes.look([picture]))["scores"][1] > 0.8
    heat = occlude(picture, eyes.look, 1)
    assert not heat.flat
    y, x = np.unravel_index(heat.drop.argmax(), heat.drop.shape)
    assert (top <= y < top + PATCH, left <= x < left + PATCH) == (True, True)
    around = heat.drop[max(top - 7, 0) : top + PATCH + 7, max(left - 7, 0) : left + PATCH + 7]
    assert around.sum() > 0.9 * heat.drop.sum(), "and nowhere else, though there are three textures more"


def test_random_weights_give_another_map(eyes: Predictor, tmp_path: Path) -> None:
    found = []
    for seed in range(6):
        picture, _ = textures(seed)
        random = started(shuffled(stripes(), seed), striped_card(), tmp_path)
        label = int(next(random.look([picture]))["scores"].argmax())
        found.append(alike(occlude(picture, eyes.look, 1), occlude(picture, random.look, label)))
        random.close()
    assert abs(np.mean(found)) < 0.3, found


def test_a_picture_in_which_nothing_matters_has_a_flat_map(eyes: Predictor) -> None:
    grey = np.full((SIDE, SIDE, 3), 128, np.uint8)
    assert occlude(grey, eyes.look, 0).flat


def test_the_network_is_asked_a_bounded_number_of_times(eyes: Predictor) -> None:
    asked = 0

    def counting(pictures: object) -> Iterator[dict[str, np.ndarray]]:
        nonlocal asked
        for answers in eyes.look(pictures):  # type: ignore[arg-type]
            asked += 1
            yield answers

    occlude(textures(0)[0], counting, 1)
    assert asked == PLACES**2 + 1


def eye() -> tuple[Pixels, Card]:
    """The analysed part of the sample that ships with the glaucoma application, as its network sees it."""
    application, card = load(SHIPPED / "glaucoma")
    sample = application.samples[0]
    pixels = decode((application.folder / "samples" / sample.file).read_bytes(), Limits())
    return fit(cut(pixels, sample.region)[0], card.input), card


def test_the_shipped_network_looks_at_the_disc_and_a_random_one_elsewhere(tmp_path: Path) -> None:
    picture, card = eye()
    network = onnx.load(SHIPPED / "glaucoma" / "model.onnx")
    real, random = started(network, card, tmp_path), started(shuffled(network, 0), card, tmp_path)
    answers = next(real.look([picture]))
    heat = occlude(picture, real.look, int(answers["scores"].argmax()))
    other = occlude(picture, random.look, int(next(random.look([picture]))["scores"].argmax()))
    for one in (real, random):
        one.close()
    disc = answers["structures"][0] >= 0.5
    assert not heat.flat
    assert heat.drop[disc].sum() / heat.drop.sum() > 1.3 * disc.mean(), "more than its share of the picture"
    y, x = np.unravel_index(heat.drop.argmax(), heat.drop.shape)
    assert disc[y, x]
    assert abs(alike(heat, other)) < 0.3
