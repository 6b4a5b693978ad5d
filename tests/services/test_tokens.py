from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest
from sqlalchemy import update

from atisbo.config import Secrets
from atisbo.domain.access import Actor, Right, Role
from atisbo.errors import Invalid, NotAllowed, NotFound, NotSignedIn
from atisbo.services import tokens, users
from atisbo.services.work import Workplace
from atisbo.store.accounts import PersonalTokenRecord
from atisbo.store.db import now
from tests.conftest import PASSWORD

Make = Callable[..., Actor]


def issue(workplace: Workplace, actor: Actor) -> tokens.Pair:
    return workplace.within(
        lambda s: tokens.issue(s, workplace.settings, workplace.secrets, email=actor.email, password=PASSWORD)
    )


def renew(workplace: Workplace, token: str) -> tokens.Pair | None:
    return workplace.within(lambda s: tokens.refresh(s, workplace.settings, workplace.secrets, token=token))


def bearer(workplace: Workplace, token: str) -> Actor:
    return workplace.within(lambda s: tokens.from_bearer(s, workplace.secrets, token))


def test_an_access_token_stands_for_its_user(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor("ana", Role.CURATOR)
    assert bearer(workplace, issue(workplace, ana).access_token) == ana


def claims(workplace: Workplace, actor: Actor) -> dict[str, object]:
    token = issue(workplace, actor).access_token
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize(
    "change",
    [
        {"exp": 1},
        {"aud": "another"},
        {"iss": "another"},
        {"typ": "refresh"},
        {"sub": "not-a-uuid"},
        {"sub": "00000000-0000-4000-8000-000000000000"},
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    workplace: Workplace, make_actor: Make, change: dict[str, object]
) -> None:
    said = claims(workplace, make_actor("ana")) | change
    with pytest.raises(NotSignedIn):
        bearer(workplace, jwt.encode(said, workplace.secrets.key("access-token"), "HS256"))


def test_forged_tokens_are_refused(workplace: Workplace, make_actor: Make) -> None:
    said = claims(workplace, make_actor("ana"))
    key = workplace.secrets.key("access-token")
    forged = [
        jwt.encode(said, Secrets(b"x" * 32).key("access-token"), "HS256"),
        jwt.encode(said, workplace.secrets.key("csrf"), "HS256"),
        jwt.encode(said, key * 2, "HS512"),
        jwt.encode(said, None, "none"),
        "",
        "a.b.c",
        "atb_guess",
    ]
    for token in forged:
        with pytest.raises(NotSignedIn):
            bearer(workplace, token)


def test_a_refresh_token_works_once_and_reuse_revokes_the_family(workplace: Workplace, make_actor: Make) -> None:
    first = issue(workplace, make_actor("ana"))
    second = renew(workplace, first.refresh_token)
    assert second is not None
    assert renew(workplace, first.refresh_token) is None
    with pytest.raises(NotSignedIn):
        renew(workplace, second.refresh_token)


def test_twenty_racing_refreshes_give_one_pair(workplace: Workplace, make_actor: Make) -> None:
    pair = issue(workplace, make_actor("ana"))

    def attempt(_: int) -> bool:
        try:
            return renew(workplace, pair.refresh_token) is not None
        except NotSignedIn:
            return False

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(attempt, range(20))) == 1


def test_logging_out_ends_the_family(workplace: Workplace, make_actor: Make) -> None:
    pair = issue(workplace, make_actor("ana"))
    workplace.within(lambda s: tokens.logout(s, token=pair.refresh_token))
    with pytest.raises(NotSignedIn):
        renew(workplace, pair.refresh_token)


def test_a_disabled_user_is_out_at_once(workplace: Workplace, make_actor: Make) -> None:
    administrator, ana = make_actor("root", Role.ADMINISTRATOR), make_actor("ana")
    pair = issue(workplace, ana)
    personal = workplace.within(lambda s: tokens.create(s, ana, name="script", scopes=["predict"]))
    workplace.within(lambda s: users.set_disabled(s, administrator, user_id=ana.user_id, disabled=True))
    for token in (pair.access_token, personal):
        with pytest.raises(NotSignedIn):
            bearer(workplace, token)
    with pytest.raises(NotSignedIn):
        renew(workplace, pair.refresh_token)


def test_a_personal_token_may_do_what_its_scopes_say(workplace: Workplace, make_actor: Make) -> None:
    curator = make_actor("eva", Role.CURATOR)
    token = workplace.within(lambda s: tokens.create(s, curator, name="script", scopes=["predict"]))
    actor = bearer(workplace, token)
    assert actor.may(Right.PREDICT)
    assert not actor.may(Right.DELETE)
    assert not actor.may(Right.SEE_ALL)
    with pytest.raises(NotAllowed), workplace.transaction() as session:
        tokens.create(session, actor, name="more", scopes=["delete"])


def test_a_scope_gives_no_more_than_the_role(workplace: Workplace, make_actor: Make) -> None:
    token = workplace.within(lambda s: tokens.create(s, make_actor("ana"), name="x", scopes=["read_all"]))
    assert not bearer(workplace, token).may(Right.SEE_ALL)


def test_a_personal_token_ends_by_revoking_and_by_time(workplace: Workplace, make_actor: Make) -> None:
    ana, eva = make_actor("ana"), make_actor("eva")
    first, second = (
        workplace.within(lambda s: tokens.create(s, ana, name="script", scopes=["predict"])) for _ in range(2)
    )
    listed = workplace.within(lambda s: tokens.list_tokens(s, ana))
    assert {view.hint for view in listed} == {first[:10], second[:10]}
    victim = next(view for view in listed if view.hint == first[:10])
    with pytest.raises(NotFound):
        workplace.within(lambda s: tokens.revoke(s, eva, token_id=victim.id))
    workplace.within(lambda s: tokens.revoke(s, ana, token_id=victim.id))
    with pytest.raises(NotSignedIn):
        bearer(workplace, first)
    assert bearer(workplace, second).user_id == ana.user_id
    workplace.within(lambda s: s.execute(update(PersonalTokenRecord).values(expires_at=now() - timedelta(seconds=1))))
    with pytest.raises(NotSignedIn):
        bearer(workplace, second)


def test_a_token_needs_a_name_a_known_scope_and_an_end(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor("ana")
    for wrong in ({"name": " "}, {"scopes": []}, {"scopes": ["admin"]}, {"days": 0}, {"days": 1000}):
        said: dict[str, object] = {"name": "script", "scopes": ["predict"], "days": 30} | wrong
        with pytest.raises(Invalid), workplace.transaction() as session:
            tokens.create(session, ana, **said)  # type: ignore[arg-type]
