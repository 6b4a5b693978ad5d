from __future__ import annotations

from email.message import Message

import httpx
import pytest

from atisbo import __version__
from atisbo.domain.applications import installed
from atisbo.web import licences
from tests.conftest import Service


def metadata(**fields: str) -> Message:
    said = Message()
    for name, value in fields.items():
        said[name.replace("_", "-")] = value
    return said


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        (metadata(License_Expression="MIT", License="something else"), "MIT"),
        (metadata(License="long text", Classifier="License :: OSI Approved :: BSD License"), "BSD License"),
        (metadata(License="BSD-3-Clause\nRedistribution and use"), "BSD-3-Clause"),
        (metadata(Classifier="Typing :: Typed"), ""),
    ],
)
def test_a_licence_is_what_the_package_says(said: Message, licence: str) -> None:
    assert licences.licence(said) == licence


def test_every_part_has_a_version_and_a_licence() -> None:
    parts = {part.name: part for part in licences.parts()}
    assert {"fastapi", "sqlalchemy", "openvino", "swagger-ui"} <= set(parts)
    assert "torch" not in parts
    assert [part.name for part in parts.values() if not part.version or not part.licence] == []


def test_the_page_names_program_networks_and_sources(service: Service) -> None:
    html = httpx.get(f"{service.url}/about").text
    assert f"Atisbo {__version__}" in html
    for application, card in installed().values():
        assert card.version in html
        for sample in application.samples:
            assert sample.source in html
