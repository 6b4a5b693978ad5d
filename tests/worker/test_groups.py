from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

from atisbo.errors import Unavailable
from atisbo.worker.groups import Grouped


def test_callers_share_groups_and_each_gets_their_own_result() -> None:
    groups: list[int] = []
    first_in = threading.Event()

    def double(items: Sequence[int]) -> list[int]:
        groups.append(len(items))
        first_in.wait(0.2)
        return [2 * item for item in items]

    async def go() -> list[int]:
        grouped = Grouped(double, largest=16)
        return await asyncio.gather(*(grouped(n) for n in range(50)))

    assert asyncio.run(go()) == [2 * n for n in range(50)]
    assert sum(groups) == 50
    assert max(groups) <= 16
    assert len(groups) < 50


def test_one_that_cannot_be_done_fails_alone() -> None:
    def refuse_seven(items: Sequence[int]) -> list[int]:
        if 7 in items:
            raise RuntimeError("seven")
        return list(items)

    async def go() -> list[int | BaseException]:
        grouped = Grouped(refuse_seven)
        return await asyncio.gather(*(grouped(n) for n in range(10)), return_exceptions=True)

    said = asyncio.run(go())
    assert [n for n, one in enumerate(said) if one != n] == [7]


def test_what_is_away_is_away_for_all_of_a_group() -> None:
    calls: list[int] = []

    def away(items: Sequence[int]) -> list[int]:
        calls.append(len(items))
        raise Unavailable("away", "It is away.")

    async def go() -> list[int | BaseException]:
        grouped = Grouped(away)
        return await asyncio.gather(*(grouped(n) for n in range(10)), return_exceptions=True)

    assert all(isinstance(one, Unavailable) for one in asyncio.run(go()))
    assert sum(calls) == 10


def test_a_failing_group_is_heard_by_its_callers_and_the_next_works() -> None:
    def fail_on_one(items: Sequence[int]) -> list[int]:
        if 1 in items:
            raise RuntimeError("one")
        return list(items)

    async def go() -> int:
        grouped = Grouped(fail_on_one)
        with pytest.raises(RuntimeError):
            await grouped(1)
        return await grouped(2)

    assert asyncio.run(go()) == 2


def test_a_caller_who_left_does_not_take_the_others_along() -> None:
    release = threading.Event()

    def slow(items: Sequence[int]) -> list[int]:
        release.wait(5)
        return list(items)

    async def go() -> int:
        grouped = Grouped(slow)
        leaving, staying = grouped(1), grouped(2)
        await asyncio.sleep(0.05)
        leaving.cancel()
        release.set()
        return await staying

    assert asyncio.run(go()) == 2


def grouped_by(company: bool, *, enough: int, patience_s: float) -> tuple[list[int], float]:
    """The sizes of the groups of five callers who come one after another, 20 ms apart, and the seconds it took."""
    groups: list[int] = []

    def count(items: Sequence[int]) -> Sequence[int]:
        groups.append(len(items))
        return items

    async def go() -> None:
        grouped = Grouped(count, company=lambda: company, enough=enough, patience_s=patience_s)
        asked = []
        for n in range(5):
            asked.append(grouped(n))
            await asyncio.sleep(0.02)
        assert await asyncio.gather(*asked) == list(range(5))

    began = time.monotonic()
    asyncio.run(go())
    return groups, time.monotonic() - began


def test_who_expects_company_waits_for_it() -> None:
    groups, _ = grouped_by(True, enough=8, patience_s=0.5)
    assert groups == [5]


def test_enough_are_enough() -> None:
    groups, seconds = grouped_by(True, enough=5, patience_s=30)
    assert groups == [5]
    assert seconds < 10


def test_who_expects_nobody_does_not_wait() -> None:
    groups, seconds = grouped_by(False, enough=8, patience_s=30)
    assert len(groups) > 1
    assert seconds < 10
