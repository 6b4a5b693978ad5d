from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Role
from atisbo.errors import Conflict, Invalid, NotAllowed, NotSignedIn
from atisbo.services import accounts, users
from atisbo.services.work import Workplace
from atisbo.store.accounts import InvitationRecord, SessionRecord, UserRecord
from atisbo.store.db import now
from tests.conftest import PASSWORD

Make = Callable[..., Actor]


def test_registering_opens_an_account_that_can_sign_in(workplace: Workplace) -> None:
    with workplace.transaction() as session:
        actor = accounts.register(session, workplace.settings, email=" Ana@Example.org ", password=PASSWORD)
        token = accounts.sign_in(session, workplace.settings, email="ANA@example.org", password=PASSWORD)
        found = accounts.from_session(session, token)
        stored = session.scalar(select(UserRecord.password_hash))
    assert (actor.email, actor.role) == ("ana@example.org", Role.USER)
    assert found is not None
    assert found.user_id == actor.user_id
    assert stored is not None
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize(
    "email", ["", "ana", "a@b", "a b@example.org", "<x>@example.org", "a@example.org\x00", "@e.org"]
)
def test_an_address_that_is_none_is_refused(workplace: Workplace, email: str) -> None:
    with pytest.raises(Invalid, match="not an e-mail address"), workplace.transaction() as session:
        accounts.register(session, workplace.settings, email=email, password=PASSWORD)


def test_a_short_or_endless_password_is_refused(workplace: Workplace) -> None:
    for password, reason in (("123456789", "too short"), ("x" * 201, "too long")):
        with pytest.raises(Invalid, match=reason), workplace.transaction() as session:
            accounts.register(session, workplace.settings, email="ana@example.org", password=password)


def test_an_address_has_one_account(workplace: Workplace, make_actor: Make) -> None:
    make_actor("ana")
    with pytest.raises(Conflict), workplace.transaction() as session:
        accounts.register(session, workplace.settings, email="ANA@example.org", password=PASSWORD)


def test_wrong_address_wrong_password_and_disabled_account_sound_alike(workplace: Workplace, make_actor: Make) -> None:
    administrator, ana = make_actor("root", Role.ADMINISTRATOR), make_actor("ana")
    with workplace.transaction() as session:
        users.set_disabled(session, administrator, user_id=ana.user_id, disabled=True)
    sentences = set()
    for email, password in (
        ("nobody@example.org", PASSWORD),
        (administrator.email, "wrong password"),
        (ana.email, PASSWORD),
        ("nul\x00@example.org", PASSWORD),
    ):
        with pytest.raises(NotSignedIn) as caught, workplace.transaction() as session:
            accounts.verify(session, email=email, password=password)
        sentences.add(str(caught.value))
    assert len(sentences) == 1


def test_changing_the_password_ends_every_other_session(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor("ana")
    settings = workplace.settings
    with workplace.transaction() as session:
        old = accounts.sign_in(session, settings, email=ana.email, password=PASSWORD)
        with pytest.raises(Invalid, match="password is not right"):
            accounts.change_password(session, settings, ana, current="not it at all", new="another good one")
        fresh = accounts.change_password(session, settings, ana, current=PASSWORD, new="another good one")
    with workplace.transaction() as session:
        assert accounts.from_session(session, old) is None
        assert accounts.from_session(session, fresh) is not None
        accounts.verify(session, email=ana.email, password="another good one")


def test_a_session_ends_by_signing_out_and_by_time(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor("ana")
    with workplace.transaction() as session:
        first = accounts.sign_in(session, workplace.settings, email=ana.email, password=PASSWORD)
        second = accounts.sign_in(session, workplace.settings, email=ana.email, password=PASSWORD)
        actor = accounts.from_session(session, first)
        assert actor is not None
        accounts.sign_out(session, actor)
        assert accounts.from_session(session, first) is None
        assert accounts.from_session(session, second) is not None
        session.execute(update(SessionRecord).values(expires_at=now() - timedelta(seconds=1)))
        assert accounts.from_session(session, second) is None


def test_by_invitation_only(workplace: Workplace, make_actor: Make) -> None:
    administrator = make_actor("root", Role.ADMINISTRATOR)
    settings = workplace.settings.model_copy(update={"registration": "invitation"})
    with pytest.raises(NotAllowed, match="invitation"), workplace.transaction() as session:
        accounts.register(session, settings, email="eva@example.org", password=PASSWORD)
    with workplace.transaction() as session:
        token = users.invite(session, administrator, settings, role="curator", email="eva@example.org")
    with pytest.raises(Invalid, match="not valid any more"), workplace.transaction() as session:
        accounts.register(session, settings, email="other@example.org", password=PASSWORD, invitation=token)
    with workplace.transaction() as session:
        eva = accounts.register(session, settings, email="eva@example.org", password=PASSWORD, invitation=token)
    assert eva.role is Role.CURATOR
    with pytest.raises(Invalid, match="not valid any more"), workplace.transaction() as session:
        accounts.register(session, settings, email="eva2@example.org", password=PASSWORD, invitation=token)


def test_an_invitation_ends_after_a_week(workplace: Workplace, make_actor: Make) -> None:
    with workplace.transaction() as session:
        token = users.invite(session, make_actor("root", Role.ADMINISTRATOR), workplace.settings)
        session.execute(update(InvitationRecord).values(expires_at=now() - timedelta(seconds=1)))
    with pytest.raises(Invalid), workplace.transaction() as session:
        accounts.register(session, workplace.settings, email="eva@example.org", password=PASSWORD, invitation=token)


def test_closed_registration_is_closed(workplace: Workplace) -> None:
    settings = workplace.settings.model_copy(update={"registration": "closed"})
    with pytest.raises(NotAllowed, match="closed"), workplace.transaction() as session:
        accounts.register(session, settings, email="eva@example.org", password=PASSWORD)


def test_only_administrators_manage_users(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor("ana")
    for role in (Role.USER, Role.CURATOR):
        actor = make_actor(role.value, role)
        for forbidden in (
            lambda s, a=actor: users.list_users(s, a),
            lambda s, a=actor: users.set_role(s, a, user_id=ana.user_id, role="administrator"),
            lambda s, a=actor: users.set_disabled(s, a, user_id=ana.user_id, disabled=True),
            lambda s, a=actor: users.invite(s, a, workplace.settings),
        ):
            with pytest.raises(NotAllowed), workplace.transaction() as session:
                forbidden(session)


def test_administrators_cannot_lock_themselves_out(workplace: Workplace, make_actor: Make) -> None:
    administrator = make_actor("root", Role.ADMINISTRATOR)
    with pytest.raises(Conflict), workplace.transaction() as session:
        users.set_role(session, administrator, user_id=administrator.user_id, role="user")


@pytest.mark.parametrize("how", [{"role": "user"}, {"disabled": True}])
def test_two_administrators_cannot_lock_each_other_out(
    workplace: Workplace, make_actor: Make, how: dict[str, Any]
) -> None:
    kim, lou = make_actor("kim", Role.ADMINISTRATOR), make_actor("lou", Role.ADMINISTRATOR)
    change: Callable[..., None] = users.set_role if "role" in how else users.set_disabled
    both = Barrier(2)

    def take_out(actor: Actor, other: Actor) -> str:
        try:
            with workplace.transaction() as session:
                users.get(session, actor, user_id=other.user_id)
                both.wait(10)
                change(session, actor, user_id=other.user_id, **how)
        except Conflict as error:
            return error.code
        return "out"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take_out, (kim, lou), (lou, kim))) == ["last_administrator", "out"]
    left = [one for one in workplace.within(lambda s: users.list_users(s, kim)) if not one.disabled]
    assert [one.role for one in left].count(Role.ADMINISTRATOR) == 1


def test_the_first_administrator_is_made_once(workplace: Workplace) -> None:
    made = workplace.within(users.first_administrator)
    assert made is not None
    email, password = made
    assert workplace.within(users.first_administrator) is None
    user = workplace.within(lambda s: accounts.verify(s, email=email, password=password))
    assert user.role == "administrator"


def test_the_first_sign_in_says_the_language_of_the_first_administrator(workplace: Workplace) -> None:
    made = workplace.within(users.first_administrator)
    assert made is not None

    def sign_in(language: str) -> str | None:
        def within(session: Session) -> str | None:
            token = accounts.sign_in(session, workplace.settings, email=made[0], password=made[1], language=language)
            actor = accounts.from_session(session, token)
            return actor and actor.language

        return workplace.within(within)

    assert sign_in("") == "en", "a program says none"
    assert sign_in("es") == "es"
    assert sign_in("en") == "es", "it is the account's from then on"


def test_a_link_sets_a_new_password_once(workplace: Workplace, make_actor: Make) -> None:
    root, ana = make_actor("root", Role.ADMINISTRATOR), make_actor("ana")
    old = workplace.within(lambda s: accounts.sign_in(s, workplace.settings, email=ana.email, password=PASSWORD))
    token = workplace.within(lambda s: users.offer_reset(s, root, user_id=ana.user_id))
    with pytest.raises(Invalid, match="too short"):
        workplace.within(lambda s: users.set_anew(s, token=token, password="short"))
    workplace.within(lambda s: users.set_anew(s, token=token, password="another good one"))
    assert workplace.within(lambda s: accounts.from_session(s, old)) is None
    workplace.within(lambda s: accounts.verify(s, email=ana.email, password="another good one"))
    with pytest.raises(Invalid, match="not valid any more"):
        workplace.within(lambda s: users.set_anew(s, token=token, password="yet another one"))
    late = workplace.within(lambda s: users.offer_reset(s, root, user_id=ana.user_id))
    workplace.within(lambda s: s.execute(update(UserRecord).values(reset_until=now() - timedelta(seconds=1))))
    with pytest.raises(Invalid, match="not valid any more"):
        workplace.within(lambda s: users.set_anew(s, token=late, password="yet another one"))
