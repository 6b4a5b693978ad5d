"""The published case to the cent, the books' formulas, and the cases in which there is no answer."""

from __future__ import annotations

import pytest
import pyxirr
from hypothesis import given
from hypothesis import strategies as st

from atisbo.domain.finance import Case, Undefined, plan, rate_of_return

PUBLISHED = Case()


def test_the_published_case() -> None:
    found = plan(PUBLISHED)
    assert PUBLISHED.investment == 700
    assert found.flows == (-700, 1200, 1200, 1200)
    assert found.npv == pytest.approx(2284.22, abs=0.005)
    assert found.irr == pytest.approx(1.619, abs=0.0005)
    assert found.payback == pytest.approx(0.58, abs=0.005)
    assert found.discounted_payback == pytest.approx(700 / (1200 / 1.1))


def test_break_even_clients_are_worth_nothing() -> None:
    clients = plan(PUBLISHED).break_even_clients
    assert clients is not None
    assert plan(PUBLISHED.model_copy(update={"clients": clients})).npv == pytest.approx(0, abs=1e-6)
    assert clients == pytest.approx((700 / 2.4868519910 + 300) / 300)
    assert plan(Case(price=0)).break_even_clients is None
    assert plan(Case(development=0, first_infrastructure=0, costs=0)).break_even_clients == 0


def test_clients_come_and_go() -> None:
    years = plan(Case(clients=100, growth=0.3, churn=0.1)).years
    assert [year.clients for year in years] == pytest.approx([100, 120, 144])


def test_an_image_costs_its_share_of_the_machine() -> None:
    case = Case(machine_hour=3.6, throughput=10, images=1000)
    assert case.image_cost == pytest.approx(0.0001)
    assert plan(case).years[0].infrastructure == pytest.approx(5 * 12 * 1000 * 0.0001)


def test_tax_is_on_profit_after_writing_off_and_after_earlier_losses() -> None:
    found = plan(Case(development=3000, first_infrastructure=0, clients=2, growth=1, costs=300, tax=0.25))
    # clients 2, 4, 8; profit 600 − 300 − 1000 = −700, then 1200 − 300 − 1000 = −100, then 2400 − 300 − 1000 = 1100
    assert [year.tax for year in found.years] == pytest.approx([0, 0, 0.25 * (1100 - 800)])


@pytest.mark.parametrize(
    ("flows", "reason"),
    [
        ((0.0, 5.0, 5.0), Undefined.ONLY_GAINS),
        ((-5.0, -1.0), Undefined.ONLY_LOSSES),
        ((-100.0, 230.0, -132.0), Undefined.SEVERAL),  # 10 % and 20 %
        ((1.0, -2.0, 2.0), Undefined.NONE),
    ],
)
def test_a_rate_that_is_no_number_is_said_in_words(flows: tuple[float, ...], reason: Undefined) -> None:
    assert rate_of_return(flows) is reason


@given(st.integers(1, 10**6), st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any))
def test_one_rate_where_money_goes_out_once(investment: int, flows: list[int]) -> None:
    """The rate makes the flows even; and it is the one that another implementation finds, where that finds one."""
    rate = rate_of_return((-investment, *flows))
    assert isinstance(rate, float)
    assert rate > -1
    worth = [flow / (1 + rate) ** year for year, flow in enumerate([-investment, *flows])]
    assert abs(sum(worth)) < 1e-6 * max(map(abs, worth))
    theirs = pyxirr.irr([-investment, *flows], silent=True)
    if theirs is not None and abs(pyxirr.npv(theirs, [-investment, *flows]) or 1) < 1e-6 * investment:
        assert rate == pytest.approx(theirs, rel=1e-4, abs=1e-6)


def test_what_never_pays_back() -> None:
    found = plan(Case(clients=1.2))
    assert (found.payback, found.discounted_payback) == (None, None)
    assert found.npv < 0
    assert isinstance(found.irr, float)
    assert found.irr < 0
    assert plan(Case(clients=0)).irr is Undefined.ONLY_LOSSES


def test_paid_back_only_if_it_stays_so() -> None:
    """A first year that brings it back and later years that lose it again are no payback."""
    falling = plan(Case(clients=5, churn=1, years=3))
    assert falling.flows == (-700, 1200, -300, -300)
    assert falling.payback is None
    assert plan(Case(clients=6, churn=1, years=3)).payback == pytest.approx(700 / 1500)
