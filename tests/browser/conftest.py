"""A real Chromium in front of the real service; a journey that writes an error to the console fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from atisbo.domain.applications import SHIPPED
from tests.applications_for_tests.networks import HERE
from tests.conftest import PASSWORD, Service, start_service, stop_service
from tests.web.doors import HERE as DOORS

SAMPLES = SHIPPED / "polyp" / "samples"
WIDE = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
LOCALES = {"en": "en-GB", "es": "es-ES"}


def chromium() -> str:
    path = os.environ.get("ATISBO_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "browser tests need Chromium: install the package chromium, or set ATISBO_CHROMIUM to its path"
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # One a module: while Playwright runs, its event loop is the thread's, and no other test could use one.
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    arguments += ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # WebGL without a graphics card
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield running
        running.close()


class Visitor:
    """One person's browser window on the service."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        page.set_default_timeout(15_000)
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def register(self, *, agreeing: bool = True) -> None:
        """As a newcomer: from the first page to the workbench, with the terms agreed to or still to be asked."""
        self.go("/")
        self.page.locator(".hero a.primary").click()
        self.page.fill("#email", f"visitor-{uuid4().hex[:10]}@example.org")
        self.page.fill("#password", PASSWORD)
        self.page.locator("main form .primary").click()
        self.page.wait_for_url("**/a/*")
        if agreeing:
            self.go("/terms?next=/a/polyp")
            self.page.locator("main form .primary").click()
            self.page.wait_for_url(self.url + "/a/polyp")

    def choose(self, *files: Path) -> None:
        with self.page.expect_file_chooser() as choosing:
            self.page.click("#choose")
        choosing.value.set_files([str(file) for file in files])

    def answered(self) -> str:
        """Wait for the selected image's answer to arrive by itself; returns its sentence."""
        self.page.wait_for_selector("#answer-tools:not([disabled])")
        self.page.wait_for_selector("[data-outline][viewBox]", state="attached")
        return self.page.locator("[data-slot=sentence]").inner_text()

    def overflow(self) -> int:
        """How many pixels the page is wider than its window."""
        size = self.page.viewport_size
        assert size
        # Not innerWidth: on a phone the window of a page that is too wide says that it is as wide.
        width: int = self.page.evaluate("document.documentElement.scrollWidth")
        return max(width - size["width"], 0)


def sign_in(visitor: Visitor, service: Service) -> Page:
    """As the administrator."""
    email, password = service.administrator
    visitor.go("/sign-in")
    visitor.page.fill("#email", email)
    visitor.page.fill("#password", password)
    visitor.page.locator("main form .primary").click()
    visitor.page.wait_for_url(lambda url: "sign-in" not in url)
    return visitor.page


@pytest.fixture
def visit(browser: Browser, service: Service) -> Iterator[Callable[..., Visitor]]:
    """Opens windows, ``visit("es", phone=True)``; at the end none may have complained."""
    visitors: list[Visitor] = []
    with ExitStack() as stack:

        def open_window(language: str = "en", *, phone: bool = False) -> Visitor:
            context = browser.new_context(**(PHONE if phone else WIDE), locale=LOCALES[language])
            stack.callback(context.close)
            visitors.append(Visitor(context.new_page(), service.url))
            return visitors[-1]

        yield open_window
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with the eye of the tests, with a form, a consent and pairs."""
    folder = tmp_path_factory.mktemp("applications")
    shutil.copytree(HERE / "eye", folder / "eye")
    toml = folder / "eye" / "application.toml"
    toml.write_text(toml.read_text() + "\n" + (DOORS / "form.toml").read_text())
    running = start_service(tmp_path_factory.mktemp("eyes"), ATISBO_APPLICATIONS_DIR=str(folder))
    yield running
    stop_service(running)


@pytest.fixture
def visit_eyes(browser: Browser, eyes: Service) -> Iterator[Callable[..., Visitor]]:
    """Opens windows on the workbench of the eye; at the end none may have complained."""
    visitors: list[Visitor] = []
    with ExitStack() as stack:

        def open_window(language: str = "en", *, phone: bool = False, agreeing: bool = True) -> Visitor:
            context = browser.new_context(**(PHONE if phone else WIDE), locale=LOCALES[language])
            stack.callback(context.close)
            visitors.append(Visitor(context.new_page(), eyes.url))
            visitors[-1].register(agreeing=agreeing)
            visitors[-1].go("/a/eye")
            return visitors[-1]

        yield open_window
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []
