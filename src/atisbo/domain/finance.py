"""Whether running a service pays: yearly cash flows and what is read off them.

Money is in one currency of the reader's choice, rates are shares of 1 a year, years are counted from 1; year 0 is the
investment. Formulas: Brealey, Myers & Allen, *Principles of Corporate Finance*, chapters 2, 5 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from pyxirr import npv as present_value

MONTHS: Final = 12
_NEGLIGIBLE: Final = 1e-9
"""A flow so small beside the largest is nothing."""


class Case(BaseModel):
    """What is assumed. The defaults are the published case of a service with five clients."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    development: float = Field(default=500, ge=0, le=1e9)
    """Paid before the first client."""
    first_infrastructure: float = Field(default=200, ge=0, le=1e9)
    """Infrastructure of the first year, paid in advance."""
    price: float = Field(default=25, ge=0, le=1e6)
    """A client and month."""
    clients: float = Field(default=5, ge=0, le=1e6)
    """In the first year."""
    growth: float = Field(default=0, ge=0, le=10)
    """New clients a year, as a share of those there were."""
    churn: float = Field(default=0, ge=0, le=1)
    """Clients that leave a year, as a share of those there were."""
    costs: float = Field(default=300, ge=0, le=1e9)
    """A year, whatever the number of clients."""
    images: float = Field(default=0, ge=0, le=1e7)
    """A client and month."""
    machine_hour: float = Field(default=0, ge=0, le=1e4)
    """Price of a machine for an hour."""
    throughput: float = Field(default=10, gt=0, le=1e5)
    """Images that such a machine answers in a second."""
    years: int = Field(default=3, ge=1, le=30)
    discount: float = Field(default=0.10, ge=0, le=10)
    tax: float = Field(default=0, ge=0, lt=1)
    """On profits; the investment is written off evenly over the years, and losses are carried forward."""

    @property
    def investment(self) -> float:
        return self.development + self.first_infrastructure

    @property
    def image_cost(self) -> float:
        """Infrastructure for one image: the machine's hour over what it answers in one."""
        return self.machine_hour / (3600 * self.throughput)


@dataclass(frozen=True)
class Year:
    number: int
    clients: float
    revenue: float
    costs: float
    infrastructure: float
    tax: float

    @property
    def flow(self) -> float:
        return self.revenue - self.costs - self.infrastructure - self.tax


class Undefined(StrEnum):
    """Why a rate of return is no number."""

    ONLY_GAINS = "only_gains"
    """Nothing is put in: any rate is exceeded."""
    ONLY_LOSSES = "only_losses"
    """Nothing comes back: no rate makes it even."""
    SEVERAL = "several"
    """The flows change sign more than once and several rates make them even."""
    NONE = "none"
    """The flows change sign, and yet no rate makes them even."""


@dataclass(frozen=True)
class Plan:
    """A case worked out."""

    case: Case
    years: tuple[Year, ...]

    @cached_property
    def flows(self) -> tuple[float, ...]:
        """Of years 0, 1, …; the investment is negative."""
        return (-self.case.investment, *(year.flow for year in self.years))

    @cached_property
    def discounted(self) -> tuple[float, ...]:
        """Every flow in money of year 0: F / (1 + r)^t."""
        return tuple(flow / (1 + self.case.discount) ** year for year, flow in enumerate(self.flows))

    @cached_property
    def npv(self) -> float:
        """Net present value, Σ F_t / (1 + r)^t."""
        value = present_value(self.case.discount, list(self.flows))
        assert value is not None, "a rate of 0 or more always gives one"
        return value

    @cached_property
    def irr(self) -> float | Undefined:
        """Internal rate of return: the rate at which the net present value is 0; above −1."""
        return rate_of_return(self.flows)

    @cached_property
    def payback(self) -> float | None:
        """Years until the flows have brought the investment back, evenly within a year; None: never within the plan."""
        return crossing(self.flows)

    @cached_property
    def discounted_payback(self) -> float | None:
        """The same with discounted flows."""
        return crossing(self.discounted)

    @cached_property
    def break_even_clients(self) -> float | None:
        """First-year clients at which the net present value is 0; None: no number up to a million is enough."""
        return break_even(self.case)


def plan(case: Case) -> Plan:
    """Work out every year of a case."""
    years: list[Year] = []
    clients, loss = case.clients, 0.0
    for number in range(1, case.years + 1):
        revenue = clients * case.price * MONTHS
        infrastructure = clients * case.images * MONTHS * case.image_cost
        profit = revenue - case.costs - infrastructure - case.investment / case.years
        taxed = max(0.0, profit - loss)
        loss = max(0.0, loss - profit)
        years.append(Year(number, clients, revenue, case.costs, infrastructure, taxed * case.tax))
        clients *= max(0.0, 1 + case.growth - case.churn)
    return Plan(case, tuple(years))


def npv(case: Case) -> float:
    return plan(case).npv


def rate_of_return(flows: tuple[float, ...]) -> float | Undefined:
    """The only rate above −1 at which flows are worth nothing, or why there is none."""
    scale = max(map(abs, flows))
    flows = tuple(0.0 if abs(flow) < _NEGLIGIBLE * scale else flow for flow in flows)
    signs = [flow > 0 for flow in flows if flow]
    if all(signs):
        return Undefined.ONLY_GAINS
    if not any(signs):
        return Undefined.ONLY_LOSSES
    roots = _roots(flows)
    if len(roots) == 1:
        return 1 / roots[0] - 1
    return Undefined.SEVERAL if roots else Undefined.NONE


def _roots(flows: tuple[float, ...]) -> list[float]:
    """Discount factors x = 1 / (1 + r) > 0 with Σ F_t · xᵗ = 0.

    Between neighbouring zeros of its derivative a polynomial is monotonic and has at most one zero: those of the
    derivatives are found first, from the lowest degree up.
    """
    last = max(place for place, flow in enumerate(flows) if flow)
    chain = [list(flows[: last + 1])]
    while len(chain[-1]) > 2:
        chain.append([power * value for power, value in enumerate(chain[-1])][1:])
    limit = 1 + max(map(abs, flows)) / abs(flows[last])
    turns: list[float] = []
    for polynomial in reversed(chain):
        edges = [0.0, *turns, limit]
        found = [_bisect(polynomial, low, high) for low, high in pairwise(edges)]
        turns = sorted({root for root in found if root is not None and root > 0})
    return turns


def _bisect(polynomial: list[float], low: float, high: float) -> float | None:
    """Where a polynomial that is monotonic between two points is zero; None where it does not change sign."""
    at_low, at_high = _value(polynomial, low), _value(polynomial, high)
    if at_low == 0 or (at_low > 0) == (at_high > 0):
        return None
    for _ in range(200):
        middle = (low + high) / 2
        if (_value(polynomial, middle) > 0) == (at_low > 0):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _value(polynomial: list[float], x: float) -> float:
    total = 0.0
    for coefficient in reversed(polynomial):
        total = total * x + coefficient
    return total


def crossing(flows: tuple[float, ...]) -> float | None:
    """When the running sum of flows reaches 0 for good, in years; within a year money comes evenly."""
    sums = list(accumulate(flows))
    if sums[-1] < 0:
        return None
    last = max((year for year, total in enumerate(sums) if total < 0), default=-1)
    return 0.0 if last < 0 else last - sums[last] / flows[last + 1]


def break_even(case: Case, most: float = 1e6) -> float | None:
    """First-year clients at which the net present value is 0: it rises with them, so halving finds it."""

    def worth(clients: float) -> float:
        return npv(case.model_copy(update={"clients": clients}))

    if worth(0) >= 0:
        return 0.0
    if worth(most) < 0:
        return None
    low, high = 0.0, most
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if worth(middle) < 0 else (low, middle)
    return high
