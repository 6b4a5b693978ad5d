from __future__ import annotations

from typing import Any

import pytest

from atisbo.domain.shadows import agreement

RED: dict[str, Any] = {"task": "classification", "label": "red", "probabilities": {"red": 0.9, "green": 0.1}}
GREEN: dict[str, Any] = {"task": "classification", "label": "green", "probabilities": {"red": 0.3, "green": 0.7}}
SPOT: dict[str, Any] = {"task": "segmentation", "regions": []}


@pytest.mark.parametrize(
    ("one", "other", "dice", "found"),
    [
        (("done", RED), ("done", RED), None, (1.0, True)),
        (("done", RED), ("unsure", GREEN), None, (0.4, False)),
        (("done", RED), ("refused", None), None, (0.0, False)),
        (("refused", None), ("refused", None), None, (1.0, True)),
        (("done", SPOT), ("done", SPOT), 0.8, (0.8, True)),
        (("done", SPOT), ("done", SPOT), 0.6, (0.6, False)),
    ],
)
def test_how_far_two_answers_agree(one: Any, other: Any, dice: float | None, found: tuple[float, bool]) -> None:
    share, same = agreement(*one, *other, dice)
    assert (share, same) == (pytest.approx(found[0]), found[1])
