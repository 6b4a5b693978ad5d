from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

import jwt
import pytest
from sqlalchemy import update

from atisbo.config import Secrets
from atisbo.domain.access import Actor, Right, Role
from atisbo.errors import Invalid, NotAllowed, NotFound, NotSignedIn
from atisbo.services import accounts, tokens, users
from atisbo.services.work import Workplace
from atisbo.store.accounts import PersonalTokenRecord, UserRecord
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
        {"typ": None},
        {"aud": ["atisbo", "another"]},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"fam": "00000000-0000-4000-8000-000000000000"},
        {"fam": 7},
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


def packed(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def confused(said: dict[str, object], good: str) -> list[str]:
    """What has opened doors elsewhere: other names of no algorithm, keys that come along, keys from a file."""
    head, body, signature = good.split(".")
    headers: list[dict[str, object]] = [
        *({"alg": name, "typ": "JWT"} for name in ("none", "None", "NONE", "nOnE", "", "HS257", "RS256", "ES256")),
        {"typ": "JWT"},
        {"alg": ["HS256"]},
        {"alg": None},
    ]
    made = [f"{packed(one)}.{body}.{end}" for one in headers for end in ("", signature)]
    empty = b""
    for more in (
        {"kid": "../../../../dev/null"},
        {"kid": "x' UNION SELECT ''--"},
        {"jwk": {"kty": "oct", "k": packed(b"mine")}},
        {"jku": "https://evil.example/keys.json"},
        {"x5u": "https://evil.example/key.pem"},
    ):
        first = f"{packed({'alg': 'HS256', 'typ': 'JWT'} | more)}.{body}"
        for key in (empty, b"mine", b"x' UNION SELECT ''--"):
            made.append(f"{first}.{packed(hmac.digest(key, first.encode(), sha256))}")
    other = packed(said | {"sub": str(uuid4())})
    return [
        *made,
        f"{head}.{other}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        good + "x",
        f"{good}.{signature}",
    ]


def test_forged_tokens_are_refused(workplace: Workplace, make_actor: Make) -> None:
    said = claims(workplace, make_actor("ana"))
    key = workplace.secrets.key("access-token")
    forged = [
        jwt.encode(said, Secrets(b"x" * 32).key("access-token"), "HS256"),
        jwt.encode(said, workplace.secrets.key("csrf"), "HS256"),
        jwt.encode(said, key * 2, "HS512"),
        jwt.encode(said, None, "none"),
        *confused(said, jwt.encode(said, key, "HS256")),
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


def test_after_a_race_for_it_nothing_of_the_family_is_left(workplace: Workplace, make_actor: Make) -> None:
    """Whoever won may be the thief: what they won ends, and so do the tokens that were handed out before."""
    pair = issue(workplace, make_actor("ana"))
    won: list[tokens.Pair] = []

    def attempt(_: int) -> None:
        with suppress(NotSignedIn):
            won.extend(filter(None, [renew(workplace, pair.refresh_token)]))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(attempt, range(20)))
    (winner,) = won
    for token in (pair.refresh_token, winner.refresh_token):
        with pytest.raises(NotSignedIn):
            renew(workplace, token)
    for token in (pair.access_token, winner.access_token):
        with pytest.raises(NotSignedIn):
            bearer(workplace, token)


def test_logging_out_ends_the_family(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor("ana")
    pair, other = issue(workplace, ana), issue(workplace, ana)
    workplace.within(lambda s: tokens.logout(s, token=pair.refresh_token))
    with pytest.raises(NotSignedIn):
        renew(workplace, pair.refresh_token)
    with pytest.raises(NotSignedIn):
        bearer(workplace, pair.access_token)
    assert bearer(workplace, other.access_token) == ana, "another sign-in goes on"


def test_a_new_password_ends_every_token_of_a_sign_in_at_once(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor("ana")
    pair = issue(workplace, ana)
    workplace.within(
        lambda s: accounts.change_password(s, workplace.settings, ana, current=PASSWORD, new="another good one")
    )
    with pytest.raises(NotSignedIn):
        bearer(workplace, pair.access_token)


def test_a_pair_made_while_all_is_ended_does_not_survive(workplace: Workplace, make_actor: Make) -> None:
    """A thief who refreshes at the moment at which the owner signs out everywhere."""
    for number in range(8):
        ana = make_actor(f"ana{number}")
        pair = issue(workplace, ana)
        made: list[tokens.Pair] = []

        def steal(token: str = pair.refresh_token, made: list[tokens.Pair] = made) -> None:
            with suppress(NotSignedIn):
                made.extend(filter(None, [renew(workplace, token)]))

        def end(ana: Actor = ana) -> None:
            workplace.within(lambda s: accounts.set_password(s, s.get_one(UserRecord, ana.user_id), "another good one"))

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(end), pool.submit(steal)]:
                done.result()
        for one in made:
            with pytest.raises(NotSignedIn):
                bearer(workplace, one.access_token)


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
