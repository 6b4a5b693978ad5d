"""Bootstrap intervals of means, by image or by group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atisbo.domain.cards import Interval

DRAWS = 2000


def bootstrap(
    values: Sequence[float],
    groups: Sequence[str] | None = None,
    *,
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval | None:
    """Mean of values with its percentile interval (Efron 1979); nan are left out.

    Args:
        groups: values of one group (patient, sequence, centre) are drawn together, because they are alike; without
            it every value is its own group.

    Returns:
        The interval, or ``None`` where no value is left.
    """
    numbers = np.asarray(values, float)
    known = ~np.isnan(numbers)
    if not known.any():
        return None
    labels = np.arange(len(numbers)).astype(str) if groups is None else np.asarray(groups, str)
    _, member = np.unique(labels[known], return_inverse=True)
    sums, sizes = np.bincount(member, numbers[known]), np.bincount(member)
    rng = np.random.default_rng(seed)
    times = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), draws)
    means = (times @ sums) / (times @ sizes)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    value = float(numbers[known].mean())
    return Interval(
        value=value, low=min(float(low), value), high=max(float(high), value), confidence=confidence, n=int(known.sum())
    )
