"""BentoML, as its documentation shows it; threads of its worker share the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bentoml
import numpy as np
import work


@bentoml.service(traffic={"timeout": 60})
class Outlines:
    def __init__(self) -> None:
        self._engine = work.ENGINES[work.ENGINE]()

    @bentoml.api
    def predict(self, file: Path) -> dict[str, Any]:
        pixels, size = work.opened(file.read_bytes())
        return work.said(self._engine(pixels[np.newaxis])[0], size)
