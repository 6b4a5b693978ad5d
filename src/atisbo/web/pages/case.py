"""A business case in the reader's words, on a printed page, and for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from atisbo import i18n
from atisbo.domain.finance import Plan, Undefined
from atisbo.domain.sensitivity import Distribution, simulate
from atisbo.paper import Chart, Sheet, Table, pdf
from atisbo.web.pages import sketch
from atisbo.web.render import Translate

PERCENT: Final = ("growth", "churn", "discount", "tax")
"""Asked in percent, kept as shares."""
CURRENCY: Final = "USD"


class Words:
    """Money, rates and times in the reader's language."""

    def __init__(self, language: str, currency: str, translate: Translate) -> None:
        self.language, self.currency, self._ = language, currency, translate

    def number(self, value: float, digits: int = 0) -> str:
        return i18n.number(self.language, value, digits)

    def money(self, value: float) -> str:
        digits = 2 if abs(value) < 10_000 and value != round(value) else 0
        return f"{i18n.number(self.language, value, digits)} {self.currency}"

    def share(self, value: float) -> str:
        return f"{i18n.number(self.language, value * 100, 1)} %"

    def span(self, years: float | None) -> str:
        """A time in years, with the months in words where they are few."""
        if years is None:
            return self._("Never within the plan")
        if years == 0:
            return self._("At once")
        if years < 2:
            months, exactly = max(1, round(years * 12)), self.number(years, 2)
            if months == 1:
                return self._("one month ({years} years)", years=exactly)
            return self._("{months} months ({years} years)", months=months, years=exactly)
        return self._("{years} years", years=self.number(years, 2))

    def rate(self, irr: float | Undefined) -> str:
        if isinstance(irr, float):
            return self.share(irr)
        return {
            Undefined.ONLY_GAINS: self._("There is none: nothing is put in, so any rate is exceeded."),
            Undefined.ONLY_LOSSES: self._("There is none: nothing comes back."),
            Undefined.SEVERAL: self._(
                "Several rates make it even, so none of them means anything: go by present value."
            ),
            Undefined.NONE: self._("No rate makes it even, although money comes and goes: go by present value."),
        }[irr]

    def verdict(self, found: Plan) -> str:
        values = {"value": self.money(found.npv), "years": found.case.years}
        if found.npv < 0:
            return self._("No: over {years} years it is worth {value} today, less than nothing.", **values)
        if found.payback is None or found.payback == 0:
            return self._("Yes: over {years} years it is worth {value} today.", **values)
        time = self.span(found.payback)
        return self._("Yes: it pays back in {time} and is worth {value} today.", time=time, **values)

    def names(self) -> dict[str, str]:
        """What each assumption is called."""
        _ = self._
        return {
            "development": _("Development"),
            "first_infrastructure": _("Infrastructure, first year"),
            "price": _("Price per client and month"),
            "clients": _("Clients in the first year"),
            "growth": _("New clients a year"),
            "churn": _("Clients that leave a year"),
            "costs": _("Running costs a year"),
            "images": _("Images per client and month"),
            "machine_hour": _("Price of a machine per hour"),
            "throughput": _("Images a machine answers per second"),
            "years": _("Years"),
            "discount": _("Discount rate"),
            "tax": _("Tax on profit"),
        }


def printed(found: Plan, words: Words) -> bytes:
    """The case as PDF: what comes of it, why, and on what assumptions."""
    _, chances = words._, simulate(found.case)
    years = sketch.columns(found.flows)
    line = [(float(x), float(y)) for x, y in (point.split(",") for point in years.path.split())]
    ends = (words.money(round(chances.values[0])), words.money(round(chances.values[-1])))
    return pdf(
        Sheet(
            language=words.language,
            title=f"Atisbo · {_('Does it pay?')}",
            answer=words.verdict(found),
            made_at=datetime.now(UTC),
            facts=list(_results(found, chances, words)),
            charts=[
                Chart(_("Cash flow"), _boxes(years.bars), line, years.zero, ("0", str(found.case.years))),
                Chart(_("Distribution of the net present value"), _boxes(sketch.histogram(chances.bars())), ends=ends),
            ],
            tables=[_flows(found, words), _assumptions(found, words)],
            notice=_("A calculation on what you assume, no advice."),
        )
    )


def _boxes(bars: list[sketch.Bar]) -> list[tuple[float, float, float, float, bool]]:
    return [(bar.x, bar.y, bar.width, bar.height, bar.below) for bar in bars]


def _results(found: Plan, chances: Distribution, words: Words) -> Iterator[tuple[str, str]]:
    _ = words._
    clients = found.break_even_clients
    yield _("Net present value"), words.money(found.npv)
    yield _("Internal rate of return"), words.rate(found.irr)
    yield _("Payback"), words.span(found.payback)
    yield _("Discounted payback"), words.span(found.discounted_payback)
    yield _("Break-even clients"), _("No number is enough") if clients is None else words.number(clients, 1)
    yield _("Chance of a loss"), words.share(chances.loss)


def _flows(found: Plan, words: Words) -> Table:
    _ = words._

    def money(value: float) -> str:
        return words.number(value, 2)

    heads = [_("Year"), _("Clients"), _("Revenue"), _("Costs"), _("Tax"), _("Cash flow"), _("Discounted")]
    first = ["0", "", "", money(found.case.investment), "", money(found.flows[0]), money(found.discounted[0])]
    rows = [
        [
            str(year.number),
            words.number(year.clients, 1),
            *map(money, (year.revenue, year.costs + year.infrastructure, year.tax, year.flow)),
            money(found.discounted[year.number]),
        ]
        for year in found.years
    ]
    return Table(f"{_('Cash flow')} ({words.currency})", [heads, first, *rows])


def _assumptions(found: Plan, words: Words) -> Table:
    def said(name: str) -> str:
        value = getattr(found.case, name)
        return words.share(value) if name in PERCENT else words.number(value, 2 if value != round(value) else 0)

    rows = [[title, said(name)] for name, title in words.names().items()]
    return Table(words._("Assumptions"), [["", words.currency], *rows])


def table(found: Plan) -> str:
    """The cash flows as CSV, amounts with a point."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(
        ["year", "clients", "revenue", "costs", "infrastructure", "tax", "cash_flow", "discounted", "cumulative"]
    )
    total = 0.0
    for number, (flow, discounted) in enumerate(zip(found.flows, found.discounted, strict=True)):
        total += flow
        year = found.years[number - 1] if number else None
        parts = [year.clients, year.revenue, year.costs, year.infrastructure, year.tax] if year else [""] * 5
        lines.writerow(
            [number, *(round(value, 2) if value != "" else "" for value in (*parts, flow, discounted, total))]
        )
    return out.getvalue()
