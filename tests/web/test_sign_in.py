"""Getting in without being asked in: guessing, stolen and planted sessions, and locking out somebody else."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update

from atisbo.domain.access import Actor, Role
from atisbo.errors import NotSignedIn
from atisbo.services import accounts, second_factor, tokens, users
from atisbo.services.work import Workplace
from atisbo.store.accounts import SessionRecord
from atisbo.store.second_factors import SecondFactorRecord
from tests.conftest import PASSWORD
from tests.web.doors import Door, opened
from tests.web.tabs import Tab

Make = Callable[..., Actor]
WRONG = "wrong wrong wrong"
SESSION, DEVICE = "atisbo_session", "atisbo_device"


@pytest.fixture
def app(workplace: Workplace, tmp_path: Path) -> FastAPI:
    return opened(workplace, tmp_path)


@pytest.fixture
def ana(make_actor: Make) -> Actor:
    return make_actor("ana")


def test_cookies_belong_to_this_host_alone_behind_https(workplace: Workplace, ana: Actor, tmp_path: Path) -> None:
    tab = Tab(opened(workplace, tmp_path, public_url="https://atisbo.test"), https=True)
    answer = tab.sign_in(ana)
    assert answer.status_code == 303
    set_ = answer.headers.get_list("set-cookie")
    assert {one.partition("=")[0] for one in set_} == {f"__Host-{SESSION}", f"__Host-{DEVICE}"}
    for one in set_:
        said = {part.strip().lower() for part in one.split(";")[1:]}
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= said
        assert not any(part.startswith("domain") for part in said)
    assert tab.get("/account").status_code == 200
    gone = tab.post("/sign-out")
    assert f'__Host-{SESSION}=""' in gone.headers["set-cookie"]
    assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_signing_in_makes_a_new_session_and_ends_the_one_before(app: FastAPI, ana: Actor, workplace: Workplace) -> None:
    tab = Tab(app)
    tab.cookies.set(SESSION, "planted by somebody else", domain="atisbo.test")
    tab.sign_in(ana)
    first = tab.cookie(SESSION)
    assert len(first) > 40
    assert "planted" not in first
    tab.sign_in(ana)
    stolen = Tab(app)
    stolen.cookies.set(SESSION, first, domain="atisbo.test")
    assert stolen.get("/account").status_code == 303
    assert tab.get("/account").status_code == 200
    count = workplace.within(lambda s: s.scalar(select(func.count()).select_from(SessionRecord)))
    assert count == 1
    tab.post("/sign-out")
    assert tab.get("/account").status_code == 303


def guess(tab: Tab, actor: Actor, times: int) -> list[int]:
    return [tab.sign_in(actor, WRONG).status_code for _ in range(times)]


def test_guessing_ends_and_a_browser_that_is_known_goes_on(app: FastAPI, ana: Actor) -> None:
    """Both sit behind the same address: who guesses is told to wait, who lives here is not."""
    at_home = Tab(app)
    at_home.sign_in(ana)
    at_home.post("/sign-out")
    thief = Tab(app)
    assert guess(thief, ana, 11) == [401] * 10 + [429]
    assert thief.sign_in(ana).status_code == 429, "the right password does not help whoever has guessed"
    assert at_home.sign_in(ana).status_code == 303
    assert Tab(app, address="198.51.100.7").sign_in(ana).status_code == 303, "from elsewhere it goes on, too"


def test_a_known_browser_cannot_guess_without_end_either(app: FastAPI, ana: Actor) -> None:
    tab = Tab(app)
    tab.sign_in(ana)
    tab.post("/sign-out")
    assert guess(tab, ana, 11)[-1] == 429


def test_being_known_is_neither_forged_nor_lent(app: FastAPI, ana: Actor, make_actor: Make) -> None:
    eva, tab = make_actor("eva"), Tab(app)
    tab.sign_in(eva)
    hers = tab.cookie(DEVICE)
    for value in (hers, "x" + hers, "nonce." + "0" * 64, ".", "a.b.c"):
        thief = Tab(app, address="203.0.113.9")
        thief.cookies.set(DEVICE, value, domain="atisbo.test")
        guess(thief, ana, 2)
    assert guess(Tab(app, address="203.0.113.9"), ana, 1) == [429], "each of them counted as a stranger's"


def test_many_accounts_from_one_address_are_tried_no_faster(workplace: Workplace, ana: Actor, tmp_path: Path) -> None:
    app = opened(workplace, tmp_path, sign_in_attempts_per_minute=2)
    door = Door(app, {})

    def spray() -> int:
        form = {"username": f"{uuid4().hex}@example.org", "password": "x"}
        return door.post("/auth/token", data=form).status_code

    assert [spray() for _ in range(21)] == [401] * 20 + [429]
    assert Tab(app, address="198.51.100.7").sign_in(ana).status_code == 303


def test_an_ipv6_network_is_one_sender(app: FastAPI, ana: Actor) -> None:
    codes = [Tab(app, address=f"2001:db8::{n:x}").sign_in(ana, WRONG).status_code for n in range(1, 12)]
    assert codes[-1] == 429
    assert Tab(app, address="2001:db8:0:1::1").sign_in(ana).status_code == 303


def test_the_password_is_not_guessed_by_another_door(app: FastAPI, ana: Actor) -> None:
    """Whoever has an open session, and not the password, does not try it without end where it is asked for again."""
    for path, field in (("/account/password", "current"), ("/account/deletion", "password")):
        tab = Tab(app)
        tab.sign_in(ana)
        codes = [tab.post(path, **{field: f"{WRONG}{n}", "new": "x" * 12}).status_code for n in range(11)]
        assert set(codes[:10]) == {422}
        assert codes[-1] == 429, path


def test_nobody_learns_who_has_an_account(app: FastAPI, make_actor: Make, workplace: Workplace, tmp_path: Path) -> None:
    ana, root = make_actor("ana"), make_actor("root", Role.ADMINISTRATOR)
    gone = make_actor("gone")
    workplace.within(lambda s: users.set_disabled(s, root, user_id=gone.user_id, disabled=True))
    door = Door(app, {})

    def by_api(email: str, password: str) -> tuple[int, str, tuple[str, ...]]:
        answer = door.post("/auth/token", data={"username": email, "password": password})
        return answer.status_code, answer.text, tuple(sorted(answer.headers))

    def by_page(email: str, password: str) -> tuple[int, str]:
        answer = Tab(app).post("/sign-in", email=email, password=password)
        return answer.status_code, re.sub(r"[0-9a-f]{64}", "", answer.text.replace(email, "…"))

    for ask in (by_api, by_page):
        said = {ask(ana.email, WRONG), ask("nobody@example.org", WRONG), ask(gone.email, PASSWORD)}
        assert len(said) == 1, said
    for registration in ("invitation", "closed"):
        door = Door(opened(workplace, tmp_path, registration=registration), {})
        answers = set()
        for email in (ana.email, "nobody@example.org"):
            answer = door.post("/auth/register", json={"email": email, "password": PASSWORD})
            answers.add((answer.status_code, answer.text))
        assert len(answers) == 1, answers


def test_trying_addresses_by_registering_them_ends(app: FastAPI, ana: Actor) -> None:
    """Where everybody may register, an address that is taken cannot be hidden; it can be asked slowly only."""
    door = Door(app, {})
    account = {"email": ana.email, "password": PASSWORD}
    assert [door.post("/auth/register", json=account).status_code for _ in range(11)] == [409] * 10 + [429]
    fresh = {"email": "eva@example.org", "password": PASSWORD}
    assert door.post("/auth/register", json=fresh).status_code == 429
    assert Tab(app, address="198.51.100.7").post("/register", **fresh).status_code == 303


def seconds(workplace: Workplace, email: str) -> float:
    began = time.perf_counter()
    with pytest.raises(NotSignedIn), workplace.transaction() as session:
        accounts.verify(session, email=email, password=WRONG)
    return time.perf_counter() - began


def test_an_address_without_an_account_takes_as_long(workplace: Workplace, ana: Actor) -> None:
    """Of forty tries each, taken in turn: the middle of one kind lies within the quartiles' width of the other's."""
    kinds = (ana.email, "nobody@example.org")
    for email in kinds:
        seconds(workplace, email)
    took = {email: [0.0] * 40 for email in kinds}
    for number in range(40):
        for email in kinds if number % 2 else kinds[::-1]:
            took[email][number] = seconds(workplace, email)
    middle = [statistics.median(took[email]) for email in kinds]
    low, _, high = statistics.quantiles(took[kinds[0]], n=4)
    assert abs(middle[0] - middle[1]) < max(high - low, 0.1 * middle[0]), middle


def turned_on(workplace: Workplace, ana: Actor) -> tuple[pyotp.TOTP, list[str]]:
    begun = workplace.within(lambda s: second_factor.set_up(s, workplace.secrets, ana))
    totp = pyotp.TOTP(begun.secret)
    codes = workplace.within(lambda s: second_factor.confirm(s, workplace.secrets, ana, code=totp.now()))
    return totp, codes


def ticket(answer: httpx.Response) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', answer.text)
    assert found, answer.text
    return found[1]


def test_a_new_ticket_gives_no_new_guesses(app: FastAPI, ana: Actor, workplace: Workplace) -> None:
    turned_on(workplace, ana)
    thief, codes = Tab(app), []
    for number in range(12):
        asked = thief.sign_in(ana)
        if asked.status_code == 429:
            codes.append(429)
            break
        codes.append(thief.post("/sign-in/code", ticket=ticket(asked), code=f"{number:06}").status_code)
    assert codes == [401] * 10 + [429]


def test_codes_are_not_guessed_from_everywhere_at_once(app: FastAPI, ana: Actor, workplace: Workplace) -> None:
    """A hundred wrong ones in a row, from wherever: the next code, though right, is not taken; a recovery code is."""
    totp, codes = turned_on(workplace, ana)
    already = update(SecondFactorRecord).values(wrong=second_factor.MOST_WRONG - 3)
    workplace.within(lambda s: s.execute(already))
    for number in range(3):
        form = {"username": ana.email, "password": PASSWORD, "code": f"{number:06}x"}
        answer = Tab(app, address=f"192.0.2.{number}").ask("POST", "/api/v1/auth/token", data=form)
        assert answer.status_code == 401
    owner = Tab(app, address="198.51.100.7")
    right = totp.at(int(time.time()) + second_factor.STEP_S)
    assert owner.post("/sign-in/code", ticket=ticket(owner.sign_in(ana)), code=right).status_code == 401
    assert owner.post("/sign-in/code", ticket=ticket(owner.sign_in(ana)), code=codes[0]).status_code == 303
    owner = Tab(app, address="198.51.100.8")
    assert owner.post("/sign-in/code", ticket=ticket(owner.sign_in(ana)), code=right).status_code == 303


def test_an_open_session_does_not_guess_the_code_that_turns_it_off(
    app: FastAPI, ana: Actor, workplace: Workplace
) -> None:
    tab = Tab(app)
    tab.sign_in(ana)
    turned_on(workplace, ana)
    codes = [tab.post("/account/second-factor/deletion", code=f"{n:06}x").status_code for n in range(11)]
    assert codes == [422] * 10 + [429]


def test_a_code_opens_once_even_if_sent_many_times_at_once(ana: Actor, workplace: Workplace) -> None:
    totp, _ = turned_on(workplace, ana)
    code = totp.at(int(time.time()) + second_factor.STEP_S)

    def attempt(_: int) -> bool:
        try:
            workplace.within(
                lambda s: tokens.issue(
                    s, workplace.settings, workplace.secrets, email=ana.email, password=PASSWORD, code=code
                )
            )
        except NotSignedIn:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(attempt, range(10))) == 1


def test_whose_session_has_ended_is_told_so(app: FastAPI, ana: Actor, workplace: Workplace) -> None:
    tab = Tab(app)
    assert tab.get("/account", headers={"Accept": "text/html"}).headers["location"] == "/sign-in?next=/account"
    tab.sign_in(ana)
    with workplace.transaction() as session:
        session.execute(update(SessionRecord).values(expires_at=func.now()))
    refused = tab.get("/account", headers={"Accept": "text/html"})
    assert refused.headers["location"] == "/sign-in?next=/account&done=session"
    assert "Your session has ended. Sign in again." in tab.get(refused.headers["location"]).text
