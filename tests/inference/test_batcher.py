from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future

import numpy as np
import pytest

from atisbo.errors import Unavailable
from atisbo.inference.answers import Answers
from atisbo.inference.batcher import Batcher, TooLate
from tests.inference.engines import POISON, Summing, picture


@pytest.fixture
def gated() -> Iterator[tuple[Summing, Batcher]]:
    """An engine with one thread that has a first picture in hand and waits for ``open``."""
    engine = Summing(gate=True)
    batcher = Batcher(engine, capacity=8)
    batcher.submit(picture(0))
    assert engine.entered.acquire(timeout=10)
    yield engine, batcher
    engine.open.set()
    batcher.close()


def total(future: Future[Answers]) -> float:
    return float(future.result(10)["scores"][0])


def test_everyone_gets_their_own_answer(gated: tuple[Summing, Batcher]) -> None:
    engine, batcher = gated
    futures = [batcher.submit(picture(value)) for value in range(1, 8)]
    engine.open.set()
    assert [total(future) for future in futures] == [48.0 * value for value in range(1, 8)]
    assert engine.groups == [1, 4, 3]


def test_the_patient_go_last(gated: tuple[Summing, Batcher]) -> None:
    engine, batcher = gated
    order: list[int] = []

    def submit(value: int, *, patient: bool) -> Future[Answers]:
        future = batcher.submit(picture(value), patient=patient)
        future.add_done_callback(lambda _: order.append(value))
        return future

    futures = [submit(value, patient=value < 4) for value in (1, 2, 3, 4, 5, 6)]
    engine.open.set()
    assert [total(future) for future in futures] == [48.0 * value for value in (1, 2, 3, 4, 5, 6)]
    assert order == [4, 5, 6, 1, 2, 3]


def test_one_of_three_callers_cancels(gated: tuple[Summing, Batcher]) -> None:
    engine, batcher = gated
    first, second, third = (batcher.submit(picture(value)) for value in (1, 2, 3))
    assert second.cancel()
    engine.open.set()
    assert (total(first), total(third)) == (48, 144)
    with pytest.raises(CancelledError):
        second.result()
    assert engine.groups == [1, 2]


def test_all_callers_of_a_group_cancel(gated: tuple[Summing, Batcher]) -> None:
    engine, batcher = gated
    for future in [batcher.submit(picture(value)) for value in (1, 2, 3)]:
        assert future.cancel()
    engine.open.set()
    assert total(batcher.submit(picture(4))) == 192
    assert engine.groups == [1, 1]


def test_a_running_picture_cannot_be_cancelled_and_nobody_hangs(gated: tuple[Summing, Batcher]) -> None:
    engine, batcher = gated
    waiting = batcher.submit(picture(1))
    engine.open.set()
    assert total(waiting) == 48
    assert not waiting.cancel()


def test_only_the_culprit_of_a_group_fails(gated: tuple[Summing, Batcher]) -> None:
    engine, batcher = gated
    good, bad, fine = (batcher.submit(picture(value)) for value in (1, POISON, 2))
    engine.open.set()
    assert (total(good), total(fine)) == (48, 96)
    with pytest.raises(RuntimeError, match="choked"):
        bad.result(10)
    assert engine.groups == [1, 3, 1, 1, 1]


def test_mixed_shapes_go_in_groups_of_their_own(gated: tuple[Summing, Batcher]) -> None:
    engine, batcher = gated
    good = batcher.submit(picture(1))
    odd = batcher.submit(picture(1, (5, 4, 3)))
    fine = batcher.submit(picture(2))
    flat = batcher.submit(np.zeros((4,), np.uint8))
    engine.open.set()
    assert (total(good), total(fine)) == (48, 96)
    for future in (odd, flat):
        with pytest.raises(ValueError, match="another shape"):
            future.result(10)
    assert engine.groups[:2] == [1, 2]


def test_a_full_queue_says_so_and_keeps_what_it_has(gated: tuple[Summing, Batcher]) -> None:
    engine, batcher = gated
    futures = [batcher.submit(picture(1)) for _ in range(8)]
    with pytest.raises(Unavailable) as caught:
        batcher.submit(picture(1))
    assert caught.value.code == "queue_full"
    futures[0].cancel()
    replaced = batcher.submit(picture(2))
    engine.open.set()
    assert [total(future) for future in futures[1:]] == [48] * 7
    assert total(replaced) == 96


def test_a_passed_deadline_is_told_and_costs_no_work(gated: tuple[Summing, Batcher]) -> None:
    engine, batcher = gated
    now = time.monotonic()
    late = batcher.submit(picture(1), deadline=now + 0.02)
    patient = batcher.submit(picture(2), deadline=now + 60)
    time.sleep(0.05)
    engine.open.set()
    assert total(patient) == 96
    with pytest.raises(TooLate) as caught:
        late.result(10)
    assert caught.value.status == 503
    assert engine.groups == [1, 1]


def test_closing_answers_everybody() -> None:
    engine = Summing(gate=True)
    batcher = Batcher(engine, capacity=8)
    running = batcher.submit(picture(1))
    assert engine.entered.acquire(timeout=10)
    waiting = [batcher.submit(picture(2)) for _ in range(3)]
    waiting[0].cancel()
    closing = threading.Thread(target=batcher.close)
    closing.start()
    with pytest.raises(Unavailable):
        waiting[1].result(10)
    assert waiting[0].cancelled()
    engine.open.set()
    closing.join(10)
    assert not closing.is_alive()
    assert total(running) == 48
    with pytest.raises(Unavailable):
        batcher.submit(picture(1))
    batcher.close()


def test_free_threads_share_what_waits() -> None:
    """Four pictures and two free threads: two each, not four and none."""
    engine = Summing(parallel=2, gate=True)
    batcher = Batcher(engine)
    blockers = [batcher.submit(picture(0)) for _ in range(2)]
    for _ in blockers:
        assert engine.entered.acquire(timeout=10)
    futures = [batcher.submit(picture(1)) for _ in range(4)]
    engine.open.set()
    assert [total(future) for future in futures] == [48] * 4
    batcher.close()
    assert engine.groups == [1, 1, 2, 2] or engine.groups == [1, 1, 2, 1, 1]


def test_who_comes_while_nothing_else_is_there_gets_the_whole_machine() -> None:
    engine = Summing(parallel=2, gate=True)
    batcher = Batcher(engine)
    alone = batcher.submit(picture(1))
    assert engine.entered.acquire(timeout=10)
    beside = batcher.submit(picture(2))
    assert engine.entered.acquire(timeout=10)
    engine.open.set()
    assert (total(alone), total(beside)) == (48, 96)
    assert total(batcher.submit(picture(3))) == 144
    batcher.close()
    assert engine.alone == [True, False, True]


def test_an_engine_that_is_quickest_with_one_gets_one_at_a_time() -> None:
    engine = Summing(parallel=2, group=1)
    batcher = Batcher(engine)
    assert [total(future) for future in [batcher.submit(picture(value)) for value in range(6)]] == [
        48.0 * value for value in range(6)
    ]
    batcher.close()
    assert engine.groups == [1] * 6


def test_many_callers_at_once_lose_nothing() -> None:
    engine = Summing(parallel=3)
    batcher = Batcher(engine, capacity=2000)
    results: dict[int, float] = {}

    def call(start: int) -> None:
        futures = {n: batcher.submit(picture(n % 60)) for n in range(start, start + 100)}
        results.update({n: total(future) for n, future in futures.items()})

    threads = [threading.Thread(target=call, args=(100 * k,)) for k in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    batcher.close()
    assert results == {n: 48.0 * (n % 60) for n in range(1000)}
    assert sum(engine.groups) == 1000
