"""A yes is to one application's text: another application that is asked about the same image needs its own."""

from __future__ import annotations

from collections.abc import Callable

from atisbo.domain.access import Actor, Role
from atisbo.domain.applications import Application
from atisbo.domain.gallery import Wanted
from atisbo.services import again, consents, gallery, predictions
from atisbo.services.work import Workplace
from tests.services.asked import DISCS, EYES, answered

Make = Callable[..., Actor]


def standing(workplace: Workplace, actor: Actor) -> list[str | None]:
    views = workplace.within(lambda s: consents.list_(s, actor))
    return sorted(view.application or "" for view in views if view.image_id and view.withdrawn_at is None)


def test_each_application_has_a_yes_of_its_own(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor(), make_actor("eva", Role.CURATOR)
    eyes = answered(workplace, ana)
    image_id = eyes.image.id
    discs = workplace.within(lambda s: again.ask(s, ana, image_id=image_id, application=DISCS))

    def allow(application: Application) -> str | None:
        return workplace.within(
            lambda s: consents.allow(s, ana, image_id=image_id, application=application)
        ).application

    def shown() -> dict[str, bool]:
        views = [workplace.within(lambda s, v=v: predictions.get(s, ana, prediction_id=v.id)) for v in (eyes, discs)]  # type: ignore[misc]
        return {view.application: view.image.training_consent for view in views}

    def listed(application: str) -> int:
        return workplace.within(lambda s: gallery.list_(s, eva, wanted=Wanted(application, consent=True))).count

    assert allow(EYES) == "eyes"
    assert shown() == {"eyes": True, "discs": False}
    assert (listed("eyes"), listed("discs")) == (1, 0)
    assert allow(DISCS) == "discs"
    assert standing(workplace, ana) == ["discs", "eyes"]
    assert shown() == {"eyes": True, "discs": True}
    assert allow(EYES) == "eyes", "again changes nothing"
    assert standing(workplace, ana) == ["discs", "eyes"]
    workplace.within(lambda s: consents.forbid(s, ana, image_id=image_id))
    assert standing(workplace, ana) == []
    assert shown() == {"eyes": False, "discs": False}


def test_a_new_text_ends_only_the_yes_to_its_own_application(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    eyes = answered(workplace, ana)
    workplace.within(lambda s: again.ask(s, ana, image_id=eyes.image.id, application=DISCS))
    assert EYES.consent is not None
    newer = EYES.model_copy(update={"consent": EYES.consent.model_copy(update={"version": 4})})
    for application in (EYES, DISCS, newer):
        workplace.within(
            lambda s, application=application: consents.allow(s, ana, image_id=eyes.image.id, application=application)  # type: ignore[misc]
        )
    assert standing(workplace, ana) == ["discs", "eyes"]
    views = workplace.within(lambda s: consents.list_(s, ana))
    assert sorted((view.application or "", view.version) for view in views if view.withdrawn_at is None) == [
        ("", consents.USE.version),
        ("discs", 3),
        ("eyes", 4),
    ]
