from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from atisbo.domain.applications import SHIPPED, load
from atisbo.domain.cards import Card, OutputSpec, TensorSpec
from atisbo.domain.findings import ClassificationFindings, SegmentationFindings
from atisbo.domain.images import Region
from atisbo.domain.texts import LocalisedText
from atisbo.domain.uncertainty import uncertainty
from atisbo.errors import BadImage, Foreign, Unavailable
from atisbo.imaging.prepared import Prepared
from atisbo.imaging.transform import Pixels
from atisbo.inference.answers import Answers
from atisbo.inference.predictor import Predictor, admit, classify
from atisbo.inference.registry import Registry
from tests.inference.engines import Summing, picture
from tests.pictures import opened

APPLICATIONS = Path(__file__).parent.parent / "applications_for_tests"
CARD = Card(
    name="x",
    task="classification",
    sha256="0" * 64,
    input=TensorSpec(size=(8, 8)),
    output=OutputSpec(labels=("a",), activation="none"),
)


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    registry = Registry.open([APPLICATIONS], precision="f32")
    registry.load()
    yield registry
    registry.close()


def prepared(pixels: Pixels, size: tuple[int, int], box: Region | None = None) -> Prepared:
    box = box or Region(x=0, y=0, width=size[1], height=size[0])
    return Prepared(pixels, size, box, "image/png")


def half_bright() -> Pixels:
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, 16:] = 255
    return pixels


def test_an_outline_in_the_originals_pixels(registry: Registry) -> None:
    answer = registry.predictor("bright").predict(prepared(half_bright(), (240, 320)))
    findings = answer.findings
    assert isinstance(findings, SegmentationFindings)
    assert answer.mask is not None
    mask = np.asarray(opened(answer.mask))
    assert (findings.width, findings.height) == (320, 240)
    assert mask.shape == (240, 320)
    assert not mask[:, :155].any()
    assert (mask[:, 165:] == 255).all()
    assert findings.area_percent == pytest.approx(50, abs=1)
    assert answer.version == registry.predictor("bright").card.version


def test_a_marked_region_is_answered_within_the_whole(registry: Registry) -> None:
    box = Region(x=100, y=50, width=64, height=32)
    answer = registry.predictor("bright").predict(prepared(half_bright(), (240, 320), box))
    assert answer.mask is not None
    mask = np.asarray(opened(answer.mask))
    assert mask.shape == (240, 320)
    assert (mask[50:82, 134:164] == 255).all()
    assert (mask > 0).sum() == pytest.approx(32 * 32, abs=64)
    assert isinstance(answer.findings, SegmentationFindings)
    assert answer.findings.area_percent == pytest.approx(50, abs=2)


def test_nothing_bright_is_an_empty_answer(registry: Registry) -> None:
    answer = registry.predictor("bright").predict(prepared(np.zeros((32, 32, 3), np.uint8), (100, 100)))
    assert answer.mask is not None
    assert isinstance(answer.findings, SegmentationFindings)
    assert answer.findings.empty
    assert not np.asarray(opened(answer.mask)).any()


@pytest.mark.parametrize(("channel", "label", "above"), [(0, "red", True), (1, "green", False), (2, "blue", False)])
def test_a_class_with_its_probability(registry: Registry, channel: int, label: str, above: bool) -> None:
    pixels = np.zeros((24, 24, 3), np.uint8)
    pixels[..., channel] = 255
    answer = registry.predictor("colour").predict(prepared(pixels, (60, 50)))
    findings = answer.findings
    assert isinstance(findings, ClassificationFindings)
    assert answer.mask is None
    assert (findings.label, findings.above, findings.width) == (label, above, 50)
    assert findings.probability == findings.probabilities["red"]
    assert findings.probabilities[label] > 0.99
    assert list(findings.probabilities) == ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("scores", "positive", "label", "probability", "above"),
    [
        ([0.45, 0.55], None, "ill", 0.55, None),
        ([0.55, 0.45], "ill", "ill", 0.45, True),
        ([0.65, 0.35], "ill", "well", 0.35, False),
        ([0.6, 0.4], "ill", "ill", 0.4, True),
    ],
)
def test_the_operating_point_decides_where_there_is_one(
    scores: list[float], positive: str | None, label: str, probability: float, above: bool | None
) -> None:
    output = OutputSpec(labels=("well", "ill"), positive=positive, activation="softmax", threshold=0.4)
    findings = classify(np.array(scores, np.float64), (8, 9), output)
    assert (findings.label, findings.above) == (label, above)
    assert findings.probability == pytest.approx(probability)
    assert (findings.height, findings.width) == (8, 9)


def eye_picture(disc: int, cup: int, *, blue: int = 0) -> Pixels:
    """The eye's application takes red for the disc and green for the cup: squares of these sides, in the middle."""
    pixels = np.zeros((24, 24, 3), np.uint8)
    for channel, side in ((0, disc), (1, cup)):
        pixels[12 - side // 2 : 12 + side // 2, 12 - side // 2 : 12 + side // 2, channel] = 255
    pixels[..., 2] = blue
    return pixels


def test_a_class_with_what_was_outlined_and_its_ratio(registry: Registry) -> None:
    box = Region(x=100, y=50, width=240, height=240)
    answer = registry.predictor("eye").predict(prepared(eye_picture(20, 10), (400, 500), box))
    findings = answer.findings
    assert isinstance(findings, ClassificationFindings)
    assert findings.structures is not None
    assert answer.mask is not None
    disc, cup = findings.structures.regions
    assert (disc.label, cup.label) == ("disc", "cup")
    assert (findings.structures.width, findings.structures.height) == (500, 400)
    assert disc.box.x == pytest.approx(100 + 20, abs=4)
    assert findings.ratios == {"vertical_cdr": pytest.approx(0.5, abs=0.02)}
    mask = np.asarray(opened(answer.mask))
    assert mask.shape == (400, 500)
    assert set(np.unique(mask)) == {0, 128, 255}
    assert not mask[:50].any()


def test_without_a_disc_there_is_no_ratio(registry: Registry) -> None:
    findings = registry.predictor("eye").predict(prepared(eye_picture(0, 10), (24, 24))).findings
    assert isinstance(findings, ClassificationFindings)
    assert findings.ratios == {}


@pytest.mark.parametrize(
    ("cup", "label", "unsure"), [(22, "glaucoma", False), (12, "normal", True), (6, "normal", False)]
)
def test_an_answer_beyond_the_limit_is_unsure(registry: Registry, cup: int, label: str, unsure: bool) -> None:
    findings = registry.predictor("eye").predict(prepared(eye_picture(22, cup), (24, 24))).findings
    assert isinstance(findings, ClassificationFindings)
    assert (findings.label, findings.unsure) == (label, unsure)
    assert findings.uncertainty == pytest.approx(uncertainty(findings.probability, 0.4), abs=1e-5)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (eye_picture(10, 4, blue=255), "a crop of the optic disc, red. It looks like a fundus photograph."),
        (np.zeros((24, 24, 3), np.uint8), "a crop of the optic disc, red. Check that"),
    ],
    ids=["another kind", "something else"],
)
def test_a_picture_of_another_kind_is_refused(registry: Registry, pixels: Pixels, said: str) -> None:
    with pytest.raises(Foreign, match=said) as caught:
        registry.predictor("eye").predict(prepared(pixels, (24, 24)))
    assert caught.value.code == "foreign"


def test_a_picture_whose_part_was_not_marked_is_told_to_mark_it() -> None:
    application, card = load(SHIPPED / "glaucoma")
    assert card.gate is not None
    kinds = np.array([0.9 if kind == "fundus" else 0.02 for kind in card.gate.kinds], np.float32)
    with pytest.raises(Foreign, match="It looks like a fundus photograph") as caught:
        admit(kinds, card.gate, application.input.asked)
    advice = caught.value.values["advice"]
    assert isinstance(advice, LocalisedText)
    assert advice.in_("en") == "Mark the optic disc and ask again."
    other = np.roll(kinds, 1)
    with pytest.raises(Foreign, match="Check that it is the right file"):
        admit(other, card.gate, application.input.asked)


def test_a_choice_among_many_is_unsure_where_none_stands_out() -> None:
    output = OutputSpec(labels=("a", "b", "c"), activation="softmax", unsure_above=0.6)
    clear, open_ = (
        classify(np.array(scores, np.float32), (8, 9), output) for scores in ([0.8, 0.1, 0.1], [0.4, 0.3, 0.3])
    )
    assert (clear.uncertainty, clear.unsure) == (pytest.approx(0.3), False)
    assert (open_.uncertainty, open_.unsure) == (pytest.approx(0.9), True)


def test_sixteen_callers_get_their_own_answers(registry: Registry) -> None:
    predictor = registry.predictor("colour")

    def ask(n: int) -> bool:
        pixels = np.zeros((24, 24, 3), np.uint8)
        pixels[..., n % 3] = 255
        return predictor.predict(prepared(pixels, (24, 24))).findings.label == ("red", "green", "blue")[n % 3]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(200)))


class Speechless(Summing):
    def infer(self, batch: Pixels, *, alone: bool = False) -> Answers:
        return {"scores": np.full((len(batch), 1), np.nan, np.float32)}


def test_an_answer_that_is_no_number_is_a_failure_and_no_finding() -> None:
    predictor = Predictor(CARD, Speechless())
    with pytest.raises(BadImage) as caught:
        predictor.predict(prepared(picture(1), (9, 9)))
    assert caught.value.code == "answer_invalid"
    predictor.close()


def test_cancelling_an_answer_takes_the_picture_out_of_the_queue() -> None:
    engine = Summing(gate=True)
    predictor = Predictor(CARD, engine, capacity=2)
    first = predictor.submit(prepared(picture(0), (9, 9)))
    assert engine.entered.acquire(timeout=10)
    second, third = (predictor.submit(prepared(picture(0), (9, 9))) for _ in range(2))
    with pytest.raises(Unavailable):
        predictor.submit(prepared(picture(0), (9, 9)))
    assert second.cancel()
    late = predictor.submit(prepared(picture(0), (9, 9)), deadline=time.monotonic() - 1)
    engine.open.set()
    assert [f.result(10).findings.label for f in (first, third)] == ["a", "a"]
    with pytest.raises(CancelledError):
        second.result()
    with pytest.raises(Unavailable):
        late.result(10)
    predictor.close()
    assert sum(engine.groups) == 2


def test_an_answer_leaves_nothing_behind_for_the_collector(registry: Registry) -> None:
    predictor = registry.predictor("bright")
    pixels = [half_bright() for _ in range(20)]
    kept = [weakref.ref(one) for one in pixels]
    gc.disable()
    try:
        while pixels:
            predictor.predict(prepared(pixels.pop(), (32, 32)))
        assert sum(one() is not None for one in kept) < 6, "each thread may have its latest in hand"
    finally:
        gc.enable()


def test_an_error_of_the_engine_reaches_its_caller() -> None:
    predictor = Predictor(CARD, Summing())
    with pytest.raises(ValueError, match="another shape"):
        predictor.predict(prepared(picture(1, (5, 5, 3)), (9, 9)))
    predictor.close()
