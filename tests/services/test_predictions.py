from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import delete, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Role
from atisbo.domain.applications import Application, InputSection, LocalisedText, ReviewSection
from atisbo.domain.images import Region
from atisbo.domain.predictions import Status
from atisbo.errors import Conflict, Invalid, NotAllowed, NotFound
from atisbo.services import asking, images, outlines, predictions, suspects, views
from atisbo.services.asking import Upload
from atisbo.services.predictions import Outcome
from atisbo.services.work import Workplace
from atisbo.store.blobs import derived, digest, original
from atisbo.store.deletions import DeletionRecord

Make = Callable[..., Actor]
WORDS = LocalisedText(es="palabras", en="words")


def application(**section: object) -> Application:
    return Application(
        name="polyp",
        task="segmentation",
        title=WORDS,
        summary=WORDS,
        intended_use=WORDS,
        input=InputSection(**({"region": "free"} | section)),  # type: ignore[arg-type]
        output=None,
        review=ReviewSection(),
        consent=None,
        samples=(),
        folder=Path("nowhere"),
    )


def ask(workplace: Workplace, actor: Actor, data: bytes = b"bytes", **more: object) -> predictions.PredictionView:
    said: dict[str, object] = {"application": application(), "upload": Upload(data, "frame.jpg")} | more
    return workplace.within(
        lambda s: asking.ask(s, actor, blobs=workplace.blobs, **said)  # type: ignore[arg-type]
    )


def count(workplace: Workplace, table: str) -> int:
    return int(workplace.within(lambda s: s.scalar(text(f"SELECT count(*) FROM {table}"))) or 0)


FINDINGS = {"task": "segmentation", "width": 2, "height": 2, "regions": [], "empty": True}


def done(prediction_id: UUID, attempt: int) -> Outcome:
    return Outcome(prediction_id, attempt, "done", version="v", findings=FINDINGS, size=(2, 2))


def test_asking_stores_the_bytes_and_one_job(workplace: Workplace, make_actor: Make) -> None:
    view = ask(workplace, make_actor(), b"untouched")
    assert view.status is Status.WAITING
    assert workplace.blobs.get(original(digest(b"untouched"))) == b"untouched"
    assert (count(workplace, "images"), count(workplace, "predictions"), count(workplace, "pgqueuer")) == (1, 1, 1)


def test_row_and_job_are_born_together_or_not_at_all(workplace: Workplace, make_actor: Make) -> None:
    actor = make_actor()

    def interrupted(session: Session) -> None:
        asking.ask(session, actor, blobs=workplace.blobs, application=application(), upload=Upload(b"bytes", "f.jpg"))
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        workplace.within(interrupted)
    assert (count(workplace, "images"), count(workplace, "predictions"), count(workplace, "pgqueuer")) == (0, 0, 0)


@pytest.mark.parametrize(
    ("section", "region", "code"),
    [
        ({"region": "none"}, Region(x=0, y=0, width=5, height=5), "region_unwanted"),
        ({"region": "square"}, Region(x=0, y=0, width=5, height=6), "region_square"),
        ({"region": "square", "region_required": True}, None, "region_needed"),
    ],
)
def test_a_region_must_be_what_the_application_takes(
    workplace: Workplace, make_actor: Make, section: dict[str, object], region: Region | None, code: str
) -> None:
    with pytest.raises(Invalid) as caught:
        ask(workplace, make_actor(), application=application(**section), region=region)
    assert caught.value.code == code


def test_an_idempotency_key_belongs_to_one_user_and_one_request(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor("ana"), make_actor("eva")
    first = ask(workplace, ana, idempotency_key="k")
    assert ask(workplace, ana, idempotency_key="k").id == first.id
    assert ask(workplace, eva, idempotency_key="k").id != first.id
    with pytest.raises(Conflict):
        ask(workplace, ana, b"other bytes", idempotency_key="k")
    with pytest.raises(Conflict):
        ask(workplace, ana, idempotency_key="k", region=Region(x=0, y=0, width=5, height=5))
    for wrong in ("", "x" * 201, "a\x00b"):
        with pytest.raises(Invalid):
            ask(workplace, ana, idempotency_key=wrong)
    assert count(workplace, "pgqueuer") == 2


STRUCTURES = FINDINGS | {"regions": [{"label": "disc", "probability": 1, "area_percent": 1, "contour": [[[[0, 0]]]]}]}
CLASS = {"task": "classification", "label": "ill", "width": 2, "height": 2}


def finish(workplace: Workplace, actor: Actor, **outcome: object) -> predictions.PredictionView:
    asked = ask(workplace, actor)
    attempt = workplace.within(lambda s: predictions.claim(s, [asked.id]))[asked.id]
    said = Outcome(asked.id, attempt, **outcome)  # type: ignore[arg-type]
    workplace.within(lambda s: predictions.record(s, [said]))
    return workplace.within(lambda s: predictions.get(s, actor, prediction_id=asked.id))


def test_a_refusal_has_its_reason_and_its_picture(workplace: Workplace, make_actor: Make) -> None:
    actor = make_actor()
    failure = {"code": "foreign", "message": "no", "values": {}}
    refused = finish(workplace, actor, status="refused", failure=failure)
    assert refused.status is Status.REFUSED
    assert refused.failure is not None
    assert not refused.outlined

    def read(view: str) -> bytes | None:
        return workplace.within(
            lambda s: views.read(s, actor, blobs=workplace.blobs, prediction_id=refused.id, view=view)
        )

    assert read("thumbnail.jpg") is None
    with pytest.raises(NotFound):
        read("overlay.png")
    found = workplace.within(lambda s: predictions.list_(s, actor, status=Status.REFUSED))
    assert [one.id for one in found.items] == [refused.id]


@pytest.mark.parametrize("outcome", [{"status": "refused"}, {"status": "unsure"}])
def test_a_refusal_needs_its_reason_and_a_doubt_its_findings(
    workplace: Workplace, make_actor: Make, outcome: dict[str, str]
) -> None:
    with pytest.raises(IntegrityError):
        finish(workplace, make_actor(), **outcome)


def test_a_class_is_outlined_only_where_it_has_structures(workplace: Workplace, make_actor: Make) -> None:
    actor = make_actor()
    plain = finish(workplace, actor, status="done", findings=CLASS)
    assert not plain.outlined
    for view in ("mask.png", "overlay.png"):
        with pytest.raises(NotFound):
            workplace.within(
                lambda s, view=view: views.read(s, actor, blobs=workplace.blobs, prediction_id=plain.id, view=view)
            )
    with pytest.raises(NotFound):
        workplace.within(lambda s: outlines.get(s, actor, prediction_id=plain.id))
    whole = finish(workplace, actor, status="unsure", findings=CLASS | {"structures": STRUCTURES})
    assert whole.outlined
    assert whole.findings is not None
    assert "contour" not in whole.findings["structures"]["regions"][0]
    said = workplace.within(lambda s: outlines.get(s, actor, prediction_id=whole.id))
    assert [feature["properties"]["label"] for feature in said["features"]] == ["disc"]


def test_only_the_latest_attempt_may_write(workplace: Workplace, make_actor: Make) -> None:
    actor = make_actor()
    asked = ask(workplace, actor)
    first = workplace.within(lambda s: predictions.claim(s, [asked.id]))[asked.id]
    second = workplace.within(lambda s: suspects.take(s, [asked.id]))[asked.id].attempt
    assert workplace.within(lambda s: predictions.record(s, [done(asked.id, first)])) == set()
    assert workplace.within(lambda s: predictions.record(s, [done(asked.id, second)])) == {asked.id}
    assert workplace.within(lambda s: predictions.record(s, [done(asked.id, second)])) == set()
    assert workplace.within(lambda s: predictions.claim(s, [asked.id])) == {}
    view = workplace.within(lambda s: predictions.get(s, actor, prediction_id=asked.id))
    assert (view.status, view.image.width, view.place) == (Status.DONE, 2, None)


def test_results_of_a_group_each_find_their_row(workplace: Workplace, make_actor: Make) -> None:
    actor = make_actor()
    asked = [ask(workplace, actor, bytes([n])) for n in range(3)]
    attempts = workplace.within(lambda s: predictions.claim(s, [a.id for a in asked]))
    failure = {"code": "image_truncated", "message": "It ends early.", "values": {}}
    outcomes = [
        done(asked[0].id, attempts[asked[0].id]),
        Outcome(asked[1].id, attempts[asked[1].id], "failed", failure=failure),
        done(asked[2].id, attempts[asked[2].id] + 1),
    ]
    taken = workplace.within(lambda s: predictions.record(s, outcomes))
    assert taken == {asked[0].id, asked[1].id}
    states = [workplace.within(lambda s, i=a.id: predictions.get(s, actor, prediction_id=i)) for a in asked]
    assert [s.status.value for s in states] == ["done", "failed", "running"]
    assert states[1].failure is not None
    assert states[1].failure.code == "image_truncated"


def test_impossible_states_are_barred_by_the_database(workplace: Workplace, make_actor: Make) -> None:
    asked = ask(workplace, make_actor())
    for change in (
        "status = 'done', finished_at = now()",
        "status = 'failed', finished_at = now()",
        "finished_at = now()",
        "status = 'nonsense'",
    ):
        with pytest.raises(IntegrityError), workplace.transaction() as session:
            session.execute(text(f"UPDATE predictions SET {change} WHERE id = :id"), {"id": asked.id})


def test_everything_of_somebody_else_is_not_there(workplace: Workplace, make_actor: Make) -> None:
    ana, eva, curator = make_actor("ana"), make_actor("eva"), make_actor("cu", Role.CURATOR)
    asked = ask(workplace, ana)
    for use in (
        lambda s: predictions.get(s, eva, prediction_id=asked.id),
        lambda s: views.read(s, eva, blobs=workplace.blobs, prediction_id=asked.id, view="preview.jpg"),
        lambda s: outlines.get(s, eva, prediction_id=asked.id),
        lambda s: images.delete(s, eva, image_id=asked.image.id),
    ):
        with pytest.raises(NotFound):
            workplace.within(use)
    assert workplace.within(lambda s: predictions.list_(s, eva)).items == []
    assert workplace.within(lambda s: predictions.get(s, curator, prediction_id=asked.id)).id == asked.id
    reading = replace(curator, scopes=frozenset({"predict", "delete", "read_all"}))
    with pytest.raises(NotAllowed):
        workplace.within(lambda s: images.delete(s, reading, image_id=asked.image.id))


def time_is_over(workplace: Workplace) -> None:
    """Nothing that was deleted can be brought back any more."""
    workplace.within(lambda s: s.execute(delete(DeletionRecord)))


def test_bytes_go_with_their_last_image(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    first, second = ask(workplace, ana, b"same"), ask(workplace, ana, b"same")
    name = digest(b"same")
    for asked, left in ((first, True), (second, False)):
        workplace.blobs.put(derived(asked.id, "mask.png"), b"mask")
        workplace.within(lambda s, a=asked: images.delete(s, ana, image_id=a.image.id))
        time_is_over(workplace)
        workplace.within(
            lambda s, a=asked: images.erase(s, blobs=workplace.blobs, original_name=name, predictions=[a.id])
        )
        assert not workplace.blobs.has(derived(asked.id, "mask.png"))
        assert workplace.blobs.has(original(name)) is left


def test_a_result_for_a_deleted_image_leaves_nothing(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    asked = ask(workplace, ana)
    attempt = workplace.within(lambda s: predictions.claim(s, [asked.id]))[asked.id]
    workplace.within(lambda s: images.delete(s, ana, image_id=asked.image.id))
    time_is_over(workplace)
    workplace.blobs.put(derived(asked.id, "mask.png"), b"late")
    assert workplace.within(lambda s: predictions.record(s, [done(asked.id, attempt)])) == set()
    workplace.within(lambda s: predictions.tidy(s, blobs=workplace.blobs, ids=[asked.id]))
    assert not workplace.blobs.has(derived(asked.id, "mask.png"))
