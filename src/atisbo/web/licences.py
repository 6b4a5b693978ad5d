"""What this program is made of, and under which licences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, requires
from typing import Final, cast

from atisbo.web.assets import FOLDER

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_VENDORED: Final = re.compile(r"^\| `(?P<name>[^`]+)` \| .+ \| (?P<version>\S+) \| (?P<licence>.+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    name: str
    version: str
    licence: str


@cache
def parts() -> list[Part]:
    """The packages that the running service needs, as they are installed, and the vendored files; by name."""
    needed = [said for said in requires("atisbo") or [] if "extra ==" not in said]
    found = [part for said in needed if (part := _package(_NAME.findall(said)[0]))]
    vendored = [Part(**one.groupdict()) for one in _VENDORED.finditer((FOLDER / "vendor/README.md").read_text())]
    return sorted([*found, *vendored], key=lambda part: part.name)


def _package(name: str) -> Part | None:
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return None
    return Part(name, installed.version, licence(cast("Message", installed.metadata)))


def licence(metadata: Message) -> str:
    """As a package's metadata states it: an SPDX expression, else what its classifiers say, else a short licence."""
    expression = metadata.get("License-Expression")
    classified = [
        said.rsplit(" :: ", 1)[-1] for said in metadata.get_all("Classifier") or [] if said.startswith("License ::")
    ]
    short = (metadata.get("License") or "").strip().splitlines()[:1]
    return expression or ", ".join(classified) or "".join(short)[:60]
