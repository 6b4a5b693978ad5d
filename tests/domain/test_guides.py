from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from atisbo.domain import guides
from atisbo.domain.applications import SHIPPED, Application
from atisbo.errors import Misconfigured

BRIGHT = Path(__file__).parent.parent / "applications_for_tests/bright"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An application without a guide."""
    return Path(shutil.copytree(BRIGHT, tmp_path / "bright"))


def write(folder: Path, text: str, *languages: str) -> None:
    for language in languages:
        guides.path(folder, language).write_text(text, encoding="utf-8")


def test_an_application_without_a_guide_has_none(folder: Path) -> None:
    assert not Application.read(folder).guide


def test_a_guide_in_both_languages_is_found(folder: Path) -> None:
    write(folder, "# Guide", "es", "en")
    assert Application.read(folder).guide
    assert guides.read(folder, "es") == "# Guide"


@pytest.mark.parametrize(("written", "missing"), [("es", "guide.en.md"), ("en", "guide.es.md")])
def test_a_guide_in_one_language_is_refused_by_the_name_of_the_missing_file(
    folder: Path, written: str, missing: str
) -> None:
    write(folder, "# Guide", written)
    with pytest.raises(Misconfigured, match=re.escape(missing)):
        Application.read(folder)


@pytest.mark.parametrize(
    "address",
    ["guide/none.jpg", "../application.toml", "/etc/passwd", "https://elsewhere.example/x.jpg", "guide/x.svg"],
)
def test_a_picture_that_is_not_beside_the_guide_is_refused(folder: Path, address: str) -> None:
    (folder / "guide").mkdir()
    (folder / "guide/x.svg").write_text("<svg/>")
    write(folder, f"# Guide\n\n![seen]({address})", "es", "en")
    with pytest.raises(Misconfigured, match=re.escape(address)):
        Application.read(folder)


def test_only_pictures_of_the_guides_folder_are_handed_out(folder: Path) -> None:
    (folder / "guide").mkdir()
    (folder / "guide/x.jpg").write_bytes(b"picture")
    (folder / "guide/secret.txt").write_text("no")
    assert guides.picture(folder, "x.jpg") == folder / "guide/x.jpg"
    assert [guides.picture(folder, name) for name in ("secret.txt", "../model.onnx", "none.jpg", "")] == [None] * 4


@pytest.mark.parametrize("name", ["polyp", "glaucoma", "art"])
def test_the_shipped_guides_have_the_same_parts_and_pictures_in_both_languages(name: str) -> None:
    spanish, english = (guides.read(SHIPPED / name, language) for language in guides.LANGUAGES)
    for said in (r"\]\((\S+) ", r"^(#+) ", r'"([✓✗])'):
        assert re.findall(said, spanish, re.MULTILINE) == re.findall(said, english, re.MULTILINE)
    shown = set(re.findall(r"guide/([\w-]+\.jpg)", english))
    assert shown == {file.name for file in (SHIPPED / name / "guide").iterdir()}


def test_the_glaucoma_guide_says_what_its_card_says() -> None:
    """When another network is shipped, its guide has to be written anew."""
    card = json.loads((SHIPPED / "glaucoma/card.json").read_text())
    figures = {name: figure["value"] for one in card["quality"] for name, figure in one["figures"].items()}
    missed, alarmed = round(100 * (1 - figures["sensitivity"])), round(100 * (1 - figures["specificity"]))
    withheld = round(100 * figures["unsure"])
    ratio = f"{figures['mae_vertical cup-to-disc ratio']:.2f}"
    english, spanish = guides.read(SHIPPED / "glaucoma", "en"), guides.read(SHIPPED / "glaucoma", "es")
    for said in (
        f"missed about {missed} of every 100",
        f"about {alarmed} of every 100 healthy",
        f"by about {ratio}",
        f"about {withheld} of every 100 discs got it",
    ):
        assert said in english
    for said in (
        f"unos {missed} de cada 100",
        f"unos {alarmed} de cada 100 sanos",
        ratio.replace(".", ","),
        f"unos {withheld} de cada 100 discos. Que",
    ):
        assert said in spanish
