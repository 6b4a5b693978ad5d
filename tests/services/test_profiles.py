from __future__ import annotations

from collections.abc import Callable

import pytest

from atisbo.domain.access import Actor, Role
from atisbo.services import profiles
from atisbo.services.profiles import Profile
from atisbo.services.work import Workplace
from tests.services.test_neighbours import answered, collect, complete

Make = Callable[..., Actor]


@pytest.fixture(autouse=True)
def _palettes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The palettes of these tests are directions in a plane: two steps, one dark, one bright."""
    monkeypatch.setattr("atisbo.domain.colours.STEPS", (2, 1, 1))
    monkeypatch.setattr("atisbo.domain.colours.steps", lambda: ["#000000", "#ffffff"])


def seen(workplace: Workplace, actor: Actor) -> Profile:
    return workplace.within(lambda session: profiles.get(session, actor, application="eyes"))


def test_classes_are_counted_by_what_is_known_and_by_who_may_see(workplace: Workplace, make_actor: Make) -> None:
    ana, bea, carl = make_actor("ana"), make_actor("bea"), make_actor("carl", Role.CURATOR)
    collect(workplace, 0, 1, label="normal")
    collect(workplace, 80, label="glaucoma")
    answered(workplace, ana, 81)
    answered(workplace, bea, 82)
    assert seen(workplace, ana).version is None
    complete(workplace)
    mine, all_ = seen(workplace, ana), seen(workplace, carl)
    assert (mine.count, all_.count) == (4, 5)
    counted = {one.label: (one.collection, one.reviewed, one.answered) for one in all_.classes}
    assert counted == {"normal": (2, 0, 0), "glaucoma": (1, 0, 2)}
    assert [one.label for one in all_.classes] == ["glaucoma", "normal"]
    glaucoma, normal = all_.classes
    assert normal.lightness == pytest.approx([0, 1], abs=0.01)
    assert glaucoma.lightness == pytest.approx([0.338, 0.662], abs=0.01), "of one and two pictures, the two weigh twice"
    assert [shade.colour for shade in glaucoma.shades] == ["#000000", "#ffffff"]
    assert sum(shade.share for shade in glaucoma.shades) == pytest.approx(1)


def test_typical_are_in_the_middle_and_odd_ones_at_the_edge(workplace: Workplace, make_actor: Make) -> None:
    collect(workplace, *range(23), 60)
    complete(workplace)
    (one,) = seen(workplace, make_actor()).classes
    assert (len(one.typical), len(one.odd)) == (profiles.FEW, profiles.FEW)
    assert one.odd[0].name == "60.jpg"
    assert {sight.name for sight in one.typical} <= {f"{angle}.jpg" for angle in range(5, 22)}


def test_the_same_bytes_and_the_same_picture_are_found(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    pictures = [(b"one", (1.0, 0.0)), (b"one", (1.0, 0.0)), (b"two", (0.99, 0.1)), (b"three", (0.0, 1.0))]
    for angle, (data, grain) in enumerate(pictures):
        answered(workplace, ana, angle, data=data, grain=grain)
    complete(workplace)
    found = seen(workplace, ana)
    assert [len(group.ids) for group in found.same] == [2]
    assert found.near is not None
    assert len(found.near) == 2, "each of the two that are the same, with the one that is nearly so"
    assert found.same[0].ids[0] in {one for pair in found.near for one in pair.ids}
