"""Whatever is written into the audit log has words on its page."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import atisbo
from atisbo.web.pages.audit import words

SOURCE = Path(atisbo.__file__).parent


def noted(tree: ast.AST) -> Iterator[str]:
    """The action of every call of ``note``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "note":
            yield from (str(one.value) for one in node.args[2:3] if isinstance(one, ast.Constant))


def test_every_action_that_is_noted_has_words() -> None:
    actions = {action for path in SOURCE.rglob("*.py") for action in noted(ast.parse(path.read_text()))}
    assert {"user.signed_in", "image.deleted", "version.activated"} <= actions
    assert actions - set(words(lambda message, **_: message)) == set()
