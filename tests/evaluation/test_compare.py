from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from atisbo.errors import Invalid
from atisbo.evaluation.compare import as_json, compare, compare_rows, paired, primary
from atisbo.evaluation.intervals import bootstrap
from atisbo.evaluation.rows import Row
from tests.evaluation.made import chosen_rows, reported_classes


def test_the_interval_is_that_of_the_mean_difference() -> None:
    random = np.random.default_rng(0)
    first = random.beta(8, 2, 200)
    second = (first + random.normal(0.02, 0.05, 200)).clip(0, 1)
    found, expected = paired(list(first), list(second)), bootstrap(list(second - first))
    assert found is not None
    assert expected is not None
    assert (found.value, found.low, found.high, found.n) == pytest.approx(
        (expected.value, expected.low, expected.high, 200)
    )
    assert found.verdict == "better"


def test_pairing_sees_what_two_intervals_do_not() -> None:
    random = np.random.default_rng(1)
    first = random.uniform(0.2, 1.0, 60)
    second = first + 0.01 + random.normal(0, 0.01, 60)
    ours, theirs, found = bootstrap(list(first)), bootstrap(list(second)), paired(list(first), list(second))
    assert ours is not None
    assert theirs is not None
    assert found is not None
    assert ours.high > theirs.low
    assert found.low > 0


def test_grouped_images_say_less() -> None:
    shift = np.repeat(np.random.default_rng(2).normal(0.01, 0.02, 8), 25)
    first = np.full(200, 0.8)
    groups = [f"g{n // 25}" for n in range(200)]
    alone, together = paired(list(first), list(first + shift)), paired(list(first), list(first + shift), groups)
    assert alone is not None
    assert together is not None
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_few_groups_tell_nothing_apart() -> None:
    """No difference is there; over one group, every second comparison once found one."""
    random, by = np.random.default_rng(5), np.arange(40)
    for groups, most in ((1, 0), (3, 0), (9, 0), (10, 18), (40, 10)):
        told = 0
        for _ in range(100):
            first = random.beta(8, 2, 40)
            away = random.normal(0, 0.05, 40) + random.normal(0, 0.05, groups)[by % groups]
            found = paired(list(first), list(first + away), [str(n) for n in by % groups])
            assert found is not None
            assert found.groups == groups
            told += found.verdict != "cannot be told apart"
        assert told <= most, groups


def test_over_one_group_there_is_no_interval() -> None:
    found = paired([0.5, 0.5, 0.7], [0.6, 0.9, 0.8], ["a", "a", "a"], name="dice")
    assert found is not None
    assert (found.low, found.high, found.n, found.groups) == (None, None, 3, 1)
    said = found.sentence("old", "new")
    assert said.startswith("dice: old and new cannot be told apart (0.5667 → 0.7667, difference +0.2000; no interval")
    assert said.endswith("3 images in 1 groups). Too few independent groups: at least 10 are needed.")


def test_groups_are_those_that_say_something() -> None:
    """Twelve patients, of whom one has the structure."""
    rows = [
        [Row(f"{n}", {"dice": value, "dice_cup": value if n < 3 else float("nan")}, columns={"patient": f"p{n // 3}"})
         for n in range(36)]
        for value in (0.5, 0.6)
    ]  # fmt: skip
    found = compare_rows(*rows, "patient")
    assert {name: (one.groups, one.verdict) for name, one in found.items()} == {
        "dice": (12, "better"),
        "dice_cup": (1, "cannot be told apart"),
    }


def test_where_one_says_nothing_the_pair_is_left_out() -> None:
    nothing = float("nan")
    found = paired([0.5, nothing, 0.7], [0.6, 0.9, nothing])
    assert found is not None
    assert (found.n, found.value) == (1, pytest.approx(0.1))
    assert paired([nothing], [1.0]) is None


def test_a_smaller_error_is_better() -> None:
    first = [Row(f"{n}", {"dice": 0.5, "mae": 0.2, "hd95": 3.0 + n, "bias_ratio": 0.1}) for n in range(12)]
    second = [Row(f"{n}", {"dice": 0.6, "mae": 0.1, "hd95": 4.0 + n, "bias_ratio": 0.2}) for n in reversed(range(12))]
    verdicts = {name: one.verdict for name, one in compare_rows(first, second).items()}
    assert verdicts == {"dice": "better", "mae": "better", "hd95": "worse", "bias_ratio": "cannot be told apart"}


def test_classes_are_compared_by_figures_of_all_images() -> None:
    good, poor = reported_classes(2, 300, skill=3.0), reported_classes(2, 300, skill=0.5)
    found = compare(poor, good)
    figures = (poor.figures(), good.figures())
    for name, one in found.items():
        assert (one.first, one.second) == pytest.approx(tuple(side[name].value for side in figures))
    assert found["auc"].verdict == found["accuracy"].verdict == found["brier"].verdict == "better"
    assert {one.verdict for one in compare(good, good).values()} == {"cannot be told apart"}
    assert [one.name for one in primary(found, "classification")] == ["accuracy", "balanced_accuracy", "auc"]


def test_a_sentence_says_it() -> None:
    found = compare(reported_classes(2, 300, skill=3.0), reported_classes(2, 300, skill=0.5))["auc"]
    assert found.sentence("old", "new").startswith("auc: new is worse than old (0.9")
    same = compare(reported_classes(2), reported_classes(2))["auc"]
    assert "old and new cannot be told apart" in same.sentence("old", "new")
    assert "difference +0.0000; 95 % interval +0.0000 to +0.0000, 60 images" in same.sentence()


def test_what_cannot_be_compared_is_refused() -> None:
    report = reported_classes(2)
    with pytest.raises(Invalid, match="different data"):
        compare(report, replace(report, data_sha256="2" * 64))
    with pytest.raises(Invalid, match="different questions"):
        compare(report, replace(report, positive="c0"))
    with pytest.raises(Invalid, match="same files"):
        compare_rows(chosen_rows(2, 10), chosen_rows(2, 9))
    with pytest.raises(Invalid, match="same files"):
        compare_rows([], [])


def test_it_is_plain_values() -> None:
    first, second = reported_classes(3), reported_classes(3, seed=4)
    said = json.loads(json.dumps(as_json(first, second, compare(first, second), "atisbo compare"), allow_nan=False))
    assert said["differences"]["accuracy"].keys() >= {"first", "second", "value", "low", "high", "n", "verdict"}
    assert len(said["sentences"]) == 3
