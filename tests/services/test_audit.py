"""The log is only ever added to, and whatever a superuser does to it behind the service's back is named."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.exc import DBAPIError

from atisbo.domain.access import Actor, Role
from atisbo.errors import NotAllowed
from atisbo.services import audit, chain
from atisbo.services.chain import Fault
from atisbo.services.work import Workplace
from atisbo.store.accounts import UserRecord
from atisbo.store.audit import AuditAddressRecord, AuditRecord, hash_of

Make = Callable[..., Actor]


@pytest.fixture
def written(workplace: Workplace, make_actor: Make) -> Workplace:
    """Six rows of ana's, numbered from one."""
    ana = replace(make_actor("ana", agrees=False), address="192.0.2.7")
    for number in range(1, 7):
        with workplace.transaction() as session:
            audit.note(session, ana, "image.deleted", f"image:{number}", share=0.1 * number, names=["a", 1e-9, 3.0])
    assert workplace.within(chain.verify) == 6
    return workplace


def tamper(workplace: Workplace, *statements: str) -> Fault | int:
    """As a superuser who switches the triggers off."""
    with workplace.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            connection.execute(text(statement))
    return workplace.within(chain.verify)


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["UPDATE audit SET subject = 'image:9' WHERE number = 3"], Fault(3, "was changed")),
        (["UPDATE audit SET facts = '{}' WHERE number = 1"], Fault(1, "was changed")),
        (["UPDATE audit SET actor_id = NULL WHERE number = 6"], Fault(6, "was changed")),
        (["UPDATE audit SET at = at + interval '1 us' WHERE number = 2"], Fault(2, "was changed")),
        (["UPDATE audit SET hash = sha256('x'), subject = 'y' WHERE number = 4"], Fault(4, "was changed")),
        (["DELETE FROM audit WHERE number = 3"], Fault(3, "was dropped")),
        (["DELETE FROM audit WHERE number = 1"], Fault(1, "was dropped")),
        (["DELETE FROM audit WHERE number >= 5"], Fault(5, "was dropped, with all after it")),
        (["DELETE FROM audit"], Fault(1, "was dropped, with all after it")),
        (
            ["DELETE FROM audit WHERE number = 3", "UPDATE audit SET number = number - 1 WHERE number > 3"],
            Fault(3, "is not in its place: it was written as row 4"),
        ),
        (
            [
                "UPDATE audit SET number = 99 WHERE number = 2",
                "UPDATE audit SET number = 2 WHERE number = 5",
                "UPDATE audit SET number = 5 WHERE number = 99",
            ],
            Fault(2, "is not in its place: it was written as row 5"),
        ),
        (["DELETE FROM audit_head"], Fault(7, "may be missing: the end of the log is gone")),
        (
            [
                "DELETE FROM audit WHERE number > 4",
                "UPDATE audit_head h SET number = 4, hash = a.hash FROM audit a WHERE a.number = 4",
            ],
            Fault(5, "may be missing: the end of the log was written by somebody else"),
        ),
        (["UPDATE audit_addresses SET address = '198.51.100.1' WHERE number = 2"], Fault(2, "had its address changed")),
        (["DELETE FROM audit_addresses WHERE number = 4"], Fault(4, "lost the address that it came from")),
    ],
)
def test_what_was_done_to_the_log_is_named(written: Workplace, statements: list[str], fault: Fault) -> None:
    assert tamper(written, *statements) == fault


def test_a_chain_written_anew_with_right_hashes_lacks_the_seal(written: Workplace) -> None:
    """Whoever rules the database knows how hashes are made, but not the service's key."""
    with written.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        with written.sessions(bind=connection) as session:
            rows = list(session.scalars(select(AuditRecord).order_by(AuditRecord.number)))
            rows[2].subject = "image:9"
            for before, row in pairwise(rows[1:]):
                row.previous, row.hash = before.hash, b""
                row.hash = hash_of(row)
            session.flush()
    assert written.within(chain.verify) == Fault(3, "was changed")


def test_an_end_cut_off_together_with_an_older_head_shows_by_an_anchor(written: Workplace, make_actor: Make) -> None:
    with written.engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept AS SELECT * FROM audit_head"))
    try:
        with written.transaction() as session:
            audit.note(session, make_actor("eva", agrees=False), "user.role_changed", "user:1")
        anchor = written.within(chain.head)
        assert anchor is not None
        restored = ["DELETE FROM audit WHERE number = 7", "DELETE FROM audit_head"]
        cut = tamper(written, *restored, "INSERT INTO audit_head SELECT * FROM kept")
    finally:
        with written.engine.begin() as connection:
            connection.execute(text("DROP TABLE kept"))
    assert cut == 6, "the database alone cannot know"
    assert chain.Anchor.read(str(anchor)) == anchor
    assert written.within(lambda s: chain.verify(s, anchor=anchor)) == Fault(7, "was dropped, with all after it")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET subject = 'x' WHERE number = 1",
        "DELETE FROM audit WHERE number = 6",
        "TRUNCATE audit",
        "UPDATE audit_addresses SET address = 'x'",
        "DELETE FROM audit_addresses",
    ],
)
def test_the_database_refuses_to_change_it(written: Workplace, statement: str) -> None:
    with pytest.raises(DBAPIError, match="only ever added to"), written.engine.begin() as connection:
        connection.execute(text(statement))


def test_what_goes_back_is_not_noted(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor("ana", agrees=False)

    def fail(outer: bool) -> None:
        with workplace.transaction() as session:
            audit.note(session, ana, "a.kept", "x:1")
            try:
                with session.begin_nested():
                    audit.note(session, ana, "a.undone", "x:2")
                    with session.begin_nested():
                        audit.note(session, ana, "a.undone", "x:3")
                    raise LookupError
            except LookupError:
                audit.note(session, ana, "a.kept", "x:4")
            with session.begin_nested():
                audit.note(session, ana, "a.kept", "x:5")
            if outer:
                raise LookupError

    with pytest.raises(LookupError):
        fail(outer=True)
    fail(outer=False)
    subjects = workplace.within(lambda s: list(s.scalars(select(AuditRecord.subject).order_by(AuditRecord.number))))
    assert subjects == ["x:1", "x:4", "x:5"]


def test_many_at_once_make_one_chain(workplace: Workplace, make_actor: Make) -> None:
    ana = make_actor("ana", agrees=False)

    def one(number: int) -> None:
        with workplace.transaction() as session:
            audit.note(session, ana, "a.b", f"x:{number}")
            audit.note(session, ana, "a.b", f"y:{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(40)))
    assert workplace.within(chain.verify) == 80


def test_an_erased_person_stays_as_a_number_and_the_chain_stays_whole(written: Workplace, make_actor: Make) -> None:
    root = make_actor("root", Role.ADMINISTRATOR, agrees=False)
    before = written.within(lambda s: audit.list_(s, root)).items[0]
    assert (before.email, before.address) == ("ana@example.org", "192.0.2.7")
    with written.transaction() as session:
        session.execute(delete(UserRecord).where(UserRecord.email == "ana@example.org"))
    after = written.within(lambda s: audit.list_(s, root)).items[0]
    assert (after.actor_id, after.email, after.address) == (before.actor_id, None, None)
    assert written.within(lambda s: s.scalar(select(AuditAddressRecord.number))) is None
    assert written.within(chain.verify) == 6


def test_only_administrators_read_it_page_by_page(written: Workplace, make_actor: Make) -> None:
    root = make_actor("root", Role.ADMINISTRATOR, agrees=False)
    for role in (Role.USER, Role.CURATOR):
        other = make_actor(role.value, role, agrees=False)
        with pytest.raises(NotAllowed), written.transaction() as session:
            audit.list_(session, other)
    first = written.within(lambda s: audit.list_(s, root, limit=4))
    second = written.within(lambda s: audit.list_(s, root, limit=4, before=first.next))
    assert [view.number for view in first.items + second.items] == [6, 5, 4, 3, 2, 1]
    assert second.next is None
    found = written.within(lambda s: audit.list_(s, root, subject="image:3", action="image.deleted"))
    assert [view.number for view in found.items] == [3]
