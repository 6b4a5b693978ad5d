"""The command over images and masks, and what it writes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from atisbo.cli import app
from atisbo.errors import Invalid
from atisbo.evaluation.profile.clean import check_target
from atisbo.evaluation.profile.run import Options, profile
from atisbo.evaluation.profile.schema import Profile
from tests.evaluation.profile.trees import segmentation


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``data``, its profile and its cleaned copy."""
    out = tmp_path_factory.mktemp("masks")
    data = segmentation(out / "data")
    (data / "images/a_copy.png").write_bytes((data / "images/a.png").read_bytes())
    options = [f"--{name}={out / file}" for name, file in (("html", "p.html"), ("json", "p.json"), ("clean", "clean"))]
    ran = CliRunner().invoke(app, ["profile", str(data), *options, f"--index={out / 'kept.csv'}", "--workers=2"])
    assert ran.exit_code == 0, ran.output
    assert "9 images, 8 masks, 1 that cannot be opened" in ran.output
    assert "1 near-duplicate pairs differ in centre" in ran.output
    return out


@pytest.fixture(scope="module")
def found(out: Path) -> Profile:
    return Profile.model_validate_json((out / "p.json").read_text())


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_same_folder_gives_the_same_json_whatever_the_number_of_workers(out: Path) -> None:
    again = profile(out / "data", Options(workers=1), lambda _: lambda _: None)
    assert again.profile.model_dump_json(indent=1) + "\n" == (out / "p.json").read_text()


def test_masks(found: Profile) -> None:
    (masks,) = found.masks
    assert masks.folder == "masks"
    assert masks.masks == 8
    assert masks.empty == ("masks/c.png",)
    assert masks.full == ("masks/g.png",)
    assert masks.faint == ("masks/e.png",)
    assert masks.not_binary == ("masks/f.png",)
    assert masks.without_image == ("masks/d_.png", "masks/orphan.png")
    assert masks.images_without == ("images/a_copy.png", "images/d.png")
    (wrong,) = masks.mismatched
    assert (wrong.image, wrong.image_size, wrong.mask_size) == ("images/b.png", (96, 80), (48, 40))


def test_the_area_of_masks(found: Profile) -> None:
    (masks,) = found.masks
    assert masks.area is not None
    assert masks.area.median == pytest.approx(40 * 48 / (80 * 96))
    assert masks.area_counts[10] >= 3
    assert sum(masks.area_counts) == 6  # neither the empty nor the faint one
    assert (masks.area.most, masks.area_counts[-1]) == (1, 1)


def test_what_the_index_says_and_is_not_so(found: Profile) -> None:
    assert found.index.model_dump() == {
        "rows": 7,
        "missing": ("gone.png",),
        "twice": ("images/b.png",),
        "not_listed": ("images/a_copy.png", "images/f.png"),
    }
    assert found.columns == ("centre",)
    assert found.groups == {"centre": {"C2": 4, "C1": 3}}
    assert found.splits == {"train": 4, "val": 3}  # Training is train


def test_near_duplicates_across_a_column(found: Profile) -> None:
    assert found.near.crossing == {"split": 1, "centre": 1}
    assert {(pair.a, pair.b) for group in found.near.groups for pair in group.pairs} == {
        ("images/a.png", "images/a2.jpg")
    }


def test_the_page_shows_what_is_wrong_with_masks(out: Path) -> None:
    html = (out / "p.html").read_text()
    for words in ("1 mask in masks/ has another size than its image", "48 × 40, image 96 × 80", "masks/orphan.png"):
        assert words in html


def test_the_cleaned_copy_holds_good_files_once_and_takes_no_space(out: Path) -> None:
    copied = {str(path.relative_to(out / "clean")) for path in (out / "clean").rglob("*") if path.is_file()}
    images = {f"images/{name}.png" for name in "abcdefg"} | {"images/a2.jpg"}
    assert copied == images | {f"masks/{name}.png" for name in ("a", "a2", "b", "c", "e", "f", "g")} | {"index.csv"}
    assert (out / "clean/images/a.png").samefile(out / "data/images/a.png")
    rows = table(out / "clean/index.csv")
    assert [row["file"] for row in rows] == ["a.png", "a2.jpg", "b.png", "c.png", "d.png", "e.png", "g.png", "b.png"]


def test_the_index_lists_the_same_images(out: Path) -> None:
    rows = {row["file"]: row for row in table(out / "kept.csv")}
    assert set(rows) == {f"images/{name}.png" for name in "abcdefg"} | {"images/a2.jpg"}
    assert rows["images/a2.jpg"] == {
        "file": "images/a2.jpg",
        "class": "",
        "split": "val",
        "centre": "C2",
        "width": "96",
        "height": "80",
    }


def test_a_cleaned_copy_is_refused_where_it_would_do_harm(out: Path) -> None:
    with pytest.raises(Invalid, match="each other"):
        check_target(out / "data", out / "data/clean")
    with pytest.raises(Invalid, match="each other"):
        check_target(out / "data", out)
    with pytest.raises(Invalid, match="not empty"):
        check_target(out / "data", out / "clean")


def test_a_folder_without_pictures_is_a_sentence(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["profile", str(tmp_path)])
    assert ran.exit_code == 1
    assert "There is no picture under" in ran.output
