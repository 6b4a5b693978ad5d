from __future__ import annotations

import numpy as np
import pytest

from atisbo.domain.cards import Card, OutputSpec, TensorSpec
from atisbo.domain.drift import FAR, Spread, group, groups
from atisbo.evaluation.reference import describe, distances, grouped, places, unit


def clouds(count: int, *, spread: float = 0.2, seed: int = 0, directions: int = 3) -> np.ndarray:
    """Embeddings around some directions of sixteen, float32."""
    rng = np.random.default_rng(seed)
    axes = np.eye(16)[rng.integers(directions, size=count)]
    return np.asarray(axes + spread * rng.standard_normal((count, 16)) / 4, np.float32)


def test_groups_are_found_and_found_again() -> None:
    vectors = unit(clouds(300))
    centres = grouped(vectors, 3)
    assert sorted(np.abs(centres).argmax(1).tolist()) == [0, 1, 2]
    np.testing.assert_array_equal(centres, grouped(vectors, 3))
    assert len(grouped(vectors[:5], 8)) == 1, "no more groups than pictures can fill"
    assert np.isfinite(grouped(unit(np.ones((40, 4), np.float32)), 8)).all(), "pictures that are all alike"


def test_far_is_what_few_pictures_that_were_not_learnt_from_are() -> None:
    """Of what it learnt from a network makes tight groups; of the rest of the same kind it does not."""
    learnt, kept = clouds(400, spread=0.05), clouds(100, spread=0.4, seed=1)
    found = places(np.concatenate([learnt, kept]), np.arange(500) >= 400)
    beyond = distances(unit(kept), np.array(found.centres)).min(1) > found.reach
    assert beyond.mean() == pytest.approx(FAR, abs=0.011)
    assert sum(found.shares) == pytest.approx(1, abs=0.001)
    alone = places(learnt, np.zeros(400, bool))
    assert alone.reach < found.reach / 4


def test_new_pictures_of_the_same_kind_are_no_drift_and_others_are() -> None:
    found = places(clouds(1000), np.zeros(1000, bool))
    centres = np.array(found.centres)

    def seen(vectors: np.ndarray) -> list[int]:
        return [group(row, found.reach) for row in distances(unit(vectors), centres).tolist()]

    before = Spread(found.shares, 1000)
    same, other = groups(before, seen(clouds(300, seed=5))), groups(before, seen(clouds(300, seed=5, directions=6)))
    assert same is not None
    assert same.change is None
    assert other is not None
    assert other.strong


def test_it_is_kept_on_the_card_on_few_lines(tmp_path: object) -> None:
    told = describe([10.0, 250.0], [5.0, 5.0], list(clouds(40)), [False] * 40, data="two", data_sha256="0" * 64)
    assert (told.brightness[0], told.brightness[-1], told.contrast[0]) == (0.5, 0.5, 1.0)
    card = Card(
        name="x",
        task="segmentation",
        sha256="0" * 64,
        input=TensorSpec(size=(8, 8)),
        output=OutputSpec(labels=("a",), activation="sigmoid"),
        reference=told,
    )
    path = tmp_path / "card.json"  # type: ignore[operator]
    card.write(path)
    assert Card.read(path) == card
    assert len(path.read_text().splitlines()) < 80
    assert describe([1.0], [1.0], [], [], data="", data_sha256="").places is None
