"""``atisbo trial``: a candidate against the active version, both with the engine that serves. Started by a worker."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from atisbo.cli.main import plainly, settings

MOST_PICTURES: Final = 12
FEWEST: Final = 5
"""Images that a subgroup has to have."""
_SIDE: Final = 480
"""Longer side of a picture, pixels."""


@plainly
def trial(folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)]) -> None:
    """Judge FOLDER/candidate against FOLDER/active on FOLDER/data; writes result.json and pictures into FOLDER."""
    from atisbo.cli.judge import judged, opened
    from atisbo.cli.learn import chosen_samples
    from atisbo.domain.cards import Card
    from atisbo.evaluation.compare import compare
    from atisbo.evaluation.rows import groups

    precision = settings().engine_precision
    cards = [Card.read(folder / name / "card.json") for name in ("active", "candidate")]
    active, candidate = (
        opened(folder / name, card, precision) for name, card in zip(("active", "candidate"), cards, strict=True)
    )
    samples = chosen_samples(cards[0], [folder / "data"], None, unlabelled=False)
    group = "group" if any("group" in sample.columns for sample in samples) else None
    first, second = (judged(one, samples, command="atisbo trial", group=group) for one in (active, candidate))
    pictures = differing(first.rows, second.rows)
    draw(folder, pictures, samples, (active, candidate))
    result = {
        "task": first.task,
        "images": len(samples),
        "groups": len(set(groups(first.rows, group) or samples)),
        "data_sha256": first.data_sha256,
        "engine": first.engine,
        "figures": plain(compare(first, second, group)),
        "subgroups": subgroups(first, second, group),
        "pictures": pictures,
    }
    (folder / "result.json").write_text(json.dumps(result, allow_nan=False), encoding="utf-8")
    sys.stdout.write(f"{len(samples)} images\n")


def plain(differences: Any) -> dict[str, Any]:
    """Every difference as plain values."""
    return {name: vars(one) | {"verdict": one.verdict} for name, one in differences.items()}


def subgroups(first: Any, second: Any, group: str | None) -> list[dict[str, Any]]:
    """The figures that matter most, for the values of every column that divides the images into a few parts."""
    from atisbo.evaluation.compare import compare_rows, primary

    found = []
    for column, parts in divided(first.rows).items():
        for value, names in sorted(parts.items()):
            one, other = ([row for row in report.rows if row.file in names] for report in (first, second))
            differences = compare_rows(one, other, group, first.decided)
            kept = {each.name: each for each in primary(differences, first.task)}
            found.append({"column": column, "value": value, "images": len(one), "figures": plain(kept)})
    return found


def divided(rows: Sequence[Any]) -> dict[str, dict[str, set[str]]]:
    """Column → value → names of its images; columns with two to eight values, each of enough images."""
    known = {"file", "folder", "group", "owner", "split", "label"}
    columns = sorted({name for row in rows for name in row.columns} - known)
    found: dict[str, dict[str, set[str]]] = {}
    for column in columns:
        parts: dict[str, set[str]] = {}
        for row in rows:
            if row.columns.get(column):
                parts.setdefault(row.columns[column], set()).add(row.file)
        large = {value: names for value, names in parts.items() if len(names) >= FEWEST}
        if 2 <= len(large) <= 8:
            found[column] = large
    return found


def worth(row: Any) -> float:
    """How right an answer is, 0..1: the Dice of an outline, else the probability of what is true."""
    if row.choice is not None:
        return float(row.choice.probabilities[row.choice.truth])
    return float(row.values["dice"])


def differing(first: Sequence[Any], second: Sequence[Any]) -> list[dict[str, Any]]:
    """The images on which the two differ most, the largest difference first; those they agree on are left out."""
    others = {row.file: row for row in second}
    pairs = [(worth(row), worth(others[row.file]), row, others[row.file]) for row in first]
    ordered = sorted(pairs, key=lambda pair: -abs(pair[0] - pair[1]))
    return [
        {
            "file": one.file.partition("/")[2],
            "number": number,
            "first": round(ours, 4),
            "second": round(theirs, 4),
            "truth": one.choice.truth if one.choice else None,
            "answers": [one.choice.answer, other.choice.answer] if one.choice and other.choice else None,
        }
        for number, (ours, theirs, one, other) in enumerate(ordered[:MOST_PICTURES], start=1)
        if abs(ours - theirs) >= 0.005
    ]


def draw(folder: Path, pictures: Sequence[dict[str, Any]], samples: Sequence[Any], served: Sequence[Any]) -> None:
    """Write ``<number>-first.webp`` and ``<number>-second.webp``: what each outlined, and what is true."""
    from atisbo.cli.judge import illustrated
    from atisbo.evaluation.page import webp

    named = {sample.name.partition("/")[2]: sample for sample in samples}
    for one in pictures:
        for side, network in zip(("first", "second"), served, strict=True):
            data = webp(illustrated(named[one["file"]], network, _SIDE), _SIDE)
            (folder / f"{one['number']}-{side}.webp").write_bytes(data)
