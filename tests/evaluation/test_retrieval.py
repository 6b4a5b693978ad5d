from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.neighbors import NearestNeighbors

from atisbo.evaluation.retrieval import MEANINGS, altered, finds_itself, neighbours


def embedded(count: int = 60) -> tuple[np.ndarray, list[str], list[str]]:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, count)
    vectors = random.normal(0, 1, (count, 8)) + 1.5 * np.eye(8)[labels]
    return vectors * random.uniform(0.1, 9, (count, 1)), [f"c{n}" for n in labels], [f"s{n % 4}" for n in range(count)]


def test_the_nearest_and_average_precision_are_those_of_scikit_learn() -> None:
    vectors, labels, sources = embedded()
    found = neighbours(vectors, labels, sources)
    near = NearestNeighbors(n_neighbors=6, metric="cosine").fit(vectors).kneighbors(vectors)[1][:, 1:]
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for place, figures in enumerate(found):
        same = np.array(labels) == labels[place]
        assert figures["precision_at_5"] == pytest.approx(same[near[place]].mean())
        for name, kept in (
            ("map", np.arange(len(labels)) != place),
            ("map_elsewhere", np.array(sources) != sources[place]),
        ):
            expected = average_precision_score(same[kept], (units @ units[place])[kept])
            assert figures[name] == pytest.approx(expected, abs=1e-6)


def test_elsewhere_leaves_out_the_images_own_group() -> None:
    vectors = np.array([[1, 0], [1, 0.01], [0.9, 0.4], [0, 1]])
    found = neighbours(vectors, ["a", "a", "b", "a"], ["s", "s", "t", "t"])
    assert found[0]["map"] == pytest.approx((1 + 2 / 3) / 2)
    assert found[0]["map_elsewhere"] == pytest.approx(1 / 2)
    assert math.isnan(found[2]["map"])
    assert "map_elsewhere" not in neighbours(vectors, ["a", "a", "b", "a"])[0]


def test_a_copy_finds_its_original_or_does_not() -> None:
    originals = np.eye(4)
    assert finds_itself(originals[[2, 0]] * 3, originals, [2, 1]).tolist() == [True, False]


def test_copies_are_recompressed_halved_and_cut() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    copies = altered(pixels)
    assert copies.keys() == {name for name in MEANINGS if name.startswith("recall")}
    assert [copy.shape for copy in copies.values()] == [(40, 60, 3), (20, 30, 3), (36, 54, 3)]
    assert not (copies["recall_at_1_jpeg"] == pixels).all()
    assert (copies["recall_at_1_crop"] == pixels[2:38, 3:57]).all()
