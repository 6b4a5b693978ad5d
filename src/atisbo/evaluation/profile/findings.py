"""The sentences at the head of a profile's page: what somebody who trains on the folder should know first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from atisbo.evaluation.page import number
from atisbo.evaluation.profile.schema import Masks, Profile

_IMBALANCE: Final = 3.0


class Finding(NamedTuple):
    tone: str
    """``bad``, ``warn`` or ``good``."""
    sentence: str
    link: str
    """Section of the page."""


def findings(profile: Profile) -> list[Finding]:
    """The worst first; one good word where there is nothing to say."""
    found = [*_opened(profile), *_duplicates(profile), *_classes(profile)]
    for masks in profile.masks:
        found += _masks(masks)
    order = ("bad", "warn", "good")
    return sorted(found, key=lambda finding: order.index(finding.tone)) or [
        Finding("good", "Every file opens, and nothing is there twice.", "#files")
    ]


def _opened(profile: Profile) -> Iterator[Finding]:
    bad, index = profile.counts.bad, profile.index
    if bad:
        yield Finding("bad", _many(bad, "file or link", "files or links") + " cannot be opened.", "#files")
    for paths, tone, before, one, after in (
        (index.missing, "bad", "names", "file", "not there"),
        (index.twice, "warn", "names", "file", "more than once"),
        (index.not_listed, "warn", "leaves out", "image", "of the folder"),
    ):
        if paths:
            yield Finding(tone, f"index.csv {before} {_many(len(paths), one)} {after}.", "#index")
    if profile.flat:
        yield Finding("warn", _many(len(profile.flat), "picture") + " of a single colour.", "#flat")


def _duplicates(profile: Profile) -> Iterator[Finding]:
    crossed = Counter(name for group in profile.exact for name in group.crosses)
    copies = sum(len(group.members) - 1 for group in profile.exact)
    near = profile.near
    for name, across in (("split", "splits"), ("class", "classes"), *((name, name) for name in profile.columns)):
        tone = "bad" if name in ("split", "class") else "warn"
        if crossed[name]:
            yield Finding(tone, f"Exact duplicates across {across}: {_many(crossed[name], 'group')}.", "#exact")
        if near.crossing.get(name):
            yield Finding(tone, f"Near duplicates across {across}: {_many(near.crossing[name], 'pair')}.", "#near")
    if copies:
        yield Finding("warn", _many(copies, "file repeats", "files repeat") + " another one, byte for byte.", "#exact")
    if near.pairs:
        least, groups = "At least " * near.at_least, _many(len(near.groups), "group")
        said = f"{least}{_many(near.pairs, 'pair')} nearly the same, in {groups}: keep each group in one split."
        yield Finding("warn", said, "#near")
    if not copies and not near.pairs:
        yield Finding("good", "No picture is there twice, neither exactly nor nearly.", "#near")


def _classes(profile: Profile) -> Iterator[Finding]:
    counts = profile.classes
    if len(counts) > 1 and max(counts.values()) > _IMBALANCE * min(counts.values()):
        most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
        yield Finding(
            "warn",
            f"Classes are unequal: {number(counts[most])} of {most}, {number(counts[least])} of {least}.",
            "#classes",
        )


def _masks(masks: Masks) -> Iterator[Finding]:
    where = f"in {masks.folder}/"
    nothing = "right only where there is nothing to find"
    for paths, tone, one, more in (
        (masks.mismatched, "bad", f"mask {where} has another size than its image", f"masks {where} have another size"),
        (masks.images_without, "bad", f"image has no mask {where}", f"images have no mask {where}"),
        (masks.faint, "bad", f"mask {where} is too dark, read as empty", f"masks {where} are too dark, read as empty"),
        (masks.without_image, "warn", f"mask {where} has no image", f"masks {where} have no image"),
        (masks.not_binary, "warn", f"mask {where} has grey values between", f"masks {where} have grey values between"),
        (masks.empty, "warn", f"mask {where} is empty: {nothing}", f"masks {where} are empty: {nothing}"),
    ):
        if paths:
            yield Finding(tone, f"{_many(len(paths), one, more)}.", "#masks")


def _many(count: int, one: str, more: str = "") -> str:
    return f"{number(count)} {one if count == 1 else more or one + 's'}"
