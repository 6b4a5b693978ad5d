"""How smoothly ten thousand points turn: frames per second of the map's page in Chromium, without a graphics card.

``python -m benchmarks.map --points 10000`` fills an empty database with clustered embeddings, starts the service, has
the map computed as a worker does it, and then drags, zooms and points at it as a person would, in 3D and in 2D. Needs
``chromium`` and playwright, and draws with SwiftShader, on the same processor as everything else: a graphics card is
quicker.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from playwright.sync_api import Page, sync_playwright

from atisbo.domain.applications import SHIPPED
from atisbo.domain.cards import Card
from atisbo.store import db
from atisbo.store.postgres import EmbeddedPostgres
from atisbo.store.schema import migrate
from atisbo.store.vectors import written
from benchmarks.road import PASSWORD, Service
from benchmarks.search import make

ARGUMENTS = ["--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
WINDOW = {"width": 1440, "height": 900}
COUNT = """
    window.frames_ = [];
    const tick = (now) => { window.frames_.push(now); requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
"""
Gesture = Callable[[Page, float, float, float], None]


def fill(url: str, points: int) -> None:
    """A collection of numbers alone, as an import makes it, embedded by the version that answers."""
    version = Card.read(SHIPPED / "art" / "card.json").version
    made = make(points, 1)
    engine = db.connect(url, pool_size=1)
    migrate(engine)
    with engine.begin() as connection:
        cursor = connection.connection.cursor()
        cursor.execute("INSERT INTO collections (application, version) VALUES ('art', %s)", (version,))
        ids = [uuid4() for _ in made.labels]
        columns = "id, application, file_name, label, source, licence, location, created_at"
        with cursor.copy(f"COPY collection_items ({columns}) FROM STDIN") as copy:
            for number, (identity, label) in enumerate(zip(ids, made.labels, strict=True)):
                copy.write_row((identity, "art", f"{number}.jpg", label, "", "", "", "2026-01-01"))
        rows = "COPY embeddings (id, application, version, item_id, label, vector, created_at) FROM STDIN"
        with cursor.copy(rows) as copy:
            for identity, label, vector in zip(ids, made.labels, made.vectors, strict=True):
                copy.write_row((identity, "art", version, identity, label, written(vector.tolist()), "2026-01-01"))
    engine.dispose()


def drag(page: Page, x: float, y: float, at: float) -> None:
    page.mouse.move(x + 180 * math.sin(2 * at), y + 90 * math.sin(3 * at))


def zoom(page: Page, _x: float, _y: float, at: float) -> None:
    page.mouse.wheel(0, 40 * math.sin(2 * at))


def measure(page: Page, gesture: Gesture, seconds: float, *, held: bool) -> dict[str, float]:
    """Frames per second, the 95th percentile of the time between two, and what one costs, while the gesture lasts."""
    box = page.locator("canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    if held:
        page.mouse.down()
    page.evaluate("window.frames_.length = 0")
    spent, began = processor_s(), time.perf_counter()
    while (at := time.perf_counter() - began) < seconds:
        gesture(page, x, y, at)
    frames: list[float] = page.evaluate("window.frames_")
    spent = processor_s() - spent
    if held:
        page.mouse.up()
    gaps = [after - before for before, after in pairwise(frames)]
    return {
        "frames/s": round(1000 / statistics.mean(gaps), 1),
        "p95 ms": round(sorted(gaps)[int(len(gaps) * 0.95)], 1),
        "processor ms a frame": round(1000 * spent / len(frames), 1),
    }


def processor_s() -> float:
    """Seconds that Chromium's processes have used so far."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            if "--type=" in " ".join(process.cmdline()):
                times = process.cpu_times()
                total += times.user + times.system
        except psutil.Error:
            continue
    return total


def visit(page: Page, url: str, seconds: float) -> dict[str, Any]:
    page.set_default_timeout(300_000)
    page.goto(f"{url}/register")
    page.fill("#email", "bench@example.org")
    page.fill("#password", PASSWORD)
    page.locator("main form .primary").click()
    page.wait_for_url("**/a/*")
    page.add_init_script(COUNT)
    began = time.perf_counter()
    page.goto(f"{url}/a/art/explore")
    page.wait_for_selector("#map-legend li")
    figures: dict[str, Any] = {"first map after s": round(time.perf_counter() - began, 1)}
    page.reload()
    began = time.perf_counter()
    page.wait_for_selector("#map-legend li")
    figures["stored map after s"] = round(time.perf_counter() - began, 1)
    for space in ("3d", "2d"):
        page.locator("label", has_text=space.upper()).click()
        for name, gesture, held in (("drag", drag, True), ("zoom", zoom, False), ("point", drag, False)):
            figures[f"{space} {name}"] = measure(page, gesture, seconds, held=held)
            page.click("#map-fit")
    return figures


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--points", type=int, default=10_000)
    options.add_argument("--seconds", type=float, default=5.0, help="of each gesture")
    options.add_argument("--json", type=Path, help="write the figures here too")
    chosen = options.parse_args()
    browser_path = os.environ.get("ATISBO_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as scratch:
        server = EmbeddedPostgres(Path(scratch) / "postgres")
        os.environ["ATISBO_DATABASE_URL"] = url = server.start()
        try:
            fill(url, chosen.points)
            applications = Path(scratch) / "applications"
            applications.mkdir()
            service = Service(Path(scratch) / "data", applications)
            try:
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
                    figures = visit(browser.new_page(viewport=WINDOW), service.url, chosen.seconds)
                    browser.close()
            finally:
                service.stop()
        finally:
            server.stop()
    for name, value in figures.items():
        print(f"{name:20} {value}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
