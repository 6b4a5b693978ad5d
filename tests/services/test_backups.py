"""What is backed up comes back on an empty machine, and nothing else is touched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from atisbo.config import Settings
from atisbo.domain.access import Actor
from atisbo.errors import Misconfigured
from atisbo.services import accounts, backups, images, predictions
from atisbo.services.work import Workplace
from atisbo.store.blobs import derived, digest, original
from atisbo.store.postgres import EmbeddedPostgres
from tests.conftest import PASSWORD
from tests.services.asked import answered, ask

MASK = b"mask"


@pytest.fixture(scope="module")
def other_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("other"))
    yield server.start()
    server.stop()


@pytest.fixture
def empty(other_server: str, tmp_path: Path) -> Iterator[Workplace]:
    """Another machine: no tables, no blobs, no secrets."""
    settings = Settings(data_dir=tmp_path / "empty", database_url=other_server)
    with closing(Workplace.open(settings)) as workplace:
        (settings.data_dir / backups.SECRETS).unlink()
        yield workplace
        with workplace.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))


def two_images(workplace: Workplace, ana: Actor) -> tuple[predictions.PredictionView, predictions.PredictionView]:
    done, waiting = answered(workplace, ana, b"one"), ask(workplace, ana, b"two")
    workplace.blobs.put(derived(done.id, "mask.png"), MASK)
    return done, waiting


def test_everything_comes_back(
    workplace: Workplace, empty: Workplace, make_actor: Callable[..., Actor], tmp_path: Path
) -> None:
    ana = make_actor("ana")
    done, waiting = two_images(workplace, ana)
    before = workplace.within(lambda s: predictions.get(s, ana, prediction_id=done.id))
    source, _ = backups.back_up(workplace, tmp_path / "backups")
    backups.restore_secrets(empty.settings, source)
    counted: list[int] = []
    assert backups.restore(empty, source, counted.append).dropped == 0

    assert empty.blobs.get(original(digest(b"one"))) == b"one"
    assert empty.blobs.get(derived(done.id, "mask.png")) == MASK
    assert counted == list(range(1, len(counted) + 1))
    with empty.transaction() as session:
        again = accounts.verify(session, email="ana@example.org", password=PASSWORD)
        assert again.id == ana.user_id
        assert predictions.get(session, ana, prediction_id=done.id) == before
        assert predictions.claim(session, [waiting.id]) == {waiting.id: 1}
        jobs = session.scalar(text("SELECT count(*) FROM pgqueuer WHERE status = 'queued'"))
    assert jobs == 2, "what was waiting still has its job"
    secrets = [(place.settings.data_dir / "secrets.json").read_bytes() for place in (workplace, empty)]
    assert secrets[0] == secrets[1]
    assert (empty.settings.data_dir / "secrets.json").stat().st_mode & 0o077 == 0


def test_an_image_erased_meanwhile_stays_erased(
    workplace: Workplace, empty: Workplace, make_actor: Callable[..., Actor], tmp_path: Path
) -> None:
    ana = make_actor("ana")
    done, waiting = two_images(workplace, ana)
    workplace.blobs.delete(original(digest(b"one")))  # as the erase job does after the database was copied
    source, _ = backups.back_up(workplace, tmp_path / "backups")
    assert backups.restore(empty, source).dropped == 1
    with empty.transaction() as session:
        assert [view.id for view in predictions.list_(session, ana).items] == [waiting.id]
    assert done.id != waiting.id


def test_the_next_backup_copies_only_what_is_new_and_old_ones_go(
    workplace: Workplace, make_actor: Callable[..., Actor], tmp_path: Path
) -> None:
    folder, ana = tmp_path / "backups", make_actor("ana")
    first = ask(workplace, ana, b"one")
    _, before = backups.back_up(workplace, folder)
    ask(workplace, ana, b"three")
    workplace.within(lambda s: images.delete(s, ana, image_id=first.image.id))
    workplace.blobs.delete(original(digest(b"one")))
    newest, after = backups.back_up(workplace, folder)
    assert (before.copied, after.copied, after.blobs) == (before.blobs, 1, before.blobs)
    assert backups.choose(folder) == newest
    copies = backups.Blobs.open(folder)
    assert copies.has(original(digest(b"one"))), "the first backup still needs it"
    assert backups.prune(folder, keep=1) == 1
    assert not copies.has(original(digest(b"one")))
    assert copies.has(original(digest(b"three")))
    assert [path.parent for path in folder.glob("*/manifest.json")] == [newest]


def test_backups_of_another_installation_are_not_removed_for_ours(workplace: Workplace, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    theirs, _ = backups.back_up(workplace, folder)
    (theirs / backups.SECRETS).write_text('{"root": "%s"}' % ("ab" * 32))
    older, _ = backups.back_up(workplace, folder)
    newest, _ = backups.back_up(workplace, folder)
    backups.prune(folder, keep=1)
    assert sorted(path.parent for path in folder.glob("*/manifest.json")) == [theirs, newest]
    assert not older.exists()


@pytest.mark.parametrize("what", ["database", "original", "manifest"])
def test_a_damaged_backup_is_refused_before_it_is_used(
    what: str, workplace: Workplace, empty: Workplace, make_actor: Callable[..., Actor], tmp_path: Path
) -> None:
    ask(workplace, make_actor("ana"), b"one")
    source, _ = backups.back_up(workplace, tmp_path / "backups")
    file = {
        "database": source / "database.dump",
        "original": tmp_path / "backups/blobs" / original(digest(b"one")),
        "manifest": source / "manifest.json",
    }[what]
    file.write_bytes(b"x" * file.stat().st_size)
    with pytest.raises(Misconfigured, match=r"damaged|cannot be read"):
        backups.restore(empty, source)


def test_an_installation_with_accounts_is_left_alone(
    workplace: Workplace, make_actor: Callable[..., Actor], tmp_path: Path
) -> None:
    make_actor("ana")
    source, _ = backups.back_up(workplace, tmp_path / "backups")
    make_actor("ben")
    with pytest.raises(Misconfigured, match="There are accounts in this database"):
        backups.restore(workplace, source)
    with workplace.transaction() as session:
        assert accounts.verify(session, email="ben@example.org", password=PASSWORD)


def test_another_installations_secrets_are_not_overwritten(
    workplace: Workplace, make_actor: Callable[..., Actor], tmp_path: Path
) -> None:
    source, _ = backups.back_up(workplace, tmp_path / "backups")
    settings = workplace.settings.model_copy(update={"data_dir": tmp_path / "mine"})
    settings.data_dir.mkdir()
    (settings.data_dir / "secrets.json").write_text(json.dumps({"root": "ab" * 32}))
    with pytest.raises(Misconfigured, match="another installation"):
        backups.restore_secrets(settings, source)


def test_a_backup_that_is_asked_for_by_name(workplace: Workplace, tmp_path: Path) -> None:
    first, second = (backups.back_up(workplace, tmp_path / "backups")[0] for _ in range(2))
    assert backups.choose(tmp_path / "backups", first.name) == first
    assert backups.choose(tmp_path / "backups") == second
    with pytest.raises(Misconfigured, match=rf"backup nope in .* one of these: {first.name}, {second.name}\."):
        backups.choose(tmp_path / "backups", "nope")


def test_a_backup_that_was_broken_off_is_none(workplace: Workplace, tmp_path: Path) -> None:
    source, _ = backups.back_up(workplace, tmp_path / "backups")
    (source / "manifest.json").unlink()
    with pytest.raises(Misconfigured, match="no complete backup"):
        backups.choose(tmp_path / "backups")
    shutil.rmtree(source)
