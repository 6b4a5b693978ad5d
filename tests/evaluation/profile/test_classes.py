"""A whole run over a folder per class, with every kind of file that goes wrong."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path

import psutil
import pytest

from atisbo.evaluation.profile.findings import findings
from atisbo.evaluation.profile.run import Options, Result, profile
from tests.evaluation.profile.trees import NASTY, NOT_UTF8, classes

OPTIONS = Options(workers=2, timeout_s=2, jobs="tests.evaluation.profile.deadly")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return classes(tmp_path_factory.mktemp("profile") / "pets")


@pytest.fixture(scope="module")
def result(root: Path) -> Result:
    return profile(root, OPTIONS, lambda _: lambda _: None)


def test_every_file_that_cannot_be_opened_is_named_with_its_reason(result: Result) -> None:
    assert {fault.path: fault.code for fault in result.profile.faults} == {
        "train/cats/truncated.jpg": "image_truncated",
        "train/cats/empty.jpg": "image_empty",
        "train/cats/text.jpg": "image_unsupported",
        "train/cats/really.gif.jpg": "image_unsupported",
        "train/cats/dies.jpg": "image_crashed",
        "train/cats/sleeps.jpg": "image_too_slow",
        "train/cats/lies.jpg": "image_crashed",
        "train/dogs/broken.jpg": "link_broken",
        "train/dogs/outside.jpg": "link_outside",
        "train/dogs/pipe.jpg": "special",
        "train/itself": "link_loop",
        "train/loop": "link_repeat",
    }
    reasons = {fault.path: fault.reason for fault in result.profile.faults}
    assert reasons["train/cats/really.gif.jpg"].endswith("(GIF)")


def test_a_child_that_dies_costs_its_own_file_only(result: Result) -> None:
    assert result.profile.counts.model_dump(exclude={"bytes"}) == {
        "files": 25,
        "images": 18,
        "masks": 0,
        "bad": 12,
        "other": 2,
    }


def test_exact_duplicates_also_across_splits(result: Result) -> None:
    found = {tuple(m.path for m in group.members): group.crosses for group in result.profile.exact}
    assert found == {
        ("test/dogs/leak.jpg", "train/dogs/dog0.jpg"): ("split",),
        ("train/cats/again.jpg", "train/cats/cat0.jpg"): (),
    }


def test_near_duplicates_across_classes_and_splits_and_nothing_else(result: Result) -> None:
    near = result.profile.near
    (group,) = near.groups
    (pair,) = group.pairs
    assert (pair.a, pair.b) == ("test/cats/nearly.jpg", "train/dogs/dog1.jpg")
    assert pair.crosses == group.crosses == ("split", "class")
    assert pair.similarity > 0.95
    assert near.crossing == {"split": 1, "class": 1}
    assert group.members[0].values == {"class": "cats", "split": "test"}


def test_classes_splits_formats_and_colours(result: Result) -> None:
    found = result.profile
    assert found.classes == {"dogs": 12, "cats": 6}
    assert found.splits == {"train": 16, "test": 2}
    assert found.class_by_split == {"dogs": {"train": 11, "test": 1}, "cats": {"train": 5, "test": 1}}
    assert found.formats == {"JPEG": 13, "PNG": 4, "WebP": 1}
    assert found.modes == {
        "RGB, 8 bits": 14,
        "CMYK, 8 bits": 1,
        "RGB + alpha, 8 bits": 1,
        "grey, 16 bits": 1,
        "palette, 8 bits": 1,
    }
    assert found.sizes.common == {"96 × 80": 16, "120 × 100": 1, "50 × 40": 1}
    assert found.flat == ("train/dogs/flat.png",)


def test_intensity_is_counted_for_each_class_and_channel(result: Result) -> None:
    parts = {part.label: part for part in result.profile.intensity}
    assert list(parts) == ["", "dogs", "cats"]
    assert [sum(parts[label].red.counts) for label in parts] == [18, 12, 6]
    flat = next(record for record in result.records if record.path.endswith("flat.png"))
    assert flat.mean == (200, 10, 10)
    dogs = [record.mean for record in result.records if record.good and record.place.label == "dogs"]
    assert parts["dogs"].green.mean == pytest.approx(sum(mean[1] for mean in dogs) / len(dogs), abs=0.01)


def test_what_matters_most_stands_first(result: Result) -> None:
    said = [(finding.tone, finding.sentence) for finding in findings(result.profile)]
    assert said == [
        ("bad", "12 files or links cannot be opened."),
        ("bad", "Exact duplicates across splits: 1 group."),
        ("bad", "Near duplicates across splits: 1 pair."),
        ("bad", "Near duplicates across classes: 1 pair."),
        ("warn", "1 picture of a single colour."),
        ("warn", "2 files repeat another one, byte for byte."),
        ("warn", "1 pair nearly the same, in 1 group: keep each group in one split."),
    ]
    assert all(sentence in result.html for _, sentence in said)


class Page(HTMLParser):
    """Tags and sources of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attributes]


def test_the_page_is_one_file_that_loads_nothing_and_escapes_names(result: Result) -> None:
    page = Page(result.html)
    assert not page.tags & {"script", "link", "iframe", "object"}
    assert all(value.startswith("data:image/") for name, value in page.attributes if name == "src")
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert "url(" not in result.html
    assert ("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in page.attributes
    links = {value.removeprefix("#") for name, value in page.attributes if name == "href"}
    assert links <= {value for name, value in page.attributes if name == "id"}
    assert result.html.count("data:image/jpeg") == 5  # two exact groups, a pair, a flat picture


def test_names_that_are_hostile_or_no_text_are_written_safely(result: Result) -> None:
    written = result.profile.model_dump_json()
    assert {NASTY, NOT_UTF8} <= {Path(record.path).name for record in result.records if record.good}
    written.encode("utf-8")
    result.html.encode("utf-8")
    assert NASTY not in result.html


def test_nothing_says_where_the_folder_lies(root: Path, result: Result) -> None:
    assert str(root.parent) not in result.profile.model_dump_json() + result.html


def test_memory_stays_flat(tmp_path: Path, root: Path) -> None:
    """Files of 90 MB in all, of 260 MB as pixels."""
    many = tmp_path / "many"
    many.mkdir()
    noise = os.urandom(300 << 10)
    small = (root / "train/cats/cat0.jpg").read_bytes()
    for n in range(300):
        (many / f"{n}.jpg").write_bytes(small + noise + n.to_bytes(2))
    ours = psutil.Process()
    seen: list[int] = []
    done = profile(many, Options(workers=2), lambda _: lambda _: seen.append(ours.memory_info().rss))
    assert done.profile.counts.images == 300
    assert max(seen) - seen[0] < 45 << 20
