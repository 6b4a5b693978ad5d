from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from atisbo.domain.access import Actor, Role
from atisbo.domain.versions import State
from atisbo.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn
from atisbo.services import activations, versions
from atisbo.services.versions import VersionView
from atisbo.services.work import Workplace
from atisbo.store.blobs import network
from tests.conftest import PASSWORD
from tests.services.versions import Version, another, installed

Make = Callable[..., Actor]


@pytest.fixture
def curator(workplace: Workplace, make_actor: Make) -> Actor:
    workplace.within(lambda s: versions.install(s, installed()))
    return make_actor("carla", Role.CURATOR)


def submit(workplace: Workplace, actor: Actor, version: Version) -> VersionView:
    card, model = version
    asked = installed()["colour"][0]
    return workplace.within(
        lambda s: versions.submit(s, actor, blobs=workplace.blobs, application=asked, card=card, model=model)
    )


def accepted(workplace: Workplace, actor: Actor, version: Version) -> VersionView:
    """As it is after a worker has tried it."""
    view = submit(workplace, actor, version)
    workplace.within(lambda s: versions.proven(s, version_id=view.id))
    return workplace.within(lambda s: versions.get(s, actor, version_id=view.id))


def activate(workplace: Workplace, actor: Actor, view: VersionView, **said: Any) -> VersionView:
    said = {"password": PASSWORD, "reason": "because"} | said
    return workplace.within(lambda s: activations.activate(s, actor, version_id=view.id, **said))


def active(workplace: Workplace) -> str:
    return workplace.within(versions.answering)["colour"].card.version


def test_a_folder_registers_itself_and_the_first_one_answers(workplace: Workplace, curator: Actor) -> None:
    workplace.within(lambda s: versions.install(s, installed()))
    (only,) = workplace.within(lambda s: versions.list_(s, curator))
    assert (only.state, only.origin, only.name) == (State.ACTIVE, "folder", installed()["colour"][1].version)
    workplace.within(lambda s: versions.keep(s, workplace.blobs, installed()))
    assert workplace.blobs.get(network(only.card.sha256)) == installed()["colour"][0].model.read_bytes()


def test_a_new_version_in_the_folder_replaces_the_folders_but_not_a_promoted_one(
    workplace: Workplace, curator: Actor
) -> None:
    asked, first = installed()["colour"]
    stricter = first.model_copy(update={"output": first.output.model_copy(update={"threshold": 0.7})})
    workplace.within(lambda s: versions.install(s, {"colour": (asked, stricter)}))
    assert active(workplace) == f"{first.version}.2", "the same weights under another card are another version"
    activate(workplace, curator, accepted(workplace, curator, another()))
    promoted = active(workplace)
    third = first.model_copy(update={"output": first.output.model_copy(update={"threshold": 0.8})})
    workplace.within(lambda s: versions.install(s, {"colour": (asked, third)}))
    assert active(workplace) == promoted


def test_what_does_not_fit_is_not_taken(workplace: Workplace, curator: Actor) -> None:
    card, model = another()
    with pytest.raises(Invalid, match="checksum"):
        submit(workplace, curator, (card, model + b" "))
    with pytest.raises(Invalid, match="labels are not those"):
        submit(workplace, curator, another(positive=None))
    with pytest.raises(Invalid, match=r"application\.task"):
        submit(workplace, curator, (card.model_copy(update={"task": "segmentation"}), model))
    submit(workplace, curator, (card, model))
    with pytest.raises(Conflict, match="there already"):
        submit(workplace, curator, (card, model))


def test_a_refused_network_cannot_answer(workplace: Workplace, curator: Actor) -> None:
    view = submit(workplace, curator, another())
    with pytest.raises(Conflict, match="not accepted"):
        activate(workplace, curator, view)
    fault = Invalid("version_refused", "The network was refused: {reason}.", reason="it loops")
    workplace.within(lambda s: versions.proven(s, version_id=view.id, error=fault))
    found = workplace.within(lambda s: versions.get(s, curator, version_id=view.id))
    assert found.state is State.REFUSED
    assert found.failure is not None
    assert found.failure.values == {"reason": "it loops"}
    with pytest.raises(Conflict, match="not accepted"):
        activate(workplace, curator, view)


def test_promotion_is_signed_and_says_why(workplace: Workplace, curator: Actor) -> None:
    view, before = accepted(workplace, curator, another()), active(workplace)
    with pytest.raises(NotSignedIn):
        activate(workplace, curator, view, password="guess")
    with pytest.raises(Invalid, match="Write down why"):
        activate(workplace, curator, view, reason=" ")
    assert active(workplace) == before
    activate(workplace, curator, view, reason="it is quicker")
    assert active(workplace) == view.name
    newest, first = workplace.within(lambda s: activations.history(s, curator, application="colour"))
    assert (newest.kind, newest.reason, newest.by) == ("promotion", "it is quicker", curator.email)
    assert (first.kind, first.by) == ("installed", None)
    states = {v.name: v.state for v in workplace.within(lambda s: versions.list_(s, curator))}
    assert states == {view.name: State.ACTIVE, before: State.RETIRED}


def test_a_better_one_needs_no_reason_while_it_is_better_than_the_active_one(
    workplace: Workplace, curator: Actor
) -> None:
    view = accepted(workplace, curator, another())
    workplace.within(lambda s: judge(s, curator, view, active(workplace)))
    activate(workplace, curator, view, reason="")
    other = accepted(workplace, curator, another(2))
    workplace.within(lambda s: judge(s, curator, other, "one that is retired by now"))
    with pytest.raises(Invalid, match="Write down why"):
        activate(workplace, curator, other, reason="")


def judge(session: Any, actor: Actor, view: VersionView, against: str) -> None:
    versions.find(session, actor, view.id).evaluation = {"verdict": "better", "against": against}


def test_rolling_back_goes_back_step_by_step(workplace: Workplace, curator: Actor) -> None:
    first = active(workplace)
    second, third = (accepted(workplace, curator, another(n)) for n in (1, 2))
    activate(workplace, curator, second)
    activate(workplace, curator, third)

    def back(view: VersionView) -> str:
        return workplace.within(lambda s: activations.rollback(s, curator, version_id=view.id)).name

    assert back(third) == second.name
    with pytest.raises(Conflict, match="by now"):
        back(third)
    assert back(second) == first == active(workplace)
    present = next(v for v in workplace.within(lambda s: versions.list_(s, curator)) if v.state is State.ACTIVE)
    with pytest.raises(Conflict, match="before this one"):
        back(present)


def test_only_candidates_are_put_aside(workplace: Workplace, curator: Actor) -> None:
    view = accepted(workplace, curator, another())
    workplace.within(lambda s: activations.retire(s, curator, version_id=view.id))
    activate(workplace, curator, view)
    with pytest.raises(Conflict, match="Only a candidate"):
        workplace.within(lambda s: activations.retire(s, curator, version_id=view.id))


def test_a_user_reads_the_card_of_what_has_answered_and_nothing_else(
    workplace: Workplace, curator: Actor, make_actor: Make
) -> None:
    ana, before = make_actor("ana"), active(workplace)
    view = accepted(workplace, curator, another())

    def card(name: str) -> str:
        return workplace.within(lambda s: versions.card(s, ana, application="colour", name=name)).version

    assert card(before) == before
    with pytest.raises(NotFound):
        card(view.name)
    activate(workplace, curator, view)
    assert (card(view.name), card(before)) == (view.name, before), "also after it was retired"
    with pytest.raises(NotAllowed):
        workplace.within(lambda s: versions.list_(s, ana))
    with pytest.raises(NotAllowed):
        activate(workplace, ana, view)
