"""How soon pages are there and whether they hold still, in a real Chromium on this machine.

    python -m benchmarks.first_paint [--rounds 5] [--json FILE]

Each page is opened in a window of its own with an empty cache; said are the medians of first contentful paint and
largest contentful paint (milliseconds from the start of the navigation), the sum of unexpected layout shifts (0:
nothing moved; Chromium's own definition), and the bytes of script.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.conftest import Service, start_service, stop_service

OPEN = ("/", "/about", "/sign-in", "/register", "/business", "/a/polyp/card", "/a/glaucoma/guide", "/try/art/icon.jpg")
MINE = ("/a/polyp", "/a/glaucoma", "/a/art", "/a/polyp/batch", "/images", "/account", "/notices")
MANAGED = ("/manage/images", "/manage/users", "/manage/versions", "/manage/datasets", "/manage/system", "/manage/watch")
PATIENCE_MS = 2000
"""A page is watched for so long after it has loaded."""
WATCH = """() => {
    window.seen = { fcp: null, lcp: null, shift: 0, shifts: [] };
    const watch = (type, use) =>
        new PerformanceObserver((list) => list.getEntries().forEach(use)).observe({ type, buffered: true });
    watch("paint", ({ name, startTime }) => name === "first-contentful-paint" && (seen.fcp = startTime));
    watch("largest-contentful-paint", ({ startTime }) => (seen.lcp = startTime));
    watch("layout-shift", (entry) => {
        if (entry.hadRecentInput) return;
        seen.shift += entry.value;
        for (const { node } of entry.sources) seen.shifts.push((node?.parentElement?.outerHTML ?? "").slice(0, 100));
    });
}"""
SCRIPT_BYTES = """() => performance.getEntriesByType("resource")
    .filter(({ name }) => name.split("?")[0].endsWith(".js"))
    .reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0)"""


def look(browser: Browser, service: Service, path: str, state: Any) -> dict[str, Any]:
    """One page in a fresh window."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, storage_state=state)
    page = context.new_page()
    page.add_init_script(f"({WATCH})()")
    page.goto(service.url + path, wait_until="load")
    page.wait_for_timeout(PATIENCE_MS)
    seen: dict[str, Any] = page.evaluate("window.seen") | {"script": page.evaluate(SCRIPT_BYTES)}
    context.close()
    return seen


def signed_in(browser: Browser, service: Service) -> Any:
    """The administrator's cookies, with one answer on the workbench."""
    context = browser.new_context()
    page = context.new_page()
    email, password = service.administrator
    page.goto(f"{service.url}/sign-in")
    page.fill("#email", email)
    page.fill("#password", password)
    page.locator("main form .primary").click()
    page.wait_for_url(lambda url: "sign-in" not in url)
    page.goto(f"{service.url}/terms?next=/a/polyp")
    page.locator("main form .primary").click()
    page.wait_for_url("**/a/polyp")
    page.click("[data-sample='frame-4.jpg']")
    page.wait_for_selector("#answer-tools:not([disabled])", timeout=60_000)
    state = context.storage_state()
    context.close()
    return state


def measure(service: Service, rounds: int) -> list[dict[str, Any]]:
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        state = signed_in(browser, service)
        for path in (*OPEN, *MINE, *MANAGED):
            cookies = None if path in OPEN else state
            runs = [look(browser, service, path, cookies) for _ in range(rounds)]
            worst = max(runs, key=lambda run: run["shift"])
            found.append(
                {
                    "path": path,
                    "fcp_ms": round(statistics.median(run["fcp"] or float("nan") for run in runs)),
                    "lcp_ms": round(statistics.median(run["lcp"] or float("nan") for run in runs)),
                    "shift": round(worst["shift"], 4),
                    "shifted": sorted(set(worst["shifts"]))[:3],
                    "script_bytes": runs[0]["script"],
                }
            )
        browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="atisbo-paint-"))
    service = start_service(folder / "data")
    try:
        tell(measure(service, asked.rounds), asked.json)
    finally:
        stop_service(service)
        shutil.rmtree(folder, ignore_errors=True)


def tell(found: list[dict[str, Any]], file: Path | None) -> None:
    print(f"{'page':24}{'first paint':>12}{'largest':>9}{'shift':>8}{'script':>9}")
    for row in found:
        print(f"{row['path']:24}{row['fcp_ms']:>9} ms{row['lcp_ms']:>6} ms{row['shift']:>8}{row['script_bytes']:>9}")
        for node in row["shifted"]:
            print(f"    moved: {node}")
    if file:
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
