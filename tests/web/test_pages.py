"""Pages without a browser: what is rendered, for whom, in which language, and what a form does without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from html.parser import HTMLParser
from uuid import uuid4

import httpx
import pytest

from tests.conftest import PASSWORD, Service
from tests.pictures import jpeg

HOSTILE = '"><img src=x onerror=alert(1)>.jpg'


class Forms(HTMLParser):
    """The hidden fields of a page's forms, by their action."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.by_action: dict[str, dict[str, str]] = {}
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._fields: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.elements.append((tag, values))
        if tag == "form":
            self._fields = self.by_action.setdefault(str(values.get("action")), {})
        if tag == "input" and values.get("type") == "hidden":
            self._fields[str(values["name"])] = values.get("value") or ""


class Reader:
    """A person with a browser that runs no scripts."""

    def __init__(self, service: Service, language: str = "en") -> None:
        headers = {"Accept": "text/html", "Accept-Language": language, "Sec-Fetch-Site": "same-origin"}
        self.http = httpx.Client(base_url=service.url, headers=headers, follow_redirects=True, timeout=30)
        self.email = f"reader-{uuid4().hex[:10]}@example.org"

    def post(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Open a page and send one of its forms."""
        hidden = Forms(self.http.get(page).text).by_action[action]
        return self.http.post(action, data=hidden | fields)

    def register(self, page: str = "/register") -> httpx.Response:
        """Open an account and agree to the terms."""
        self.post(page, "/register", email=self.email, password=PASSWORD).raise_for_status()
        return self.post("/terms", "/terms")

    def upload(self, name: str = "frame.jpg") -> dict[str, object]:
        token = re.search(r'name="csrf-token" content="(\w+)"', self.http.get("/about").text)
        assert token
        answer = self.http.post(
            "/api/v1/applications/polyp/predictions",
            files={"file": (name, jpeg())},
            headers={"X-CSRF-Token": token[1], "Prefer": "wait=30"},
        )
        assert answer.status_code == 200, answer.text
        said: dict[str, object] = answer.json()
        return said


@pytest.fixture
def readers(service: Service) -> Iterator[Callable[..., Reader]]:
    """Makes further people; each has cookies of their own."""
    with ExitStack() as stack:

        def make(language: str = "en") -> Reader:
            reader = Reader(service, language)
            stack.callback(reader.http.close)
            return reader

        yield make


@pytest.fixture
def reader(readers: Callable[..., Reader]) -> Reader:
    return readers()


@pytest.fixture
def member(reader: Reader) -> Reader:
    assert reader.register().status_code == 200
    return reader


def test_the_first_page_invites_and_the_signed_in_go_to_work(reader: Reader) -> None:
    assert "Create an account" in reader.http.get("/").text
    reader.register()
    assert reader.http.get("/").url.path == "/a/polyp"


def test_the_language_is_the_readers(readers: Callable[..., Reader]) -> None:
    spanish = readers("es-ES,es;q=0.9,en;q=0.5")
    page = spanish.http.get("/sign-in")
    assert '<html lang="es"' in page.text
    assert "Iniciar sesión" in page.text
    assert page.headers["content-language"] == "es"
    assert '<html lang="en"' in readers("fr").http.get("/sign-in").text


def test_the_language_can_be_switched_and_stays_with_the_account(
    readers: Callable[..., Reader], member: Reader
) -> None:
    assert '<html lang="es"' in member.post("/about", "/language", language="es").text
    member.post("/about", "/sign-out")
    again = readers("en")
    again.post("/sign-in", "/sign-in", email=member.email, password=PASSWORD)
    assert '<html lang="es"' in again.http.get("/images").text


def test_a_short_password_is_said_beside_its_field(reader: Reader) -> None:
    page = reader.post("/register", "/register", email=reader.email, password="short")
    assert page.status_code == 422
    field = next(a for tag, a in Forms(page.text).elements if tag == "input" and a.get("name") == "password")
    assert field["aria-invalid"] == "true"
    assert 'id="password-error"' in page.text
    assert "at least 10 characters" in page.text
    assert reader.email in page.text, "what was typed is kept"
    assert "short" not in re.findall(r'value="([^"]*)"', page.text), "a password is not sent back"


def test_wrong_credentials_are_one_sentence(member: Reader, readers: Callable[..., Reader]) -> None:
    for email in (member.email, "nobody@example.org"):
        stranger = readers()
        page = stranger.post("/sign-in", "/sign-in", email=email, password="not the password")
        assert page.status_code == 401
        assert "The address or the password is wrong." in page.text


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_nowhere_else(member: Reader, readers: Callable[..., Reader], target: str) -> None:
    visitor = readers()
    visitor.http.follow_redirects = False
    page = visitor.http.post(
        "/sign-in", data={"email": member.email, "password": PASSWORD, "next": target, "csrf_token": ""}
    )
    assert page.status_code == 303
    assert page.headers["location"] == "/"


def test_signing_in_leads_back_to_where_one_wanted_to_go(member: Reader, readers: Callable[..., Reader]) -> None:
    visitor = readers()
    asked = visitor.http.get("/images")
    assert asked.url.path == "/sign-in"
    page = visitor.http.post(
        "/sign-in", data=Forms(asked.text).by_action["/sign-in"] | {"email": member.email, "password": PASSWORD}
    )
    assert page.url.path == "/images"


def test_a_hostile_file_name_is_only_text(member: Reader) -> None:
    said = member.upload(HOSTILE)
    for page in ("/images", f"/a/polyp/{said['id']}"):
        html = member.http.get(page).text
        assert not [a for tag, a in Forms(html).elements if tag == "img" and "onerror" in a]
    assert "onerror=alert(1)&gt;" in member.http.get("/images").text


def test_deleting_works_without_scripts(member: Reader) -> None:
    image = member.upload()["image"]
    assert isinstance(image, dict)
    action = f"/images/{image['id']}/deletion"
    assert action in member.http.get("/images").text
    page = member.post(action, action)
    assert page.url.path == "/images"
    assert "No images yet" in page.text
    assert member.post("/about", "/sign-out").status_code == 200


def test_images_are_filtered_by_state(member: Reader) -> None:
    member.upload("seen.jpg")
    assert "seen.jpg" in member.http.get("/images?status=done").text
    failed = member.http.get("/images?status=failed").text
    assert "seen.jpg" not in failed
    assert "No image matches." in failed


def test_somebody_elses_image_is_not_found(member: Reader, readers: Callable[..., Reader]) -> None:
    said = member.upload()
    other = readers()
    other.register()
    page = other.http.get(f"/a/polyp/{said['id']}")
    assert page.status_code == 404
    assert "There is no such prediction" in page.text


def test_a_password_is_changed_and_other_sessions_end(member: Reader, readers: Callable[..., Reader]) -> None:
    other = readers()
    other.post("/sign-in", "/sign-in", email=member.email, password=PASSWORD)
    wrong = member.post("/account", "/account/password", current="nonsense", new="another good password")
    assert wrong.status_code == 422
    assert "The password is not right." in wrong.text
    done = member.post("/account", "/account/password", current=PASSWORD, new="another good password")
    assert "The password is changed." in done.text
    assert other.http.get("/account").url.path == "/sign-in"


def test_a_token_is_shown_once_and_can_be_withdrawn(member: Reader, service: Service) -> None:
    page = member.post("/account", "/account/tokens", name="<b>ward</b>", scopes="predict", days="30")
    token = re.search(r"atb_[\w-]{40,}", page.text)
    assert token
    assert "&lt;b&gt;ward&lt;/b&gt;" in page.text
    me = f"{service.url}/api/v1/predictions"
    assert httpx.get(me, headers={"Authorization": f"Bearer {token[0]}"}).status_code == 200
    account = member.http.get("/account").text
    assert token[0] not in account
    action = re.search(r"/account/tokens/[\w-]+/deletion", account)
    assert action
    assert "The token is withdrawn." in member.post("/account", action[0]).text
    assert httpx.get(me, headers={"Authorization": f"Bearer {token[0]}"}).status_code == 401


def test_users_are_for_administrators(member: Reader, service: Service, readers: Callable[..., Reader]) -> None:
    assert member.http.get("/manage/users").status_code == 403
    email, password = service.administrator
    administrator = readers()
    page = administrator.post("/sign-in", "/sign-in", email=email, password=password)
    assert page.status_code == 200
    assert member.email in administrator.http.get("/manage/users").text
    invited = administrator.post("/manage/users", "/manage/users/invitations", role="curator", email="")
    link = re.search(r"/register\?invitation=[\w-]+", invited.text)
    assert link
    newcomer = readers()
    newcomer.register(link[0])
    assert "Curator" in newcomer.http.get("/account").text


def test_the_card_states_figures_with_intervals(reader: Reader) -> None:
    html = reader.http.get("/a/polyp/card").text
    assert "Dice per image" in html
    assert re.search(r"0\.\d{3} to 0\.\d{3}, [\d,]+ images", html)
    assert "Limits" in html


def test_errors_are_pages_for_people_and_problems_for_programs(reader: Reader) -> None:
    page = reader.http.get("/nothing/here", headers={"Accept-Language": "es"})
    assert page.status_code == 404
    assert "No hay nada en esta dirección." in page.text
    problem = reader.http.get("/nothing/here", headers={"Accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"


def test_every_page_carries_the_notice_once(member: Reader) -> None:
    for page in ("/a/polyp", "/images", "/account", "/about", "/a/polyp/card", "/nothing"):
        assert member.http.get(page).text.count("Research and education only. Not a medical device.") == 1, page


def test_pages_hold_nothing_that_the_policy_forbids(member: Reader) -> None:
    for page in ("/a/polyp", "/images", "/account", "/about", "/a/polyp/card"):
        for tag, attributes in Forms(member.http.get(page).text).elements:
            assert "style" not in attributes, (page, tag)
            assert not [name for name in attributes if name.startswith("on")], (page, tag)
            if tag == "script":
                assert attributes.get("src") or attributes.get("type") == "application/json"


def test_files_of_the_pages_never_change_at_their_address(reader: Reader) -> None:
    address = re.search(r"/static/\w{12}/css/tokens\.css", reader.http.get("/").text)
    assert address
    answer = reader.http.get(address[0])
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]


def test_samples_are_served_by_their_declared_names_only(member: Reader) -> None:
    sample = re.search(r"/a/polyp/samples/[\w.-]+", member.http.get("/a/polyp").text)
    assert sample
    assert member.http.get(sample[0]).headers["content-type"] == "image/jpeg"
    assert member.http.get("/a/polyp/samples/..%2Fcard.json").status_code == 404
    assert member.http.get("/a/polyp/samples/card.json").status_code == 404
