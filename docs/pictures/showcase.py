"""What the first page shows: answers of the shipped networks on shipped samples, written down with version and day.

    python docs/pictures/showcase.py

Run it again when a network or a sample changes; a test holds the versions against those that ship.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import cv2
from answers import Networks, networks
from drawing import sample, save, window

from atisbo.domain.applications import SHIPPED
from atisbo.domain.images import Region

WEB = SHIPPED.parent / "web"
SHOWN = {
    "polyp": ("frame-5.jpg", None, Region(x=0, y=0, width=617, height=528)),
    "glaucoma": (
        "retina-healthy.jpg",
        Region(x=78, y=509, width=300, height=300),
        Region(x=8, y=454, width=480, height=411),
    ),
    "art": ("icon.jpg", None, Region(x=0, y=0, width=340, height=340)),
}
"""The sample, the part that is analysed, and the part that is seen."""
LONGEST = 760


def main() -> None:
    with networks() as asked:
        for application, (file, region, seen) in SHOWN.items():
            said = show(asked, application, file, region, seen)
            text = json.dumps(said, indent=1, ensure_ascii=False) + "\n"
            (WEB / "showcase" / f"{application}.json").write_text(text, encoding="utf-8")


def show(asked: Networks, application: str, file: str, region: Region | None, seen: Region) -> dict[str, Any]:
    answer = asked.of_sample(application, file, region)
    picture = window(sample(application, file), seen)
    scale = min(1.0, LONGEST / max(seen.width, seen.height))
    size = (round(seen.width * scale), round(seen.height * scale))
    save(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), WEB / "static/img" / f"answer-{application}.jpg")  # type: ignore[arg-type]
    return {
        "application": application,
        "file": file,
        "picture": f"img/answer-{application}.jpg",
        "seen": seen.model_dump(),
        "version": answer.version,
        "day": datetime.now(UTC).date().isoformat(),
        "findings": answer.findings.model_dump(mode="json"),
    }


if __name__ == "__main__":
    main()
