"""Settings: one frozen value, read once at a door from ``ATISBO_…`` variables and handed down."""

from __future__ import annotations

import json
import os
import secrets
from hashlib import sha256
from hmac import digest
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from atisbo.errors import Misconfigured

SHORTEST_TOKEN: Final = 20


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="ATISBO_", frozen=True, extra="forbid")

    data_dir: Path = Path("atisbo-data")
    """Folder of everything that is kept: the embedded database, blobs, secrets."""
    database_url: str | None = Field(default=None, repr=False)
    """``postgresql://…`` of a server to use; without it an embedded PostgreSQL runs in ``data_dir``."""
    blob_url: str | None = None
    """``s3://…``, ``gs://…``, ``az://…`` or ``file://…``; without it a folder in ``data_dir``."""
    secrets_file: Path | None = None
    """Of the generated secret, which all hosts of one service have to share; ``secrets.json`` in ``data_dir`` if unset.
    """
    applications_dir: Path | None = None
    """Folder whose sub-folders are further applications."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: str | None = None
    """Address users see, for example ``https://atisbo.example.org``; https makes cookies ``Secure``."""

    registration: Literal["open", "invitation", "closed"] = "open"
    session_days: int = Field(default=14, ge=1)
    access_token_minutes: int = Field(default=15, ge=1, le=60)
    refresh_token_days: int = Field(default=30, ge=1)
    sign_in_attempts_per_minute: int = Field(default=10, ge=1)
    """Failed attempts allowed per account and address before a pause."""

    tensor_requests_at_once: int = Field(default=8, ge=1)
    """Of one user at ``/v2``, in each web process; more get 429."""
    max_waiting: int = Field(default=400, ge=1)
    """Questions of everybody that may wait for an answer; more get 503, nothing of them is stored."""
    trials_per_minute: int = Field(default=6, ge=0)
    """Samples that a visitor without an account may try from one address; 0: none."""

    max_upload_bytes: int = Field(default=32 * 1024**2, ge=1024)
    user_images: int = Field(default=20_000, ge=0)
    """Images that a user may keep here, unless an administrator allows them another number."""
    user_bytes: int = Field(default=50 * 1024**3, ge=0)
    """Of a user's images together, unless an administrator allows them more or less."""
    undo_s: float = Field(default=300, gt=0)
    """Seconds in which a deletion can be taken back; then it is erased for good."""
    reserve_bytes: int = Field(default=512 * 1024**2, ge=0)
    """Of the disk that blobs lie on, left for results and the database: uploads are refused before (507)."""
    max_batch_files: int = Field(default=200, ge=1, le=900)
    """Pictures of one batch, those in ZIP files included."""
    max_batch_bytes: int = Field(default=512 * 1024**2, ge=1024)
    """Of one batch: as it is sent, and unpacked."""
    max_model_bytes: int = Field(default=512 * 1024**2, ge=1024)
    """Of a network that is brought, with its card."""
    max_image_pixels: int = Field(default=50_000_000, ge=256)
    """Width × height; checked in the header, before pixels are unpacked."""
    max_image_side: int = Field(default=20_000, ge=16)

    decoder_processes: int = Field(default=2, ge=1)
    decode_timeout_s: float = Field(default=10.0, gt=0)
    decoder_memory_bytes: int = Field(default=2 * 1024**3, ge=256 * 1024**2)
    engine_precision: Literal["auto", "bf16", "f32"] = "auto"
    """``auto`` computes in bf16 where the CPU has it."""
    engine_url: str | None = None
    """``http(s)://host:port`` of a server that speaks the Open Inference Protocol v2 and has every network under its
    version's name; workers compute themselves if unset."""
    engine_token: str | None = None
    """Bearer token for that server."""
    engine_timeout_s: float = Field(default=10.0, gt=0)
    """For one request to that server."""
    engine_requests: int = Field(default=4, ge=1, le=64)
    """Sent to that server at once by each worker."""
    hang_s: float = Field(default=30.0, gt=1)
    """A network that has not answered by then hangs: its worker ends, and another tries each picture apart."""
    claim_size: int = Field(default=8, ge=1)
    """Jobs a worker claims at a time."""
    lease_s: float = Field(default=10.0, gt=1)
    """A worker silent for longer loses its jobs to another one."""
    max_attempts: int = Field(default=3, ge=1)
    """Tries of one prediction before it is given up with a reason; what fails while a part is away does not count."""
    workers: int = Field(default=1, ge=0)
    """Worker processes that ``atisbo serve`` keeps alive."""

    webhook_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Hosts that answers may be sent to, with commas between: ``hooks.example.org,*.example.com:8443``; none: off."""
    webhook_private: bool = False
    """Also where a host's address is loopback, private or link-local."""
    webhook_http: bool = False
    """Also to http addresses; for development."""
    worker_queues: str = "answers,learn"
    """What a worker takes, by comma: ``answers`` (predictions, pictures, datasets) and ``learn`` (training runs and the
    judging of versions). A machine with a GPU takes ``learn`` alone; only there training gives way to nothing else."""

    retention_days: Annotated[dict[str, int], NoDecode] = {}
    """``polyp=365,*=730``: for how many days after its answer an image is kept that nobody reviewed, shared or let be
    learnt from, by application; ``*`` is every other, 0 is for ever, which is what holds where nothing is said."""
    sweep_grace_hours: float = Field(default=24.0, ge=1)
    """For how long a file may lie that belongs to nothing, before it is removed."""

    development: bool = False
    """For trying things out on a network of one's own: passwords may travel unprotected."""
    metrics_token: str | None = Field(default=None, repr=False)
    """Bearer token for ``/metrics``; without one it answers this machine alone, and nobody behind a public address."""
    database_pool_size: int = Field(default=12, ge=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("webhook_hosts", mode="before")
    @classmethod
    def _with_commas(cls, hosts: object) -> object:
        return (
            tuple(one.strip().lower() for one in hosts.split(",") if one.strip()) if isinstance(hosts, str) else hosts
        )

    @field_validator("retention_days", mode="before")
    @classmethod
    def _by_application(cls, said: object) -> object:
        if not isinstance(said, str):
            return said
        pairs = [one.partition("=") for one in said.split(",") if one.strip()]
        if not all(name.strip() and days.strip().isdigit() for name, _, days in pairs):
            raise ValueError("write applications and days, for example polyp=365,*=730")
        return {name.strip(): int(days) for name, _, days in pairs}

    @property
    def queues(self) -> frozenset[str]:
        """Raises Misconfigured: a queue that there is not."""
        said = frozenset(name.strip() for name in self.worker_queues.split(",") if name.strip())
        if not said or not said <= {"answers", "learn"}:
            raise Misconfigured("queues_wrong", "ATISBO_WORKER_QUEUES is answers, learn, or both with a comma.")
        return said

    @property
    def answers(self) -> bool:
        """Whether this machine's workers have people waiting for them."""
        return "answers" in self.queues

    @property
    def secrets_path(self) -> Path:
        return self.secrets_file or self.data_dir / "secrets.json"

    @property
    def secure_cookies(self) -> bool:
        return (self.public_url or "").startswith("https://")

    def refuse_unsafe(self) -> None:
        """Before a door is opened. Raises Misconfigured: passwords or answers would travel unprotected."""
        if self.development:
            return
        said = urlsplit(self.public_url or "")
        if not self.secure_cookies and not (_loopback(self.host) and _loopback(said.hostname or self.host)):
            raise Misconfigured(
                "unsafe_address",
                "Others would reach the service at {host} without encryption. Put a proxy with TLS in front and set "
                "ATISBO_PUBLIC_URL=https://…, or, to try things out, set ATISBO_DEVELOPMENT=true.",
                host=said.hostname or self.host,
            )
        if self.webhook_http:
            raise Misconfigured(
                "unsafe_webhooks",
                "Answers would be sent without encryption. Unset ATISBO_WEBHOOK_HTTP, or, to try things out, set "
                "ATISBO_DEVELOPMENT=true.",
            )
        if self.metrics_token is not None and len(self.metrics_token) < SHORTEST_TOKEN:
            raise Misconfigured(
                "unsafe_token",
                "ATISBO_METRICS_TOKEN is short enough to be guessed. Use at least {count} random characters.",
                count=SHORTEST_TOKEN,
            )


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def make_folder(folder: Path) -> None:
    """Make a folder of the service unless it is there.

    Raises:
        Misconfigured: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            "folder_unmade",
            "The folder {folder} cannot be made: {reason}. Set ATISBO_DATA_DIR to a folder that may be written to.",
            folder=folder,
            reason=error.strerror,
        ) from error


class Secrets:
    """Keys derived from one generated secret, so that no two purposes share a key."""

    def __init__(self, root: bytes) -> None:
        self._root = root

    def key(self, purpose: str) -> bytes:
        return digest(self._root, purpose.encode(), sha256)

    @classmethod
    def open(cls, path: Path) -> Secrets:
        """Read the file, generating it the first time, readable by its owner only.

        Raises:
            Misconfigured: the file is there and damaged; making a new one would sign everybody out silently.
        """
        make_folder(path.parent)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(_read_root(path))
        with os.fdopen(descriptor, "w") as file:
            json.dump({"root": secrets.token_hex(32)}, file)
            file.flush()
            os.fsync(file.fileno())
        return cls(_read_root(path))


def _read_root(path: Path) -> bytes:
    if path.stat().st_mode & 0o007 and os.access(path, os.W_OK):  # a mounted one is not ours to change
        raise Misconfigured("secrets_open", "Others may read {path}. Take that from them: chmod 600 {path}", path=path)
    try:
        root = bytes.fromhex(json.loads(path.read_text())["root"])
    except (ValueError, KeyError, TypeError) as error:
        raise Misconfigured(
            "secrets_damaged",
            "{path} is damaged. Restore it from a backup, or delete it: everybody will have to sign in again.",
            path=path,
        ) from error
    if len(root) < 32:
        raise Misconfigured("secrets_short", "{path} holds too short a secret.", path=path)
    return root
