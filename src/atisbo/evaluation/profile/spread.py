"""Quantiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atisbo.evaluation.profile.schema import Spread


def spread(values: Sequence[float]) -> Spread | None:
    """Least, quartiles and most; ``None`` of nothing."""
    if not values:
        return None
    least, quarter, median, three_quarters, most = np.quantile(values, (0, 0.25, 0.5, 0.75, 1)).round(5).tolist()
    return Spread(least=least, quarter=quarter, median=median, three_quarters=three_quarters, most=most)
