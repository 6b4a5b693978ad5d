from __future__ import annotations

import pytest

from atisbo.domain.finance import Case, npv
from atisbo.domain.sensitivity import around, changed, simulate, tornado, two_way


def test_what_matters_most_comes_first_and_what_is_nothing_is_left_out() -> None:
    swings = tornado(Case())
    assert {swing.name for swing in swings[:2]} == {"price", "clients"}
    assert [swing.width for swing in swings] == sorted((swing.width for swing in swings), reverse=True)
    assert not {"growth", "churn"} & {swing.name for swing in swings}
    price = next(swing for swing in swings if swing.name == "price")
    assert (price.low_input, price.high_input) == (20, 30)
    assert price.low == pytest.approx(npv(Case(price=20)))
    assert price.high == pytest.approx(npv(Case(price=30)))


def test_two_at_a_time() -> None:
    table = two_way(Case(), ("clients", [1, 5]), ("price", around(25)))
    assert [len(row) for row in table] == [5, 5]
    assert table[1][2] == pytest.approx(npv(Case()))
    assert table[0][0] < 0 < table[1][0]


def test_values_stay_within_what_a_case_takes() -> None:
    assert changed(Case(), churn=1.4, clients=-3) == Case(churn=1, clients=0)


def test_many_draws_surround_the_case_and_are_repeatable() -> None:
    found = simulate(Case(), draws=2000)
    assert found == simulate(Case(), draws=2000)
    assert found != simulate(Case(), draws=2000, seed=1)
    assert found.mean == pytest.approx(npv(Case()), rel=0.03)
    assert found.quantile(0.05) < found.quantile(0.5) < found.quantile(0.95)
    assert found.loss == 0
    assert sum(number for _, _, number in found.bars()) == 2000


def test_the_chance_of_a_loss() -> None:
    even = Case(clients=1.938)
    assert abs(npv(even)) < 5
    assert simulate(even).loss == pytest.approx(0.5, abs=0.05)
    certain = simulate(Case(), spread=0)
    assert certain.bars() == [(certain.values[0], certain.values[-1], 4000)]
