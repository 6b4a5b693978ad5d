from __future__ import annotations

import base64
import hmac
from hashlib import sha256

import pytest

from atisbo.domain.webhooks import PAUSES, forbidden, pause, secret, signature, target
from atisbo.errors import Invalid

HOSTS = ("hooks.example.org", "other.example.org:8443", "*.example.com", "127.0.0.1:9000")


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://hooks.example.org", "hooks.example.org", "/"),
        ("https://HOOKS.example.org:443/a/b?c=d", "hooks.example.org", "/a/b?c=d"),
        ("https://other.example.org:8443/x", "other.example.org:8443", "/x"),
        ("https://deep.down.example.com/x", "deep.down.example.com", "/x"),
    ],
)
def test_addresses_on_the_list_are_taken(url: str, authority: str, path: str) -> None:
    found = target(url, HOSTS)
    assert (found.scheme, found.authority, found.path) == ("https", authority, path)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example.org/", "webhook_insecure"),
        ("https://elsewhere.example.org/", "webhook_host"),
        ("https://hooks.example.org:8443/", "webhook_host"),
        ("https://other.example.org/", "webhook_host"),
        ("https://example.com/", "webhook_host"),
        ("https://evilexample.com/", "webhook_host"),
        ("https://hooks.example.org.evil.example/", "webhook_host"),
        ("https://hooks.example.org@evil.example/", "webhook_wrong"),
        ("https://user:word@hooks.example.org/", "webhook_wrong"),
        ("https://evil.example\\@hooks.example.org/", "webhook_wrong"),
        ("https://hooks.example.org/#part", "webhook_wrong"),
        ("https://[::1]/", "webhook_wrong"),
        ("https://hooks.example.org:99999/", "webhook_wrong"),
        ("https://hooks.exámple.org/", "webhook_wrong"),
        ("https://hooks.example.org/a b", "webhook_wrong"),
        ("https://hooks.example.org/\r\nHost: x", "webhook_wrong"),
        ("https:///x", "webhook_wrong"),
        ("ftp://hooks.example.org/", "webhook_wrong"),
        ("file:///etc/passwd", "webhook_wrong"),
        ("hooks.example.org", "webhook_wrong"),
        ("https://hooks.example.org/" + "x" * 2000, "webhook_wrong"),
    ],
)
def test_other_addresses_are_refused(url: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        target(url, HOSTS)
    assert refusal.value.code == code


def test_http_is_for_development() -> None:
    assert target("http://127.0.0.1:9000/x", HOSTS, insecure=True).scheme == "http"


def test_an_empty_list_means_off() -> None:
    with pytest.raises(Invalid) as refusal:
        target("https://hooks.example.org/", ())
    assert refusal.value.code == "webhooks_off"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"),
        *("2002:7f00:1::", "224.0.0.1", "ff02::1", "240.0.0.1", "255.255.255.255", "not an address", ""),
    ],
)
def test_nothing_is_sent_to_the_inside(address: str) -> None:
    assert forbidden(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_the_public_network_is_open(address: str) -> None:
    assert not forbidden(address)


def test_the_inside_can_be_allowed_and_what_is_nobody_cannot() -> None:
    assert not forbidden("127.0.0.1", private=True)
    assert not forbidden("10.0.0.1", private=True)
    assert forbidden("0.0.0.0", private=True)
    assert forbidden("224.0.0.1", private=True)
    assert forbidden("64:ff9b::7f00:1", private=True)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example that the specification's own libraries are tested with."""
    said = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_every_user_and_every_rotation_has_a_secret_of_its_own() -> None:
    made = {secret(key, user, turn) for key in (b"a" * 32, b"b" * 32) for user in ("x", "y") for turn in (1, 2)}
    assert len(made) == 8
    assert all(len(base64.b64decode(one.removeprefix("whsec_"))) == 32 for one in made)
    body = b"{}"
    one = secret(b"a" * 32, "x", 1)
    expected = hmac.new(base64.b64decode(one[6:]), b"id.1." + body, sha256).digest()
    assert signature(one, "id", 1, body) == "v1," + base64.b64encode(expected).decode()


def test_tries_end() -> None:
    assert [pause(n) for n in range(1, len(PAUSES) + 1)] == list(PAUSES)
    assert pause(len(PAUSES) + 1) is None
