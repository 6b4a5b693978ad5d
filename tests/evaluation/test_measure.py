from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from atisbo.evaluation.measure import SIZE, Judged, Said, ahead, measure, measure_foreign
from atisbo.evaluation.rows import Row
from atisbo.imaging.folders import Sample, read_folder, read_mask
from tests.evaluation.made import card, chosen_rows
from tests.training.ellipses import ellipses

FRAME = (48, 64)


def test_work_is_done_side_by_side_and_given_in_order_without_running_far_ahead() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        time.sleep(0.02 if item % 2 else 0.001)
        return item

    made = ahead(work, iter(range(20)), 3)
    assert [next(made) for _ in range(4)] == [0, 1, 2, 3]
    assert max(begun) <= 4 + 2 * 3
    assert list(made) == list(range(4, 20))


def test_a_failure_ends_it_and_what_waits_is_not_begun() -> None:
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(ahead(work, range(100), 1))
    assert len(begun) < 5
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("judging")]


def test_several_workers_find_what_one_finds(tmp_path: Path) -> None:
    samples = read_folder(ellipses(tmp_path / "frames", 8))

    def ask(sample: Sample) -> Said:
        mask = np.roll(read_mask(sample, FRAME), 2, axis=1)
        return Said(FRAME, 0.5, mask=mask, probabilities=mask.astype(np.float32), refused=False)

    one, four = measure(samples, ask, card()), measure(samples, ask, card(), 4)
    assert repr(one) == repr(four)
    assert one.rows[0].columns[SIZE] != "none"
    assert one.rows[5].columns[SIZE] == "none"
    assert one.rows[0].values["kept"] == 1.0
    assert [row.values for row in measure_foreign(samples[:1], ask)] == [{"refused": 0.0}]


def test_neighbours_need_classes_and_embeddings() -> None:
    rows = chosen_rows(2, 20)
    vectors = tuple(np.eye(20, 4, -n % 4, dtype=np.float32)[0] for n in range(20))
    found = Judged(rows, vectors).with_neighbours("source")
    assert {"precision_at_5", "map", "precision_at_5_elsewhere"} <= found.rows[0].values.keys()
    assert Judged(rows, vectors[:3]).with_neighbours(None).rows == rows
    alone = tuple(Row(row.file) for row in rows)
    assert Judged(alone, vectors).with_neighbours(None).rows == alone


def test_known_items_are_searched_among_all_and_told_for_those_that_were_asked() -> None:
    rows = chosen_rows(2, 3)
    vectors = tuple(np.eye(3, dtype=np.float32))
    found = Judged(rows, vectors).with_known_items({"recall_at_1_half": {0: vectors[0], 2: vectors[1]}})
    hits = [row.values["recall_at_1_half"] for row in found.rows]
    assert (hits[0], hits[2]) == (1.0, 0.0)
    assert np.isnan(hits[1])
