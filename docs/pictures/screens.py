"""The screenshots of docs/using.md, taken of the real pages.

    python docs/pictures/screens.py [NAME …]

Run it again when the pages have changed; with names only those are taken.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

from PIL import Image
from visiting import ROOT, Visit, visiting

OUT = ROOT / "docs/images/using"
SIZE = (1280, 800)


def tray(visit: Visit) -> None:
    visit.go("/a/polyp")


def answer(visit: Visit) -> None:
    visit.sample("polyp", "frame-5.jpg")
    visit.answered()


def review(visit: Visit) -> None:
    answer(visit)
    visit.page.keyboard.press("y")
    visit.page.wait_for_timeout(800)
    visit.page.locator("#review").scroll_into_view_if_needed()


def correct(visit: Visit) -> None:
    answer(visit)
    visit.page.keyboard.press("e")
    visit.page.wait_for_selector("#editor[open]:not([data-loading])")


def crop(visit: Visit) -> None:
    visit.sample("glaucoma", "retina-healthy.jpg")


def similar(visit: Visit) -> None:
    visit.sample("art", "painting.jpg")
    visit.answered()
    visit.page.wait_for_selector("#alike ol button img")


def batch(visit: Visit) -> None:
    samples = sorted((ROOT / "src/atisbo/applications/polyp/samples").glob("*.jpg"))
    visit.go("/a/polyp/batch")
    visit.page.set_input_files("#batch-files", [str(one) for one in samples])
    answers = ".batch-row .state:is([data-state=done], [data-state=unsure])"
    visit.page.wait_for_function(f"() => document.querySelectorAll('{answers}').length >= {len(samples)}")
    visit.page.locator("#batch-rows .batch-row:visible").first.click()
    visit.page.wait_for_timeout(1500)


def explore(visit: Visit) -> None:
    visit.go("/a/art/explore")
    visit.page.wait_for_selector("#map-legend li", timeout=120_000)
    visit.page.wait_for_timeout(3000)


def mine(visit: Visit) -> None:
    visit.go("/images")


def business(visit: Visit) -> None:
    visit.go("/business")


def users(visit: Visit) -> None:
    visit.go("/manage/users")


def system(visit: Visit) -> None:
    visit.go("/manage/system")


SCREENS: list[Callable[[Visit], None]] = [
    tray, answer, review, correct, crop, similar, batch, explore, mine, business, users, system,
]  # fmt: skip


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    wanted = set(sys.argv[1:])
    with visiting(*SIZE, scale=1.5) as visit:
        for screen in SCREENS:
            if wanted and screen.__name__ not in wanted:
                continue
            screen(visit)
            visit.settled()
            picture = Image.open(io.BytesIO(visit.page.screenshot(animations="disabled"))).convert("RGB")
            picture.save(OUT / f"{screen.__name__}.webp", quality=78, method=6)
            visit.page.keyboard.press("Escape")


if __name__ == "__main__":
    main()
