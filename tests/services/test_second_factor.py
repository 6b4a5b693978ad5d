"""Codes are asked for once they are on, taken once, and not guessed by way of another door."""

from __future__ import annotations

import time
from collections.abc import Callable

import pyotp
import pytest

from atisbo.domain.access import Actor
from atisbo.errors import Conflict, Invalid, NotSignedIn, SecondFactorNeeded
from atisbo.services import accounts, second_factor, tokens, users
from atisbo.services.work import Workplace
from tests.conftest import PASSWORD


def begin(workplace: Workplace, actor: Actor) -> pyotp.TOTP:
    begun = workplace.within(lambda s: second_factor.set_up(s, workplace.secrets, actor))
    assert begun.uri.startswith("otpauth://totp/Atisbo:ana%40example.org?secret=")
    return pyotp.TOTP(begun.secret)


def confirm(workplace: Workplace, actor: Actor, code: str) -> list[str]:
    return workplace.within(lambda s: second_factor.confirm(s, workplace.secrets, actor, code=code))


def sign_in(workplace: Workplace, actor: Actor) -> str:
    return workplace.within(
        lambda s: accounts.sign_in(s, workplace.settings, email=actor.email, password=PASSWORD, keys=workplace.secrets)
    )


def second(workplace: Workplace, ticket: str, code: str) -> str:
    return workplace.within(
        lambda s: accounts.sign_in_second(s, workplace.settings, ticket=ticket, code=code, keys=workplace.secrets)
    )


def ticket(workplace: Workplace, actor: Actor) -> str:
    with pytest.raises(SecondFactorNeeded) as caught:
        sign_in(workplace, actor)
    return caught.value.ticket


@pytest.fixture
def ana(make_actor: Callable[..., Actor]) -> Actor:
    return make_actor("ana")


def test_it_counts_only_once_a_code_was_right(workplace: Workplace, ana: Actor) -> None:
    app = begin(workplace, ana)
    sign_in(workplace, ana)
    with pytest.raises(Invalid, match="not right"):
        confirm(workplace, ana, "000000" if app.now() != "000000" else "111111")
    sign_in(workplace, ana)
    assert len(set(confirm(workplace, ana, app.now()))) == second_factor.RECOVERY_CODES
    with pytest.raises(SecondFactorNeeded):
        sign_in(workplace, ana)
    with pytest.raises(Conflict):
        begin(workplace, ana)


def test_a_code_opens_once_and_a_recovery_code_once(workplace: Workplace, ana: Actor) -> None:
    app = begin(workplace, ana)
    codes = confirm(workplace, ana, app.now())
    asked = ticket(workplace, ana)
    following = app.at(int(time.time()) + second_factor.STEP_S)
    token = second(workplace, asked, following)
    assert workplace.within(lambda s: accounts.from_session(s, token)) is not None
    for spent in (following, app.now(), "", "123", "x" * 40):
        with pytest.raises(NotSignedIn):
            second(workplace, asked, spent)
    second(workplace, asked, f" {codes[0].upper()} ")
    with pytest.raises(NotSignedIn):
        second(workplace, asked, codes[0])


def test_programs_are_asked_too(workplace: Workplace, ana: Actor) -> None:
    app = begin(workplace, ana)
    codes = confirm(workplace, ana, app.now())

    def issue(code: str = "") -> tokens.Pair:
        return workplace.within(
            lambda s: tokens.issue(
                s, workplace.settings, workplace.secrets, email=ana.email, password=PASSWORD, code=code
            )
        )

    with pytest.raises(SecondFactorNeeded):
        issue()
    with pytest.raises(NotSignedIn):
        issue("654321x")
    assert issue(codes[3]).access_token


def test_a_ticket_is_no_key(workplace: Workplace, ana: Actor, make_actor: Callable[..., Actor]) -> None:
    app = begin(workplace, ana)
    codes = confirm(workplace, ana, app.now())
    asked = ticket(workplace, ana)
    with pytest.raises(NotSignedIn):
        second(workplace, asked[:-2] + "xx", codes[0])
    with workplace.transaction() as session:
        users.reset_password(session, email=ana.email, password="another horse battery")
    with pytest.raises(NotSignedIn, match="too long"):
        second(workplace, asked, codes[0])
    assert workplace.within(lambda s: accounts.from_session(s, asked)) is None


def test_turning_it_off_takes_a_code_and_the_next_one_has_another_secret(workplace: Workplace, ana: Actor) -> None:
    app = begin(workplace, ana)
    codes = confirm(workplace, ana, app.now())
    with pytest.raises(Invalid):
        workplace.within(lambda s: second_factor.turn_off(s, workplace.secrets, ana, code="nothing"))
    workplace.within(lambda s: second_factor.turn_off(s, workplace.secrets, ana, code=codes[1]))
    sign_in(workplace, ana)
    assert begin(workplace, ana).secret != app.secret


def test_an_operator_removes_it_for_who_lost_everything(workplace: Workplace, ana: Actor) -> None:
    app = begin(workplace, ana)
    confirm(workplace, ana, app.now())
    workplace.within(lambda s: users.remove_second_factor(s, email=ana.email))
    sign_in(workplace, ana)
