"""``atisbo business``: does it pay?"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from atisbo.cli.main import plainly
from atisbo.cli.outputs import check_files
from atisbo.domain.cards import first_fault
from atisbo.domain.finance import Case, Plan, Undefined, plan
from atisbo.domain.sensitivity import Distribution, simulate, tornado
from atisbo.errors import Misconfigured
from atisbo.i18n import translate

RATES = {
    Undefined.ONLY_GAINS: "none: nothing is put in",
    Undefined.ONLY_LOSSES: "none: nothing comes back",
    Undefined.SEVERAL: "several rates make it even: go by present value",
    Undefined.NONE: "no rate makes it even: go by present value",
}


@plainly
def business(
    assumptions: Annotated[
        list[str] | None, typer.Argument(help="name=value, for example price=30 clients=12 discount=0.08")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for programs.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write every year for a spreadsheet here.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write a printed page here.")] = None,
) -> None:
    """Cash flows, present value, rate of return, payback and break-even of running a service."""
    check_files(csv, pdf)
    found = plan(read(assumptions or []))
    chances = simulate(found.case)
    if csv is not None or pdf is not None:
        _write(found, csv, pdf)
    if as_json:
        typer.echo(json.dumps(described(found, chances), indent=1))
    else:
        show(found, chances)


def _write(found: Plan, csv: Path | None, pdf: Path | None) -> None:
    # Imported here: the pages would be read for every command.
    from atisbo.web.pages import case

    if csv is not None:
        csv.write_text(case.table(found), encoding="utf-8")
    if pdf is not None:
        pdf.write_bytes(case.printed(found, case.Words("en", case.CURRENCY, partial(translate, "en"))))


def read(assumptions: list[str]) -> Case:
    """The published case with what was said instead.

    Raises:
        Misconfigured: a word is not name=value, or the value is none that a case takes.
    """
    said = dict(word.partition("=")[::2] for word in assumptions)
    unknown = sorted(set(said) - set(Case.model_fields))
    if unknown:
        names = ", ".join(Case.model_fields)
        raise Misconfigured("assumption_unknown", "{word} is none of: {names}", word=unknown[0], names=names)
    try:
        return Case.model_validate(said)
    except ValidationError as error:
        raise Misconfigured("assumption_wrong", "{fault}", fault=first_fault(error)) from error


def described(found: Plan, chances: Distribution) -> dict[str, object]:
    """All of it, with names of their own for what is no number."""
    return {
        "assumptions": found.case.model_dump(),
        "flows": found.flows,
        "discounted": found.discounted,
        "npv": found.npv,
        "irr": found.irr,
        "payback_years": found.payback,
        "discounted_payback_years": found.discounted_payback,
        "break_even_clients": found.break_even_clients,
        "tornado": {swing.name: [swing.low, swing.high] for swing in tornado(found.case)},
        "simulation": {
            "draws": len(chances.values),
            "loss": chances.loss,
            "p5": chances.quantile(0.05),
            "p50": chances.quantile(0.5),
            "p95": chances.quantile(0.95),
        },
    }


def show(found: Plan, chances: Distribution) -> None:
    """The same for people."""
    console = Console()
    years = Table("year", "clients", "revenue", "costs", "tax", "cash flow", "discounted")
    years.add_row("0", "", "", f"{found.case.investment:,.2f}", "", f"{found.flows[0]:,.2f}", f"{found.flows[0]:,.2f}")
    for year in found.years:
        amounts = (year.revenue, year.costs + year.infrastructure, year.tax, year.flow, found.discounted[year.number])
        years.add_row(str(year.number), f"{year.clients:,.1f}", *(f"{amount:,.2f}" for amount in amounts))
    console.print(years)
    rate = RATES[found.irr] if isinstance(found.irr, Undefined) else f"{found.irr:.1%}"
    never = "never within the plan"
    for name, value in (
        ("net present value", f"{found.npv:,.2f}"),
        ("internal rate of return", rate),
        ("payback, years", never if found.payback is None else f"{found.payback:.2f}"),
        ("discounted payback, years", never if found.discounted_payback is None else f"{found.discounted_payback:.2f}"),
        (
            "break-even clients",
            "no number is enough" if found.break_even_clients is None else f"{found.break_even_clients:,.2f}",
        ),
        ("chance of a loss", f"{chances.loss:.1%} of {len(chances.values)} draws, each assumption ± 20 %"),
    ):
        console.print(f"{name:26} {value}", highlight=False)
