"""The moving picture of the README: one way through the product, every frame a real page.

    python docs/pictures/journey.py

Needs Chromium, and the packages that the tests need. Run it again when the pages have changed.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image
from visiting import ROOT, Visit, visiting

SIZE = (1200, 720)
SHOWN = (1080, 648)
LARGEST_BYTES = 2_000_000
OUT = ROOT / "docs/images/journey.webp"


@dataclass
class Film:
    """Frames with the time that each stays, in milliseconds."""

    frames: list[tuple[Image.Image, int]]

    def take(self, visit: Visit, ms: int) -> None:
        data = visit.page.screenshot(animations="disabled")
        frame = Image.open(io.BytesIO(data)).convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)
        self.frames.append((frame, ms))

    def save(self) -> None:
        """As good as fits."""
        pictures, times = [frame for frame, _ in self.frames], [ms for _, ms in self.frames]
        for quality in (88, 82, 74, 66, 58, 50):
            pictures[0].save(
                OUT,
                save_all=True,
                append_images=pictures[1:],
                duration=times,
                loop=0,
                quality=quality,
                method=6,
                minimize_size=True,
            )
            if OUT.stat().st_size < LARGEST_BYTES:
                return


def main() -> None:
    film = Film([])
    with visiting(*SIZE) as visit:
        polyp(visit, film)
        glaucoma(visit, film)
        art(visit, film)
        film.save()


def polyp(visit: Visit, film: Film) -> None:
    """A sample is chosen, and outlined."""
    page = visit.page
    visit.go("/a/polyp")
    visit.settled()
    film.take(visit, 1200)
    page.hover("[data-sample='frame-4.jpg']")
    film.take(visit, 500)
    visit.sample("polyp", "frame-4.jpg")
    visit.answered()
    film.take(visit, 2200)
    page.click("button[data-view=compare]")
    visit.settled()
    film.take(visit, 900)
    box = page.locator("#divider").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in (-60, -120, -60, 40, 120, 180):
        page.mouse.move(x + step, y, steps=4)
        film.take(visit, 220)
    page.mouse.up()
    page.click("button[data-view=overlay]")


def glaucoma(visit: Visit, film: Film) -> None:
    """The optic disc is found and cropped, the cup measured."""
    page = visit.page
    visit.sample("glaucoma", "retina-healthy.jpg")
    visit.settled()
    film.take(visit, 1400)
    page.click("dialog.crop [data-crop=part]")
    visit.answered()
    film.take(visit, 2200)
    page.click("#heat-toggle")
    page.wait_for_selector("[data-heat-map] image, [data-heat-map] rect, [data-heat-map] path", state="attached")
    visit.settled()
    film.take(visit, 1600)


def art(visit: Visit, film: Film) -> None:
    """A class, what is most alike, and the map."""
    page = visit.page
    visit.sample("art", "icon.jpg")
    visit.answered()
    page.wait_for_selector("#alike ol button img")
    visit.settled()
    film.take(visit, 2400)
    visit.go("/a/art/explore")
    page.wait_for_selector("#map-legend li", timeout=120_000)
    visit.settled()
    page.wait_for_timeout(3000)
    page.locator("label", has_text="As pictures").click()
    page.locator("canvas").hover()
    page.mouse.wheel(0, -500)
    page.wait_for_timeout(1500)
    page.locator("canvas").focus()
    for _ in range(10):
        film.take(visit, 180)
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(300)
    film.take(visit, 1600)


if __name__ == "__main__":
    main()
