"""The JavaScript of the page about programs, in a browser."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

from tests.browser.conftest import SAMPLES, Visitor
from tests.conftest import PASSWORD

API = Path(__file__).parent.parent.parent / "docs/api.md"


def test_the_example_asks_and_gets_an_answer(visit: Callable[..., Visitor]) -> None:
    found = re.search(r"^```js\n(.*?)^```", API.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    ana = visit()
    ana.register()
    ana.go("/account")
    email = ana.page.locator(".menu .who").text_content()
    frame = base64.b64encode(next(SAMPLES.glob("*.jpg")).read_bytes()).decode()
    said = ana.page.evaluate(
        f"""async ([email, password, frame]) => {{
            {found[1]}
            const bytes = Uint8Array.from(atob(frame), (letter) => letter.charCodeAt(0));
            return ask("", email, password, "polyp", new File([bytes], "frame.jpg"));
        }}""",
        [email, PASSWORD, frame],
    )
    assert said["status"] == "done"
    assert said["image"]["file_name"] == "frame.jpg"
