from __future__ import annotations

from html.parser import HTMLParser

import httpx
import pytest

from atisbo.web.guides import render
from tests.conftest import Service

WORDS = {"right": "Like this", "wrong": "Not like this"}


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


def test_title_and_parts_are_found() -> None:
    guide = render("# The *guide*\n\n## First\n\ntext\n\n## Secönd part\n", WORDS)
    assert guide.title == "The guide"
    assert [(one.anchor, one.words) for one in guide.sections] == [("first", "First"), ("secönd-part", "Secönd part")]
    assert '<h2 id="first">' in guide.html
    assert "<h1>" not in guide.html


def test_a_picture_is_a_figure_that_says_whether_it_shows_how_to_do_it() -> None:
    html = render('![a "frame"](guide/x.jpg "✗ Too <tight>")', WORDS).html
    assert '<div class="shown"><figure class="wrong">' in html
    assert 'alt="a &quot;frame&quot;"' in html
    assert "Not like this: </span>Too &lt;tight&gt;" in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "text <img src=x onerror=alert(1)>",
        "[press](javascript:alert(1))",
        "[press](data:text/html,<script>alert(1)</script>)",
        '![x](guide/x.jpg "\\" onerror=alert(1) x=\\"")',
        '![" onerror=alert(1) x="](guide/x.jpg)',
        "## <b onclick=alert(1)>heading</b>",
    ],
)
def test_a_guide_can_bring_no_script(hostile: str) -> None:
    guide = render(f"# t\n\n{hostile}\n", WORDS)
    for tag, attributes in Elements(guide.html).found:
        assert tag in {"p", "div", "a", "figure", "img", "figcaption", "span", "h2"}
        assert not [name for name in attributes if name.startswith("on")]
        assert not (attributes.get("href") or "").startswith(("javascript", "data"))


def test_the_guide_is_read_by_everybody_in_their_language(service: Service) -> None:
    page = httpx.get(f"{service.url}/a/glaucoma/guide", headers={"Accept-Language": "es"})
    assert "Cómo fotografiar y recortar un disco óptico" in page.text
    pictures = [a["src"] for tag, a in Elements(page.text).found if tag == "img"]
    assert len(pictures) == 7
    for source in pictures:
        answer = httpx.get(f"{service.url}/a/glaucoma/{source}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")


def test_what_is_no_picture_of_the_guide_is_not_found(service: Service) -> None:
    for file in ("model.onnx", "..%2Fcard.json", "none.jpg"):
        assert httpx.get(f"{service.url}/a/glaucoma/guide/{file}").status_code == 404
