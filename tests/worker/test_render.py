"""The printed page speaks of the version that answered, whichever answers now."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from pypdf import PdfReader

from atisbo.domain.access import Actor
from atisbo.services import views
from atisbo.services.work import Workplace
from atisbo.store.queue import RENDER
from atisbo.store.versions import VersionRecord
from atisbo.worker.render import Rendering
from tests.worker.test_explain import CARD, EYE, answered
from tests.worker.workshop import tools, work


def test_its_limits_are_those_of_the_version_that_answered(
    workplace: Workplace, make_actor: Callable[..., Actor]
) -> None:
    former = CARD.model_copy(update={"issue": 2, "limits": "Never shown a left eye."})
    facts = {"card": former.model_dump(mode="json"), "model": former.sha256, "origin": "file", "state": "retired"}
    record = VersionRecord(application=EYE.name, name=former.version, **facts)
    workplace.within(lambda s: s.add(record))
    ana = make_actor()
    more = {"threshold": 0.4, "probabilities": {"normal": 0.5, "glaucoma": 0.5}}
    asked = answered(workplace, ana, "glaucoma", version=former.version, more=more)

    def page() -> bytes | None:
        about = {"blobs": workplace.blobs, "prediction_id": asked, "view": "report.en.pdf"}
        return workplace.within(lambda s: views.read(s, ana, **about))  # type: ignore[arg-type]

    assert page() is None
    with tools() as (quarantine, registry):
        work(workplace, RENDER, Rendering(workplace, quarantine, registry).run)
    made = page()
    assert made is not None
    text = PdfReader(BytesIO(made)).pages[0].extract_text()
    assert "Never shown a left eye." in " ".join(text.split())
