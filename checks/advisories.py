"""Known advisories against what ``constraints.txt`` pins, as pip-audit finds them.

A source that says nothing is not one that says all is well: it is first asked about a release that is known to be
unsafe. Where it cannot be reached or does not know that one, this says NOT CHECKED, and fails only if asked to:
``python -m checks.advisories --required``, before a release.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

PINS: Final = Path(__file__).parent.parent / "constraints.txt"
UNSAFE: Final = "django==1.11"
"""None of ours; its advisories are in every database."""
PATIENCE_S: Final = 180

Report = dict[str, Any]
Ask = Callable[[Iterable[str]], Report]


class Silent(Exception):
    """The source gave no answer; says why."""


@dataclass(frozen=True)
class Judgement:
    """``lines`` for people; ``found``: a release of ours is unsafe; ``whole``: all were judged."""

    lines: list[str]
    found: bool = False
    whole: bool = False

    def code(self, *, required: bool) -> int:
        return 1 if self.found or (required and not self.whole) else 0


def pip_audit(pins: Iterable[str]) -> Report:
    """What pip-audit says of these pins. Raises Silent."""
    with TemporaryDirectory() as folder:
        asked = Path(folder) / "pins.txt"
        asked.write_text("\n".join(pins) + "\n")
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(asked), "--no-deps", "--disable-pip"]
        try:
            said = subprocess.run(
                [*command, "--format", "json", "--progress-spinner", "off"],
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
            report: Report = json.loads(said.stdout)
        except subprocess.TimeoutExpired as error:
            raise Silent("the source of advisories did not answer in time") from error
        except ValueError as error:
            why = said.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise Silent(f"the source of advisories cannot be asked: {why[0][:200]}") from error
    return report


def judge(pins: list[str], ask: Ask = pip_audit) -> Judgement:
    """Hold each pin (``name==version``) against the source, if that knows what it is asked."""
    try:
        known = ask([UNSAFE])["dependencies"]
        if not any(one.get("vulns") for one in known):
            return _unchecked(pins, f"the source of advisories does not know that {UNSAFE} is unsafe")
        answers = ask(pins)["dependencies"]
    except Silent as silent:
        return _unchecked(pins, str(silent))
    unsafe = [_line(one, fault) for one in answers for fault in one.get("vulns", ())]
    skipped = [
        f"advisories: NOT CHECKED: {one['name']}: {one['skip_reason']}" for one in answers if "skip_reason" in one
    ]
    judged = len(answers) - len(skipped)
    whole = judged == len(pins)
    lines = [*unsafe, *skipped, f"advisories: {judged} of {len(pins)} releases checked, {len(unsafe)} advisories"]
    return Judgement(lines, found=bool(unsafe), whole=whole)


def _unchecked(pins: list[str], why: str) -> Judgement:
    return Judgement([f"advisories: NOT CHECKED: {why}; {len(pins)} releases stand unjudged"])


def _line(one: dict[str, Any], fault: dict[str, Any]) -> str:
    mended = ", ".join(fault.get("fix_versions", ())) or "none yet"
    return f"advisories: {one['name']} {one['version']}: {fault['id']}, mended in: {mended}"


def pinned(text: str) -> list[str]:
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if "==" in line]


def main() -> int:
    judgement = judge(pinned(PINS.read_text()))
    print("\n".join(judgement.lines))
    return judgement.code(required="--required" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
