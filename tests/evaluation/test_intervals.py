from __future__ import annotations

import numpy as np
import pytest

from atisbo.domain.cards import Interval
from atisbo.evaluation.intervals import bootstrap


def test_it_is_the_interval_of_the_mean() -> None:
    values = np.random.default_rng(0).normal(0.8, 0.1, 400)
    found = bootstrap(list(values))
    assert found is not None
    assert found.value == pytest.approx(values.mean())
    error = values.std() / 20
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.002)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.002)
    assert (found.n, found.confidence) == (400, 0.95)


def test_it_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(1).beta(5, 2, 60)
    other = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(0)).confidence_interval
    found = bootstrap(list(values), draws=9999)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(tuple(other), abs=0.003)


def test_images_that_are_alike_say_less() -> None:
    by_group = np.random.default_rng(2).normal(0.8, 0.1, 12)
    values = [float(value) for value in by_group for _ in range(20)]
    groups = [f"g{i}" for i in range(12) for _ in range(20)]
    alone, together = bootstrap(values), bootstrap(values, groups)
    assert alone is not None
    assert together is not None
    assert together.value == alone.value
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_what_is_not_a_number_is_left_out() -> None:
    found = bootstrap([1.0, float("nan"), 0.0])
    assert found is not None
    assert (found.value, found.n) == (0.5, 2)
    assert bootstrap([float("nan")]) is None
    assert bootstrap([]) is None


def test_of_one_group_there_is_no_interval() -> None:
    found = bootstrap([0.7, 0.8, 0.9], ["a", "a", "a"])
    assert found is not None
    assert (found.value, found.edges, found.n) == (pytest.approx(0.8), None, 3)
    alone = bootstrap([0.7, float("nan")], ["a", "b"])
    assert alone is not None
    assert (alone.low, alone.high) == (None, None)
    assert Interval.model_validate_json(found.model_dump_json()) == found


def test_the_same_values_give_the_same_interval() -> None:
    values = list(np.random.default_rng(3).random(50))
    assert bootstrap(values) == bootstrap(values)
    assert bootstrap([0.5] * 9) == bootstrap([0.5] * 9, [*"abcabcabc"])
