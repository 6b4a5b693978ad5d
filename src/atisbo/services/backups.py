"""Backups: the database at one moment, every blob, the secrets; and an empty installation filled from them.

A backup folder holds many backups. Each has a folder named by its moment; blobs are shared, so that the next backup
copies only what is new.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from atisbo import __version__
from atisbo.config import Settings
from atisbo.errors import Misconfigured
from atisbo.services import lineage
from atisbo.services.work import Workplace
from atisbo.store import dump, schema
from atisbo.store.blobs import Blobs, Entry, digest, original
from atisbo.store.db import among
from atisbo.store.images import ImageRecord

DATABASE, SECRETS, MANIFEST, NAMES, BLOBS = "database.dump", "secrets.json", "manifest.json", "blobs.txt", "blobs"
Progress = Callable[[int], None]
"""Told how many blobs are done."""


@dataclass(frozen=True)
class Manifest:
    """What one backup holds. ``gone``: blobs that were deleted while they were being copied."""

    created_at: str
    atisbo: str
    database_sha256: str
    blobs: int
    blob_bytes: int
    copied: int
    gone: int


@dataclass(frozen=True)
class Restored:
    """``dropped``: images that were deleted while the backup ran; their rows go as well."""

    blobs: int
    dropped: int


def back_up(workplace: Workplace, folder: Path, progress: Progress = lambda _done: None) -> tuple[Path, Manifest]:
    """Copy everything into ``folder`` while the service goes on.

    The database comes first: whatever it names lies in the blobs already. A backup that is broken off leaves no
    manifest and is no backup.

    Raises:
        Misconfigured: the folder cannot be written, or PostgreSQL refuses.
    """
    began = datetime.now(UTC)
    target = folder / began.strftime("%Y-%m-%dT%H-%M-%S.%fZ")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.mkdir(mode=0o700)
        dump.dump(workplace.settings.database_url or "", target / DATABASE)
        _private_copy(workplace.settings.secrets_path, target / SECRETS)
        copies = Blobs.open(folder)
        names, size, copied, gone = _copy(workplace.blobs, copies, progress)
        (target / NAMES).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        manifest = Manifest(
            created_at=began.isoformat(),
            atisbo=__version__,
            database_sha256=_sha256(target / DATABASE),
            blobs=len(names),
            blob_bytes=size,
            copied=copied,
            gone=gone,
        )
        (target / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise Misconfigured("backup_unwritable", "{folder}: {reason}", folder=folder, reason=error.strerror) from error
    return target, manifest


def _copy(source: Blobs, target: Blobs, progress: Progress) -> tuple[list[str], int, int, int]:
    """Copy what is new; returns all names, their bytes, how many were copied and how many went meanwhile."""
    there = target.entries("")
    names, size, copied, gone = [], 0, 0, 0
    for name, entry in source.entries("").items():
        if not _same(entry, there.get(name)):
            data = source.get(name)
            if data is None:
                gone += 1
                continue
            target.put(name, data)
            copied += 1
        names.append(name)
        size += entry.size
        progress(len(names))
    return names, size, copied, gone


def _same(entry: Entry, copy: Entry | None) -> bool:
    return copy is not None and copy.size == entry.size and copy.written_at > entry.written_at


def prune(folder: Path, keep: int) -> int:
    """Remove all but the newest ``keep`` backups and the blobs that none of them names; returns how many blobs went.

    What was erased from the service leaves its backups this way. Those of another installation, which has other
    secrets than the newest, are not counted and stay.
    """
    complete = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
    own = [path for path in complete if _secret(path) == _secret(complete[-1])]
    for old in own[:-keep]:
        shutil.rmtree(old)
    named = {name for kept in complete if kept not in own[:-keep] for name in _names(kept)}
    copies = Blobs.open(folder)
    unnamed = [name for name in copies.entries("") if name not in named]
    copies.delete(*unnamed)
    return len(unnamed)


def _secret(backup: Path) -> bytes:
    return (backup / SECRETS).read_bytes()


def choose(folder: Path, name: str | None = None) -> Path:
    """The newest complete backup of a folder, or the one called ``name``.

    Raises:
        Misconfigured: there is none; the sentence says which there are.
    """
    complete = {path.parent.name: path.parent for path in sorted(folder.glob(f"*/{MANIFEST}"))}
    if not complete:
        raise Misconfigured("backup_missing", "There is no complete backup in {folder}.", folder=folder)
    chosen = max(complete) if name is None else name
    if chosen not in complete:
        raise Misconfigured(
            "backup_unknown",
            "There is no complete backup {name} in {folder}. Choose one of these: {names}.",
            name=name,
            folder=folder,
            names=", ".join(complete),
        )
    return complete[chosen]


def check(backup: Path) -> Manifest:
    """The manifest of a backup whose database file is whole.

    Raises:
        Misconfigured: it is damaged.
    """
    try:
        manifest = Manifest(**json.loads((backup / MANIFEST).read_text(encoding="utf-8")))
        whole = _sha256(backup / DATABASE) == manifest.database_sha256
    except (OSError, ValueError, TypeError) as error:
        raise Misconfigured(
            "backup_damaged", "{backup} cannot be read: {reason}", backup=backup, reason=error
        ) from error
    if not whole:
        raise Misconfigured("backup_damaged", "{backup} is damaged: its database has changed.", backup=backup)
    return manifest


def restore_secrets(settings: Settings, backup: Path) -> None:
    """Put the backup's secrets into a data folder that has none; sign-ins and tokens go on working.

    Raises:
        Misconfigured: the folder has other secrets, so it is an installation of its own.
    """
    here, there = settings.secrets_path, backup / SECRETS
    if here.exists() and here.read_bytes() != there.read_bytes():
        raise Misconfigured(
            "restore_other",
            "{folder} belongs to another installation. Restore into an empty folder.",
            folder=here.parent,
        )
    here.parent.mkdir(parents=True, exist_ok=True)
    _private_copy(there, here)


def restore(workplace: Workplace, backup: Path, progress: Progress = lambda _done: None) -> Restored:
    """Fill an empty installation and bring its schema up to date.

    Raises:
        Misconfigured: there is something in it already, or the backup is damaged.
    """
    check(backup)
    if not dump.is_empty(workplace.engine):
        raise Misconfigured("restore_full", "There are accounts in this database. Restore into an empty one.")
    dump.clear(workplace.engine)
    dump.load(workplace.settings.database_url or "", backup / DATABASE)
    schema.migrate(workplace.engine)
    done = 0
    for done, (name, data) in enumerate(_stored(backup), 1):
        workplace.blobs.put(name, data)
        progress(done)
    return Restored(done, workplace.within(lambda session: _drop_lost(session, workplace.blobs)))


def _stored(backup: Path) -> Iterator[tuple[str, bytes]]:
    copies = Blobs.open(backup.parent)
    for name in _names(backup):
        data = copies.get(name)
        if data is None or (name.startswith("originals/") and original(digest(data)) != name):
            raise Misconfigured("backup_damaged", "{backup} is damaged: {name}.", backup=backup, name=name)
        yield name, data


def _names(backup: Path) -> list[str]:
    return (backup / NAMES).read_text(encoding="utf-8").splitlines()


def _drop_lost(session: Session, blobs: Blobs) -> int:
    """Images that were deleted after the database was copied: their originals were gone before they could be."""
    rows = session.execute(select(ImageRecord.id, ImageRecord.sha256))
    lost = [identity for identity, name in rows if not blobs.has(original(name))]
    lineage.bury(session, lost, "erased")
    session.execute(delete(ImageRecord).where(among(ImageRecord.id, lost)))
    return len(lost)


def _private_copy(source: Path, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file, source.open("rb") as given:
        shutil.copyfileobj(given, file)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
