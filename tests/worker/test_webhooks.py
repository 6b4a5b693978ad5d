"""Deliveries to a real server on this machine, honest and hostile."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from sqlalchemy import text

from atisbo.domain.access import Actor
from atisbo.domain.webhooks import PAUSES, State, signature
from atisbo.errors import Conflict, Invalid, NotFound
from atisbo.services import deletions, erasure, images, predictions, webhooks
from atisbo.services.predictions import PredictionView
from atisbo.services.work import Workplace
from atisbo.worker.webhooks import Delivering
from tests.conftest import PASSWORD
from tests.services.asked import FINDINGS, answered, ask

Make = Callable[..., Actor]


@dataclass
class Receiver:
    """A server that keeps what it is sent and answers as it is told."""

    port: int
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    drip: bool = False
    """Sends a header every now and then and never ends."""
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://hooks.test:{self.port}/told?by=atisbo"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            if made.drip:
                self._drip()
                return
            self.end_headers()

        def _drip(self) -> None:
            self.flush_headers()
            while not ended.wait(0.05):
                try:
                    self.wfile.write(b"X-More: x\r\n")
                except OSError:
                    return

        def do_GET(self) -> None:
            made.got.append((self.path, {}, b"followed"))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made, ended = Receiver(server.server_port), threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    ended.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def office(workplace: Workplace, receiver: Receiver) -> Workplace:
    """An installation that may send to the receiver."""
    allowed = {"webhook_hosts": (f"hooks.test:{receiver.port}",), "webhook_http": True, "webhook_private": True}
    return replace(workplace, settings=workplace.settings.model_copy(update=allowed))


async def here(host: str, port: int) -> list[str]:
    assert host == "hooks.test"
    return ["127.0.0.1"]


def make_secret(office: Workplace, actor: Actor) -> str:
    return office.within(lambda s: webhooks.make_secret(s, actor, office.secrets))


def arm(office: Workplace, actor: Actor, view: PredictionView, url: str) -> None:
    office.within(lambda s: webhooks.arm(s, actor, office.settings, prediction_id=view.id, url=url))


def finish(office: Workplace, view: PredictionView) -> None:
    attempt = office.within(lambda s: predictions.claim(s, [view.id]))[view.id]
    outcome = predictions.Outcome(view.id, attempt, "done", version="v", findings=FINDINGS, size=(2, 2))
    assert office.within(lambda s: predictions.record(s, [outcome])) == {view.id}


def jobs(office: Workplace) -> list[dict[str, str]]:
    """Payloads of the deliveries that wait."""
    query = text("SELECT payload FROM pgqueuer WHERE entrypoint = 'deliver' ORDER BY id")
    return [json.loads(row.payload) for row in office.within(lambda s: s.execute(query).all())]


def deliver(office: Workplace, payload: dict[str, str], **how: object) -> timedelta | None:
    """Run one try as a worker would; returns the pause after which another one is asked for."""
    said: dict[str, object] = {"resolve": here} | how
    job = Job.model_construct(payload=json.dumps(payload).encode())
    try:
        asyncio.run(Delivering(office, **said).run(job))  # type: ignore[arg-type]
    except RetryRequested as retry:
        return retry.delay
    return None


def only(office: Workplace, actor: Actor) -> webhooks.WebhookView:
    (view,) = office.within(lambda s: webhooks.mine(s, actor))
    return view


@pytest.fixture
def told(office: Workplace, make_actor: Make, receiver: Receiver) -> tuple[Actor, dict[str, str]]:
    """Somebody whose prediction is finished and has to be told of."""
    ana = make_actor()
    make_secret(office, ana)
    view = ask(office, ana)
    arm(office, ana, view, receiver.url)
    finish(office, view)
    (payload,) = jobs(office)
    return ana, payload


def test_an_answer_is_delivered_signed_and_once(office: Workplace, make_actor: Make, receiver: Receiver) -> None:
    ana = make_actor()
    secret = make_secret(office, ana)
    view = ask(office, ana)
    arm(office, ana, view, receiver.url)
    assert jobs(office) == []
    finish(office, view)
    (payload,) = jobs(office)
    assert deliver(office, payload) is None
    ((path, headers, body),) = receiver.got
    assert path == "/told?by=atisbo"
    assert headers["host"] == f"hooks.test:{receiver.port}"
    said = json.loads(body)
    assert (said["id"], said["status"], said["findings"]["label"]) == (str(view.id), "done", "glaucoma")
    identity, sent_at = headers["webhook-id"], int(headers["webhook-timestamp"])
    assert abs(sent_at - time.time()) < 60
    assert headers["webhook-signature"] == signature(secret, identity, sent_at, body)
    record = only(office, ana)
    assert (record.state, [one.status for one in record.tries]) == (State.DELIVERED, [204])
    assert deliver(office, payload) is None
    assert len(receiver.got) == 1, "a job that runs twice delivers once"


def test_a_prediction_that_failed_is_told_of_as_well(office: Workplace, make_actor: Make, receiver: Receiver) -> None:
    ana = make_actor()
    make_secret(office, ana)
    view = ask(office, ana)
    arm(office, ana, view, receiver.url)
    attempt = office.within(lambda s: predictions.claim(s, [view.id]))[view.id]
    failure = {"code": "gave_up", "message": "The analysis failed {count} times", "values": {"count": 3}}
    outcome = predictions.Outcome(view.id, attempt, "failed", failure=failure)
    office.within(lambda s: predictions.record(s, [outcome]))
    deliver(office, jobs(office)[0])
    assert json.loads(receiver.got[0][2])["failure"]["detail"] == "The analysis failed 3 times"


def test_an_answer_that_is_there_already_is_told_of_at_once(
    office: Workplace, make_actor: Make, receiver: Receiver
) -> None:
    ana = make_actor()
    make_secret(office, ana)
    view = answered(office, ana)
    arm(office, ana, view, receiver.url)
    assert len(jobs(office)) == 1


def test_a_receiver_that_fails_is_tried_again_and_given_up_in_the_end(
    office: Workplace, told: tuple[Actor, dict[str, str]], receiver: Receiver
) -> None:
    ana, payload = told
    receiver.status = 500
    assert [deliver(office, payload) for _ in range(len(PAUSES) + 1)] == [*PAUSES, None]
    record = only(office, ana)
    assert record.state is State.GIVEN_UP
    assert [one.status for one in record.tries] == [500] * (len(PAUSES) + 1)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    deliver(office, payload)
    assert len(receiver.got) == len(PAUSES) + 1


def test_a_receiver_that_is_gone_is_left_alone(
    office: Workplace, told: tuple[Actor, dict[str, str]], receiver: Receiver
) -> None:
    ana, payload = told
    receiver.status = 410
    assert deliver(office, payload) is None
    assert only(office, ana).state is State.GIVEN_UP


def test_a_redirect_is_not_followed(office: Workplace, told: tuple[Actor, dict[str, str]], receiver: Receiver) -> None:
    ana, payload = told
    receiver.status, receiver.headers = 302, {"Location": f"http://127.0.0.1:{receiver.port}/inside"}
    assert deliver(office, payload) == PAUSES[0]
    assert [path for path, _, _ in receiver.got] == ["/told?by=atisbo"]
    assert [one.status for one in only(office, ana).tries] == [302]


def test_a_name_that_leads_inside_is_not_connected_to(
    office: Workplace, told: tuple[Actor, dict[str, str]], receiver: Receiver
) -> None:
    ana, payload = told
    public = replace(office, settings=office.settings.model_copy(update={"webhook_private": False}))

    async def mixed(_host: str, _port: int) -> list[str]:
        return ["93.184.215.14", "127.0.0.1"]

    assert deliver(public, payload) == PAUSES[0]
    assert deliver(public, payload, resolve=mixed) == PAUSES[1]
    assert receiver.got == []
    assert [one.problem for one in only(office, ana).tries] == ["forbidden_address"] * 2


def test_a_name_that_changes_between_look_and_connection_changes_nothing(
    office: Workplace, told: tuple[Actor, dict[str, str]], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the name is looked up once, and the connection goes to the address that was judged."""
    _, payload = told
    looks: list[str] = []

    async def rebinding(host: str, _port: int) -> list[str]:
        looks.append(host)
        return ["127.0.0.1"] if len(looks) == 1 else ["169.254.169.254"]

    real = socket.getaddrinfo

    def no_names(host: str | bytes | None, *more: object, **named: object) -> object:
        assert host in ("127.0.0.1", b"127.0.0.1", None), f"{host!r} was looked up behind the judge's back"
        return real(host, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", no_names)
    assert deliver(office, payload, resolve=rebinding) is None
    assert looks == ["hooks.test"]
    assert len(receiver.got) == 1


def test_a_receiver_that_never_ends_is_cut_off(
    office: Workplace, told: tuple[Actor, dict[str, str]], receiver: Receiver
) -> None:
    ana, payload = told
    receiver.drip = True
    began = time.monotonic()
    assert deliver(office, payload, patience_s=0.5) == PAUSES[0]
    assert time.monotonic() - began < 5
    assert [one.problem for one in only(office, ana).tries] == ["too_slow"]


@pytest.mark.parametrize(
    ("greeting", "problem"), [(b"", "no_http"), (b"SSH-2.0-OpenSSH_9.6\r\n", "no_http"), (None, "no_connection")]
)
def test_what_is_no_web_server_is_said_to_be_none(
    office: Workplace, make_actor: Make, greeting: bytes | None, problem: str
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        if greeting is not None:
            other.listen()
            threading.Thread(target=greet, args=(other, greeting), daemon=True).start()
        hosts = office.settings.model_copy(update={"webhook_hosts": (f"hooks.test:{port}",)})
        there = replace(office, settings=hosts)
        ana = make_actor()
        make_secret(there, ana)
        arm(there, ana, answered(there, ana), f"http://hooks.test:{port}/")
        assert deliver(there, jobs(there)[0]) == PAUSES[0]
        assert [one.problem for one in only(there, ana).tries] == [problem]


def greet(listener: socket.socket, words: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(words)
        connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while connection.recv(65536):  # closing over unread bytes would reset the connection
                pass


def test_a_host_that_the_operator_took_off_the_list_gets_nothing(
    office: Workplace, told: tuple[Actor, dict[str, str]], receiver: Receiver
) -> None:
    ana, payload = told
    off = replace(office, settings=office.settings.model_copy(update={"webhook_hosts": ()}))
    assert deliver(off, payload) == PAUSES[0]
    assert receiver.got == []
    assert [one.problem for one in only(office, ana).tries] == ["not_allowed"]


def test_deleting_the_image_cancels_the_delivery(
    office: Workplace, told: tuple[Actor, dict[str, str]], receiver: Receiver
) -> None:
    ana, payload = told
    image = office.within(lambda s: predictions.list_(s, ana)).items[0].image
    office.within(lambda s: images.delete(s, ana, image_id=image.id))
    assert deliver(office, payload) is None
    assert receiver.got == []
    assert office.within(lambda s: webhooks.mine(s, ana)) == []


def test_bringing_the_image_back_takes_the_delivery_up_again(
    office: Workplace, told: tuple[Actor, dict[str, str]], receiver: Receiver
) -> None:
    ana, payload = told
    image = office.within(lambda s: predictions.list_(s, ana)).items[0].image
    for job_is_over in (True, False):
        deed = office.within(lambda s: images.delete(s, ana, image_id=image.id))
        if job_is_over:
            assert deliver(office, payload) is None
            office.within(lambda s: s.execute(text("DELETE FROM pgqueuer WHERE entrypoint = 'deliver'")))
        office.within(lambda s, deed=deed: deletions.undo(s, ana, deed=deed))  # type: ignore[misc]
        assert jobs(office) == [payload]
    assert deliver(office, payload) is None
    assert len(receiver.got) == 1
    assert only(office, ana).state is State.DELIVERED


def test_leaving_takes_webhooks_and_secret_along(office: Workplace, told: tuple[Actor, dict[str, str]]) -> None:
    ana, payload = told
    office.within(lambda s: erasure.erase(s, ana, password=PASSWORD))
    for table in ("webhooks", "webhook_deliveries", "webhook_keys"):
        assert office.within(lambda s, t=table: s.scalar(text(f"SELECT count(*) FROM {t}"))) == 0
    assert deliver(office, payload) is None


def test_what_cannot_be_armed(office: Workplace, make_actor: Make, receiver: Receiver) -> None:
    ana, ben = make_actor("ana"), make_actor("ben")
    view = ask(office, ana)
    with pytest.raises(Conflict, match="signing secret"):
        arm(office, ana, view, receiver.url)
    make_secret(office, ana)
    with pytest.raises(Invalid, match="not among the hosts"):
        arm(office, ana, view, "http://elsewhere.test/")
    arm(office, ana, view, receiver.url)
    arm(office, ana, view, receiver.url)
    with pytest.raises(Conflict, match="another webhook"):
        arm(office, ana, view, receiver.url + "&more=1")
    make_secret(office, ben)
    with pytest.raises(NotFound):
        arm(office, ben, view, receiver.url)
    assert office.within(lambda s: webhooks.mine(s, ben)) == []


def test_a_new_secret_takes_the_place_of_the_old_one(
    office: Workplace, told: tuple[Actor, dict[str, str]], receiver: Receiver
) -> None:
    ana, payload = told
    first, latest = make_secret(office, ana), make_secret(office, ana)
    assert first != latest
    deliver(office, payload)
    _, headers, body = receiver.got[0]
    signed = headers["webhook-signature"]
    assert signed == signature(latest, headers["webhook-id"], int(headers["webhook-timestamp"]), body)


def test_a_result_that_comes_too_late_fires_nothing(office: Workplace, make_actor: Make, receiver: Receiver) -> None:
    ana = make_actor()
    make_secret(office, ana)
    view = ask(office, ana)
    arm(office, ana, view, receiver.url)
    late = office.within(lambda s: predictions.claim(s, [view.id]))[view.id]
    office.within(lambda s: predictions.claim(s, [view.id]))
    outcome = predictions.Outcome(view.id, late, "done", version="v", findings=FINDINGS)
    assert office.within(lambda s: predictions.record(s, [outcome])) == set()
    assert jobs(office) == []
    assert isinstance(only(office, ana).id, UUID)
    assert only(office, ana).state is State.ARMED
