"""A guide's Markdown as a page: raw HTML stays text, pictures become figures, headings can be linked to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

MARKS: Final = {"✓": "right", "✗": "wrong"}
"""How the caption of a picture begins that shows how to do it, and how not to."""


@dataclass(frozen=True)
class Heading:
    anchor: str
    words: str


@dataclass(frozen=True)
class Guide:
    """``title`` is its first heading; ``sections`` are the others of the second level."""

    title: str
    sections: list[Heading]
    html: Markup


def render(text: str, words: dict[str, str]) -> Guide:
    """Turn Markdown (CommonMark and tables) into a page.

    Args:
        words: what a screen reader says of a picture marked ``right`` or ``wrong``.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("image", _figure)
    env: dict[str, Any] = {"words": words}
    title, tokens = _without_title(parser.parse(text, env))
    sections: list[Heading] = []
    for place, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            said = plain(tokens[place + 1])
            sections.append(Heading(_anchor(said, len(sections) + 1), said))
            token.attrSet("id", sections[-1].anchor)
        if token.type == "paragraph_open" and _only_pictures(tokens[place + 1]):
            for end in (token, tokens[place + 2]):
                end.tag = "div"
            token.attrSet("class", "shown")
    return Guide(title, sections, Markup(parser.renderer.render(tokens, parser.options, env)))  # noqa: S704 -- html is off


def plain(inline: Token) -> str:
    """The words of a line, without its marks."""
    return "".join(child.content for child in inline.children or [] if child.type in ("text", "code_inline"))


def _without_title(tokens: list[Token]) -> tuple[str, list[Token]]:
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        return plain(tokens[1]), tokens[3:]
    return "", tokens


def _only_pictures(inline: Token) -> bool:
    kinds = {child.type for child in inline.children or []}
    return "image" in kinds and kinds <= {"image", "softbreak"}


def _anchor(words: str, number: int) -> str:
    return re.sub(r"\W+", "-", words.lower()).strip("-") or f"section-{number}"


def _figure(renderer: RendererHTML, tokens: list[Token], place: int, options: Any, env: Any) -> str:
    """``![what is seen](guide/x.jpg "✓ what it shows")``: a picture with its caption; with a mark, right or wrong."""
    token = tokens[place]
    seen = renderer.renderInlineAsText(token.children, options, env)
    caption = str(token.attrs.get("title", ""))
    mark = MARKS.get(caption[:1], "")
    said = caption[1:].strip() if mark else caption
    picture = f'<img src="{escapeHtml(str(token.attrs["src"]))}" alt="{escapeHtml(seen)}" loading="lazy">'
    spoken = f'<span class="visually-hidden">{escapeHtml(env["words"][mark])}: </span>' if mark else ""
    below = f"<figcaption>{spoken}{escapeHtml(said)}</figcaption>" if said else ""
    return f'<figure class="{mark or "plain"}">{picture}{below}</figure>'
