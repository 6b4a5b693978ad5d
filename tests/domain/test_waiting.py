from __future__ import annotations

import pytest

from atisbo.domain.waiting import Pace, expected_s


@pytest.mark.parametrize(
    ("position", "pace", "expected"),
    [
        (1, Pace(10, 5.0, 0.0), 1),
        (3, Pace(10, 20.0, 0.0), 6),
        (30, Pace(100, 10.0, 0.0), 3),
        (1, Pace(2, 1.0, 0.0), None),
        (1, Pace(0, 0.0, 0.0), None),
        (1, Pace(10, 10.0, 17.9), 1),
        (1, Pace(10, 10.0, 18.1), None),
    ],
)
def test_the_wait_is_told_from_the_pace_and_not_told_where_nobody_can_know(
    position: int, pace: Pace, expected: int | None
) -> None:
    assert expected_s(position, pace) == expected
