"""How pictures look to a network, as numbers that a database keeps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atisbo.store.vectors import Vector


def plain(values: NDArray[np.float32] | None) -> Vector | None:
    """The same numbers; None for nothing but zeros too, which is like nothing."""
    return tuple(values.tolist()) if values is not None and np.any(values) else None
