from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import text

from atisbo.domain.access import Actor, Role
from atisbo.domain.consents import USE
from atisbo.domain.reviews import Verdict
from atisbo.errors import AtisboError, Conflict, NotSignedIn
from atisbo.services import accounts, chain, consents, erasure, images, reviews, tokens, users
from atisbo.services.asking import Upload
from atisbo.services.work import Workplace
from atisbo.store.blobs import derived, digest, original
from atisbo.store.webhooks import WebhookKeyRecord, WebhookRecord
from tests.conftest import PASSWORD
from tests.services.asked import CARD, EYES, answered, ask

Make = Callable[..., Actor]
CANARY = "canary-4f1d"


def erase(workplace: Workplace, actor: Actor, password: str = PASSWORD) -> None:
    workplace.within(lambda s: erasure.erase(s, actor, password=password))


def erase_blobs(workplace: Workplace) -> None:
    """What a worker does with the jobs."""
    jobs = workplace.within(
        lambda s: s.scalars(text("DELETE FROM pgqueuer WHERE entrypoint = 'erase' RETURNING payload")).all()
    )
    for job in jobs:
        said = json.loads(bytes(job))
        ids = [UUID(one) for one in said["predictions"]]
        workplace.within(
            lambda s, said=said, ids=ids: images.erase(  # type: ignore[misc]
                s,
                blobs=workplace.blobs,
                original_name=said["original"],
                predictions=ids,
                deletion_id=UUID(said["deletion"]) if "deletion" in said else None,
            )
        )


def tables(workplace: Workplace, word: str) -> set[str]:
    """Every table that holds the word in any column, as text or as bytes."""
    names = workplace.within(
        lambda s: s.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    )
    found = "SELECT count(*) FROM {} row WHERE row::text ILIKE :word OR row::text ILIKE :bytes"
    words = {"word": f"%{word}%", "bytes": f"%{word.encode().hex()}%"}
    return {
        name
        for name in names
        if workplace.within(lambda s, name=name: s.scalar(text(found.format(name)), words))  # type: ignore[misc]
    }


def blobs(workplace: Workplace, word: str) -> set[str]:
    """Every blob that holds the word, in its name or in its bytes."""
    return {
        name
        for name in workplace.blobs.names("")
        if word in name or word.encode() in (workplace.blobs.get(name) or b"")
    }


def plant(workplace: Workplace, actor: Actor, administrator: Actor) -> list[str]:
    """Something of this person wherever something can be; returns what may not be found afterwards."""
    settings, keys = workplace.settings, workplace.secrets
    data = f"{CANARY} original".encode()
    asked = answered(workplace, actor, data, upload=Upload(data, f"{CANARY}.jpg"), idempotency_key=f"{CANARY} key")
    waiting = ask(workplace, actor, f"{CANARY} waiting".encode())
    for name in ("mask.png", "crop.png", "heatmap.png"):
        workplace.blobs.put(derived(asked.id, name), f"{CANARY} {name}".encode())
    with workplace.transaction() as s:
        s.add(WebhookKeyRecord(user_id=actor.user_id))
        s.add(WebhookRecord(prediction_id=asked.id, owner_id=actor.user_id, url=f"https://example.org/{CANARY}"))
        for comment in (f"{CANARY} one", f"{CANARY} two"):
            reviews.put(
                s,
                actor,
                application=EYES,
                card=CARD,
                prediction_id=asked.id,
                verdict=Verdict.UNKNOWN,
                metadata={"comment": comment},
            )
        consents.agree(s, actor, version=USE.version, language="en")
        consents.allow(s, actor, image_id=asked.image.id, application=EYES)
        consents.share(s, actor, image_id=asked.image.id)
        tokens.create(s, actor, name=f"{CANARY} token", scopes=["predict"])
        tokens.issue(s, settings, keys, email=actor.email, password=PASSWORD)
        accounts.sign_in(s, settings, email=actor.email, password=PASSWORD, user_agent=CANARY, address=CANARY)
        users.invite(s, administrator, settings, email=actor.email)
    ids = [actor.user_id, asked.id, asked.image.id, waiting.id]
    return [CANARY, actor.email, digest(data), *map(str, ids)]


def test_of_an_erased_account_nothing_is_left(workplace: Workplace, make_actor: Make) -> None:
    kim = make_actor("kim", Role.ADMINISTRATOR)
    ana = make_actor(CANARY)
    traces = plant(workplace, ana, kim)
    assert tables(workplace, CANARY) >= {
        "users",
        "images",
        "predictions",
        "reviews",
        "personal_tokens",
        "sessions",
        "invitations",
        "webhooks",
    }
    assert tables(workplace, str(ana.user_id)) >= {"consents", "refresh_tokens", "webhook_keys"}
    assert "embeddings" in set().union(*(tables(workplace, trace) for trace in traces))
    assert len(blobs(workplace, CANARY)) == 5
    erase(workplace, ana)
    erase_blobs(workplace)
    workplace.within(lambda s: s.execute(text("DELETE FROM pgqueuer WHERE entrypoint = 'predict'")))
    left = {trace: tables(workplace, trace) for trace in traces}
    assert {trace: found for trace, found in left.items() if found - {"audit"}} == {}
    assert not any(left[name] for name in traces if len(name) != 36), "the log knows numbers, no names"
    assert isinstance(workplace.within(chain.verify), int)
    assert {trace: blobs(workplace, trace) for trace in traces if blobs(workplace, trace)} == {}


def test_others_keep_what_is_theirs(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor(), make_actor("eva")
    both = b"the same bytes"
    ask(workplace, ana, both)
    kept = answered(workplace, eva, both)
    workplace.blobs.put(derived(kept.id, "mask.png"), b"mask")
    erase(workplace, ana)
    erase_blobs(workplace)
    assert workplace.blobs.has(original(digest(both)))
    assert workplace.blobs.has(derived(kept.id, "mask.png"))
    assert workplace.within(lambda s: s.scalar(text("SELECT count(*) FROM predictions"))) == 1


def test_a_wrong_password_erases_nothing(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()
    ask(workplace, ana)
    with pytest.raises(NotSignedIn):
        erase(workplace, ana, "wrong wrong wrong")
    assert workplace.within(lambda s: s.scalar(text("SELECT count(*) FROM images"))) == 1


def test_somebody_stays_to_look_after_the_installation(workplace: Workplace, make_actor: Make) -> None:
    kim, lou = make_actor("kim", Role.ADMINISTRATOR), make_actor("lou", Role.ADMINISTRATOR)

    def leave(actor: Actor) -> str:
        try:
            erase(workplace, actor)
        except Conflict as error:
            return error.code
        return "gone"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, (kim, lou))) == ["gone", "last_administrator"]


def test_uploads_that_cross_the_erasure_leave_nothing(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor()

    def upload_until_refused(number: int) -> str:
        for turn in range(10_000):
            try:
                ask(workplace, ana, f"crossing {number} {turn}".encode())
            except AtisboError as error:
                return error.code
        return "never"

    with ThreadPoolExecutor(5) as pool:
        uploads = [pool.submit(upload_until_refused, number) for number in range(4)]
        pool.submit(erase, workplace, ana).result()
        assert {one.result() for one in uploads} == {"consent_needed"}
    erase_blobs(workplace)
    assert workplace.within(lambda s: s.scalar(text("SELECT count(*) FROM images"))) == 0
    assert blobs(workplace, "crossing") == set()
