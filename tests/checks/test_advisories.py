"""The check of advisories never takes silence for a good answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from checks.advisories import PINS, UNSAFE, Report, Silent, judge, pinned

FAULT = {"id": "PYSEC-2000-1", "fix_versions": ["2.0"]}
OURS = ["one==1.0", "two==2.0"]


def source(**faults: list[dict[str, Any]] | str) -> Any:
    """One that knows these; a sentence stands for a release that it does not have."""

    def ask(pins: Iterable[str]) -> Report:
        said: list[dict[str, Any]] = []
        for name, version in (pin.split("==") for pin in pins):
            known = faults.get(name, [])
            more = {"skip_reason": known} if isinstance(known, str) else {"version": version, "vulns": known}
            said.append({"name": name} | more)
        return {"dependencies": said}

    return ask


def test_a_source_that_knows_finds_what_is_unsafe() -> None:
    judgement = judge(OURS, source(django=[FAULT], two=[FAULT]))
    assert judgement.found
    assert judgement.code(required=False) == 1
    assert any("two 2.0: PYSEC-2000-1, mended in: 2.0" in line for line in judgement.lines)


def test_all_is_well_only_if_all_were_judged() -> None:
    well = judge(OURS, source(django=[FAULT]))
    assert (well.found, well.whole, well.code(required=True)) == (False, True, 0)
    assert well.lines == ["advisories: 2 of 2 releases checked, 0 advisories"]
    part = judge(OURS, source(django=[FAULT], two="not there"))
    assert part.code(required=True) == 1
    assert "advisories: NOT CHECKED: two: not there" in part.lines


@pytest.mark.parametrize("known", [{}, {"django": "Dependency not found"}])
def test_a_source_that_calls_everything_safe_is_not_believed(known: dict[str, str]) -> None:
    judgement = judge(OURS, source(**known))
    assert judgement.lines == [
        f"advisories: NOT CHECKED: the source of advisories does not know that {UNSAFE} is unsafe; 2 releases stand "
        "unjudged"
    ]
    assert (judgement.code(required=False), judgement.code(required=True)) == (0, 1)


def test_a_source_that_cannot_be_reached_is_said_to_be_away() -> None:
    def away(_: Iterable[str]) -> Report:
        raise Silent("no network")

    judgement = judge(OURS, away)
    assert judgement.lines[0].startswith("advisories: NOT CHECKED: no network")
    assert judgement.code(required=True) == 1


def test_every_pin_is_asked_about() -> None:
    pins = pinned(PINS.read_text())
    lines = [line for line in PINS.read_text().splitlines() if line and not line.startswith("#")]
    assert len(pins) == len(lines) > 100
