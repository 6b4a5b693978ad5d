"""All commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Annotated, ParamSpec, TypeVar
from uuid import UUID

import typer
from pydantic import ValidationError

from atisbo import __version__
from atisbo.cli.parent import end_with_parent, ready_through, told_through
from atisbo.config import Settings
from atisbo.domain.cards import first_fault
from atisbo.errors import AtisboError, Misconfigured
from atisbo.log import configure

Supervised = Annotated[int, typer.Option(hidden=True, help="Descriptor of the supervisor's pipe.")]
Gate = Annotated[int, typer.Option(hidden=True, help="Descriptor of a pipe that tells the database's URL.")]
Identity = Annotated[UUID | None, typer.Option(hidden=True)]
P = ParamSpec("P")
R = TypeVar("R")

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Trained image networks for people who look at images. Research and education only.",
)
users = typer.Typer(no_args_is_help=True, help="People and their roles.")
app.add_typer(users, name="users")


def settings() -> Settings:
    """The environment's settings.

    Raises:
        Misconfigured: a variable has a wrong value; the sentence names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise Misconfigured("settings_wrong", "ATISBO_ settings: {fault}", fault=first_fault(error)) from error


def plainly(command: Callable[P, R]) -> Callable[P, R]:
    """Say an expected error in one sentence and leave with 1, without a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except AtisboError as error:
            typer.echo(f"atisbo: {error}", err=True)
            raise typer.Exit(1) from error

    return run


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
@plainly
def serve() -> None:
    """Start everything: database, web and workers, and keep them running until Ctrl-C."""
    from atisbo.cli.children import Child

    chosen = settings()
    chosen.refuse_unsafe()
    configure("serve", chosen.log_level)
    web = Child("web", os.environ | {"PYTHONUNBUFFERED": "1"})
    web.start_early()
    from atisbo.cli.supervisor import Supervisor  # loads for as long as the web process does

    sys.exit(Supervisor(chosen, web).run())


@app.command()
@plainly
def migrate() -> None:
    """Prepare the database of ATISBO_DATABASE_URL for this version, before its web processes and workers start."""
    from atisbo.cli.database import as_it_is, prepare

    chosen = settings()
    configure("migrate", chosen.log_level)
    with as_it_is(chosen) as workplace:
        administrator = prepare(workplace)
    typer.echo("The database is ready.")
    if administrator is not None:
        typer.echo(f"administrator  {administrator[0]}\npassword       {administrator[1]}   shown only this once")


@app.command()
@plainly
def web(supervised: Supervised = 0, gate: Gate = 0) -> None:
    """Run a web process on the database of ATISBO_DATABASE_URL."""
    if supervised:
        end_with_parent()
    from atisbo.web.main import serve as serve_web

    chosen = settings()
    chosen.refuse_unsafe()
    configure("web", chosen.log_level)
    if gate:
        chosen = chosen.model_copy(update={"database_url": told_through(gate)})
    if not supervised:
        serve_web(chosen)
    else:
        serve_web(chosen, ready_through(supervised))


@app.command()
@plainly
def worker(supervised: Supervised = 0, identity: Identity = None, after: Identity = None) -> None:
    """Run a worker on the database of ATISBO_DATABASE_URL."""
    import uvloop

    from atisbo.worker.main import Place, run

    chosen = settings()
    chosen.refuse_unsafe()
    configure("worker", chosen.log_level)
    if not supervised or identity is None:
        uvloop.run(run(chosen))
    else:
        end_with_parent()
        uvloop.run(run(chosen, Place(identity, after, ready_through(supervised))))


@app.command()
@plainly
def applications() -> None:
    """List the installed applications and their versions."""
    from atisbo.domain.applications import installed

    for application, card in installed(settings().applications_dir).values():
        typer.echo(f"{application.name:12} {application.task:15} {card.version}")


@users.command("create")
@plainly
def create_user(
    email: str,
    role: Annotated[str, typer.Option(help="user, curator or administrator")] = "user",
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Add a user, whatever the registration setting says."""
    from atisbo.cli.database import opened
    from atisbo.domain.access import Role
    from atisbo.services import accounts, audit

    if role not in set(Role):
        raise Misconfigured("role_unknown", "There is no such role.")
    with opened(settings()) as workplace, workplace.transaction() as session:
        user = accounts.create(session, email=email, password=password, role=Role(role))
        audit.note(session, None, "user.made", f"user:{user.id}", role=role, by="operator")
    typer.echo(f"{email}: {role}")


@users.command("password")
@plainly
def reset_password(
    email: str,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Set somebody's password and sign them out everywhere."""
    from atisbo.cli.database import opened
    from atisbo.services.users import reset_password as reset

    with opened(settings()) as workplace, workplace.transaction() as session:
        reset(session, email=email, password=password)
    typer.echo(f"{email}: new password set")


@users.command("second-factor-off")
@plainly
def second_factor_off(email: str) -> None:
    """Remove somebody's second factor: telephone and recovery codes are lost."""
    from atisbo.cli.database import opened
    from atisbo.services.users import remove_second_factor

    with opened(settings()) as workplace, workplace.transaction() as session:
        remove_second_factor(session, email=email)
    typer.echo(f"{email}: no second factor")
