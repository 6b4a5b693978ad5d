"""Many pictures at once: a folder and a ZIP go in, the table fills, keys put answers right, a file comes out."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SAMPLES, Visitor

pytestmark = pytest.mark.browser
ART = SAMPLES.parents[1] / "art" / "samples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two works of art, one that is none, one that ends too early, and a text."""
    inside = tmp_path / "museum" / "room 1"
    inside.mkdir(parents=True)
    shutil.copy(ART / "drawing.jpg", inside / "=drawing.jpg")
    shutil.copy(ART / "painting.jpg", inside / "painting.jpg")
    shutil.copy(SAMPLES / "frame-1.jpg", inside / "frame.jpg")
    (inside / "broken.jpg").write_bytes((ART / "icon.jpg").read_bytes()[:4000])
    (inside / "notes.txt").write_text("no picture")
    return tmp_path / "museum"


def packed(folder: Path) -> Path:
    target = folder.parent / "museum.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, path.relative_to(folder.parent))
    return target


def table(page: Page) -> list[dict[str, str]]:
    with page.expect_download() as downloading:
        page.click("#batch-csv")
    data = downloading.value.path().read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_a_folder_then_a_zip_corrected_by_keyboard(visit: Callable[..., Visitor], folder: Path) -> None:
    ana = visit()
    ana.register()
    ana.go("/a/art/batch")
    page = ana.page
    expect(page.locator(".batch-welcome")).to_be_visible()
    page.set_input_files("#batch-folder", folder)
    line = page.locator("#batch-line")
    expect(line).to_have_text("4 of 4 finished · one failed · one file is no picture and was passed over")
    rows = page.locator(".batch-rows .batch-row:not([hidden])")
    assert [row.locator(".state").get_attribute("data-state") for row in rows.all()] == [
        "done",
        "failed",
        "refused",
        "done",
    ]
    expect(rows.nth(1)).to_contain_text("The file is incomplete")

    page.keyboard.press("Home")
    page.keyboard.press("2")
    expect(rows.nth(0)).to_contain_text("Engraving")
    page.keyboard.press("End")
    page.keyboard.press("Y")
    page.keyboard.press("3")
    page.keyboard.press("Z")
    expect(rows.nth(3).locator("[data-slot=reviewed]")).to_have_text("Right")
    with page.expect_response("**/review"):
        page.keyboard.press("ArrowUp")
        page.keyboard.press("N")

    said = table(page)
    assert [row["file"] for row in said][:2] == ["museum/room 1/=drawing.jpg", "museum/room 1/broken.jpg"]
    assert [row["state"] for row in said] == ["done", "failed", "refused", "done"]
    assert [(row["verdict"], row["label"]) for row in said] == [
        ("wrong", "engraving"),
        ("", ""),
        ("wrong", ""),
        ("right", "painting"),
    ]
    assert said[1]["problem"].startswith("The file is incomplete")
    assert 0 < float(said[0]["p_engraving"]) < 1

    page.select_option("[name=answer]", "painting")
    expect(rows).to_have_count(1)
    page.select_option("[name=answer]", "")
    page.locator("[data-sort=name]").click()
    page.locator("[data-sort=name]").click()
    expect(rows.nth(0)).to_contain_text("painting.jpg")

    page.reload()
    expect(rows).to_have_count(4)
    expect(page.locator(".batch-row", has_text="=drawing.jpg")).to_contain_text("Engraving")
    page.set_input_files("#batch-files", packed(folder))
    expect(line).to_contain_text("4 of 4 finished · one failed")
    page.locator(".batch-row:not([hidden])", has_text="=drawing.jpg").click()
    expect(page.locator("#batch-view img")).to_have_js_property("complete", True)
    page.fill("[name=name]", "=drawing")
    page.select_option("[name=which]", "all")
    expect(rows).to_have_count(2)
    assert {row["file"] for row in table(page)} == {"museum/room 1/=drawing.jpg", "'=drawing.jpg"}


def test_a_damaged_zip_says_so(visit: Callable[..., Visitor], folder: Path) -> None:
    ana = visit("es", phone=True)
    ana.register()
    ana.go("/a/glaucoma/batch")
    archive = packed(folder)
    archive.write_bytes(archive.read_bytes()[:-40])
    ana.page.set_input_files("#batch-files", archive)
    expect(ana.page.locator("#batch-problem")).to_contain_text("ZIP")
    assert ana.overflow() == 0
