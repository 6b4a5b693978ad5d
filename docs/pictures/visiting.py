"""A browser in front of a service of its own, to take pictures of: shipped applications, shipped samples."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.conftest import PASSWORD, Service, start_service, stop_service  # noqa: E402

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--hide-scrollbars",
]


class Visit:
    """A window, signed in as the administrator, who has agreed to the terms."""

    def __init__(self, page: Page, service: Service) -> None:
        self.page = page
        self.service = service
        self.go("/sign-in")
        email, password = service.administrator
        page.fill("#email", email)
        page.fill("#password", password)
        page.locator("main form .primary").click()
        page.wait_for_url(lambda url: "sign-in" not in url)
        self.go("/terms?next=/a/polyp")
        page.locator("main form .primary").click()
        page.wait_for_url(service.url + "/a/polyp")

    def go(self, path: str) -> None:
        self.page.goto(self.service.url + path)
        self.page.wait_for_load_state("load")

    def answered(self) -> None:
        """Wait for the selected picture's answer, and for what is alike."""
        self.page.wait_for_selector(".tray-item:has(a[aria-current]) .state:is([data-state=done], [data-state=unsure])")
        self.page.wait_for_timeout(1500)

    def sample(self, application: str, name: str) -> None:
        """Try a sample; where a part is to be marked, the one that the application proposes."""
        self.go(f"/a/{application}")
        self.page.wait_for_selector("#samples", state="attached")
        self.page.evaluate("() => { document.getElementById('samples').open = true; }")
        self.page.click(f"[data-sample='{name}']")
        self.page.wait_for_selector("dialog.crop[open], .tray-item a[aria-current]")

    def settled(self) -> None:
        """Let transitions end and pictures arrive."""
        self.page.wait_for_function("() => [...document.images].every((one) => one.complete)")
        self.page.wait_for_timeout(400)


@contextmanager
def visiting(width: int, height: int, *, scale: float = 1, theme: str = "light") -> Iterator[Visit]:
    """A service on a folder that goes away afterwards, and a window on it; in English."""
    folder = Path(tempfile.mkdtemp(prefix="atisbo-pictures-"))
    service = start_service(folder / "data")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            context = browser.new_context(
                viewport={"width": width, "height": height},
                device_scale_factor=scale,
                locale="en-GB",
                color_scheme=theme,  # type: ignore[arg-type]
            )
            context.set_default_timeout(60_000)
            yield Visit(context.new_page(), service)
            browser.close()
    finally:
        stop_service(service)
        shutil.rmtree(folder, ignore_errors=True)


__all__ = ["PASSWORD", "ROOT", "Visit", "visiting"]
