"""The page of a profile: what matters first, then everything with pictures and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from atisbo.evaluation import charts, page
from atisbo.evaluation.page import number
from atisbo.evaluation.profile.findings import findings
from atisbo.evaluation.profile.masks import AREA_EDGES
from atisbo.evaluation.profile.schema import Group, Intensity, Masks, NearGroup, Profile
from atisbo.evaluation.profile.walk import shown

__all__ = ["html", "pictured", "shown"]

_EXACT: Final = 12
_NEAR: Final = 18
_FAULTS: Final = 60
_CLASSES: Final = 11
_ODD: Final = 6
_NAMES: Final = 40


def html(profile: Profile, thumbnails: Mapping[str, str]) -> str:
    """The page.

    Args:
        thumbnails: path → address of its picture, of those in :func:`pictured`.
    """
    return page.render(
        "profile.html",
        profile=profile,
        findings=findings(profile),
        exact=[_exact(group, thumbnails) for group in _first_exact(profile)],
        near=[_near(group, thumbnails) for group in _first_near(profile)],
        reasons=_reasons(profile),
        faults=[(fault.path, fault.reason) for fault in profile.faults[:_FAULTS]],
        classes=_classes(profile),
        splits=_splits(profile),
        shapes=_shapes(profile),
        intensity=[_intensity(profile.intensity_edges, part) for part in profile.intensity[: _CLASSES + 1]],
        masks=[_masks(part, thumbnails) for part in profile.masks],
        flat=[_item(path, thumbnails) for path in profile.flat[:_ODD]],
        names=_NAMES,
    )


def pictured(profile: Profile) -> list[str]:
    """Paths of the pictures that the page shows: a bounded number, whatever the size of the folder."""
    paths = [group.members[0].path for group in _first_exact(profile)]
    for group in _first_near(profile):
        paths += [group.pairs[0].a, group.pairs[0].b]
    paths += profile.flat[:_ODD]
    for masks in profile.masks:
        for wrong in masks.mismatched[:_ODD]:
            paths += [wrong.image, wrong.mask]
        paths += [*masks.not_binary[:_ODD], *masks.faint[:_ODD]]
    return list(dict.fromkeys(paths))


class Pair(NamedTuple):
    """Two pictures side by side, as the template draws them."""

    items: list[dict[str, Any]]
    caption: str
    crosses: tuple[str, ...]


def _first_exact(profile: Profile) -> list[Group]:
    return sorted(profile.exact, key=lambda group: (not group.crosses, group.members[0].path))[:_EXACT]


def _first_near(profile: Profile) -> list[NearGroup]:
    def rank(group: NearGroup) -> tuple[bool, bool, float, str]:
        best = group.pairs[0]
        return not group.crosses, "split" not in group.crosses, -best.similarity, best.a

    return sorted(profile.near.groups, key=rank)[:_NEAR]


def _item(path: str, thumbnails: Mapping[str, str], *lines: str) -> dict[str, Any]:
    return {"title": path, "source": thumbnails.get(path, ""), "lines": [line for line in lines if line]}


def _values(values: Mapping[str, str]) -> str:
    return " · ".join(values.values())


def _exact(group: Group, thumbnails: Mapping[str, str]) -> dict[str, Any]:
    first = group.members[0]
    listed = [(member.path, _values(member.values)) for member in group.members]
    return {"source": thumbnails.get(first.path, ""), "title": first.path, "members": listed, "crosses": group.crosses}


def _near(group: NearGroup, thumbnails: Mapping[str, str]) -> Pair:
    best, more = group.pairs[0], len(group.members) - 2
    values = {member.path: _values(member.values) for member in group.members}
    words = [f"likeness {best.similarity:.2f}", f"{best.bits} of 64 bits differ"]
    words += [f"{number(more)} more in this group"] if more else []
    items = [_item(path, thumbnails, values.get(path, "")) for path in (best.a, best.b)]
    return Pair(items, " · ".join(words), group.crosses)


def _reasons(profile: Profile) -> Markup | None:
    counts = Counter(fault.reason.split(" (")[0] for fault in profile.faults)
    if not counts:
        return None
    values = dict(counts.most_common())
    return charts.bars(values, title="Why", tones=dict.fromkeys(values, "bad"))


def _classes(profile: Profile) -> list[Markup]:
    whole = [("Classes", profile.classes), ("Splits", profile.splits)]
    whole += [(f"Column {name}", counts) for name, counts in profile.groups.items()]
    return [
        charts.bars(dict(list(counts.items())[:30]), title=title, note=_note(counts))
        for title, counts in whole
        if counts
    ]


def _note(counts: Mapping[str, int]) -> str:
    if len(counts) < 2:
        return "Images"
    more = f", the 30 most frequent of {number(len(counts))}" if len(counts) > 30 else ""
    return f"Images{more}. The largest is {number(max(counts.values()) / min(counts.values()), 1)} times the smallest."


def _splits(profile: Profile) -> dict[str, Any] | None:
    splits = list(dict.fromkeys(split for row in profile.class_by_split.values() for split in row))
    if len(splits) < 2:
        return None
    rows = [(label, *(number(row.get(s, 0)) for s in splits)) for label, row in profile.class_by_split.items()]
    return {"head": ["class", *splits], "rows": rows, "numeric": splits}


def _shapes(profile: Profile) -> list[Markup]:
    sizes = profile.sizes
    note = f"{number(sizes.different)} different" + (", the most frequent twelve" if sizes.different > 12 else "")
    parts = (
        ("Sizes, width × height in pixels", sizes.common, note),
        ("Formats", profile.formats, "By their content, whatever their name"),
        ("Colour modes", profile.modes, "As stored"),
    )
    return [charts.bars(counts, title=title, note=note) for title, counts, note in parts if counts]


def _intensity(edges: Sequence[float], part: Intensity) -> Markup:
    channels = {"red": part.red, "green": part.green, "blue": part.blue}
    means = ", ".join(f"{name} {channel.mean:.0f} ± {channel.deviation:.0f}" for name, channel in channels.items())
    return charts.histogram(
        edges,
        {name: channel.counts for name, channel in channels.items()},
        title=part.label or "All images",
        note=f"{number(part.images)} images: {means}",
        x="mean of the channel, 0 to 255",
        colours={name: name for name in channels},
    )


def _masks(part: Masks, thumbnails: Mapping[str, str]) -> dict[str, Any]:
    lists = (
        ("Images without a mask", part.images_without),
        ("Masks without an image", part.without_image),
        ("Of another size than their image", tuple(wrong.mask for wrong in part.mismatched)),
        ("Empty", part.empty),
        ("Full: object everywhere", part.full),
        ("Too dark: read as empty, perhaps written as 0 and 1", part.faint),
        ("More than two grey values", part.not_binary),
    )
    sizes = {
        wrong.mask: "{} × {}, image {} × {}".format(*wrong.mask_size, *wrong.image_size) for wrong in part.mismatched
    }
    odd = [*list(sizes)[:_ODD], *part.faint[:_ODD], *part.not_binary[:_ODD]]
    area = part.area and charts.histogram(
        AREA_EDGES,
        {"masks": part.area_counts},
        title="Share of the picture that is object",
        note=f"Median {page.percent(part.area.median)}, from {page.percent(part.area.least, 2)} to "
        f"{page.percent(part.area.most)}; empty masks left out",
        x="share",
        y="masks",
    )
    return {
        "folder": part.folder,
        "count": part.masks,
        "lists": [(name, len(paths), paths[:_NAMES]) for name, paths in lists],
        "area": area,
        "odd": [_item(path, thumbnails, sizes.get(path, "")) for path in dict.fromkeys(odd) if path in thumbnails],
    }
