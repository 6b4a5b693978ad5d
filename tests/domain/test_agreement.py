from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from atisbo.domain.agreement import kappa, mean


def said(seed: int, n: int = 200, alike: float = 0.6) -> list[tuple[str, str]]:
    generator = np.random.default_rng(seed)
    one = generator.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])
    other = np.where(generator.random(n) < alike, one, generator.choice(["a", "b", "c"], n))
    return [(str(a), str(b)) for a, b in zip(one, other, strict=True)]


@pytest.mark.parametrize("alike", [0.0, 0.3, 0.9])
def test_kappa_is_that_of_scikit_learn(alike: float) -> None:
    pairs = said(int(10 * alike), alike=alike)
    found = kappa(pairs)
    assert found is not None
    assert found.value == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))
    assert found.low < found.value < found.high


def test_the_interval_is_as_wide_as_drawing_anew_says() -> None:
    pairs = said(1, 400)
    found = kappa(pairs)
    assert found is not None
    generator = np.random.default_rng(2)
    drawn = [kappa([pairs[i] for i in generator.integers(0, len(pairs), len(pairs))]) for _ in range(400)]
    low, high = np.percentile([one.value for one in drawn if one], [2.5, 97.5])
    assert found.low == pytest.approx(low, abs=0.02)
    assert found.high == pytest.approx(high, abs=0.02)


def test_what_has_no_kappa() -> None:
    assert kappa([]) is None
    assert kappa([("a", "a")] * 5) is None
    full = kappa([("a", "a"), ("b", "b")])
    assert full is not None
    assert (full.value, full.n) == (1.0, 2)


def test_a_mean_stays_within_what_a_coefficient_can_be() -> None:
    assert mean([]) is None
    assert mean([0.9]) == (0.9, 0.0, 1.0, 1)
    found = mean([0.8, 0.9, 1.0])
    assert found is not None
    assert found.value == pytest.approx(0.9)
    assert 0 < found.low < 0.9 < found.high <= 1
