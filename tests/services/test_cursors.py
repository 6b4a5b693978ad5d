from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs
from uuid import uuid4

import pytest

from atisbo.errors import Invalid
from atisbo.services.cursors import mark, position


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-5, minutes=-30))])
def test_a_mark_means_the_same_moment_and_can_be_put_into_an_address_as_it_is(zone: timezone) -> None:
    moment, identity = datetime(2026, 3, 29, 1, 59, 58, 7, tzinfo=zone), uuid4()
    said = mark(moment, identity)
    assert parse_qs(f"before={said}") == {"before": [said]}
    assert position(said) == (moment, identity)


@pytest.mark.parametrize("said", ["", "_", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00_x", "now_" + str(uuid4())])
def test_what_was_not_made_here_is_refused(said: str) -> None:
    with pytest.raises(Invalid, match="first page"):
        position(said)
