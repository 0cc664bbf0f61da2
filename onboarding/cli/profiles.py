"""`profiles …`: what operators do with stored profiles. Nothing of it is reachable over HTTP."""

import getpass
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy import Engine

from onboarding.profiles import admin
from onboarding.profiles.admin import AdminError, Record
from onboarding.questions import load_questionnaire
from onboarding.settings import DatabaseSettings, SettingsError

# The progress bar is updated after this many rows.
_PROGRESS_STEP = 1000


@click.group()
def profiles() -> None:
    """Show, export, count or reset the stored profiles."""


@profiles.command()
@click.argument("user")
def show(user: str) -> None:
    """Show the profile of USER, a user's id or e-mail address."""
    with _engine() as (engine, settings):
        click.echo(_described(_find(engine, settings, user)))


@profiles.command()
@click.option(
    "--format",
    "file_format",
    type=click.Choice(admin.FORMATS),
    default="csv",
    show_default=True,
    help="CSV with a header, or a JSON object a line.",
)
def export(file_format: str) -> None:
    """Write all profiles, drafts included, to standard output. Any number of them is fine."""
    # On a terminal the rows themselves show the progress.
    shows_progress = sys.stderr.isatty() and not sys.stdout.isatty()
    questionnaire = load_questionnaire()
    with _engine() as (engine, _):
        total = admin.count(engine, questionnaire) if shows_progress else None
        with closing(admin.export(engine, questionnaire, file_format)) as lines:
            try:
                _write(lines, total)
                sys.stdout.buffer.flush()
            except OSError as error:
                # What is still buffered can't be written at exit either.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                _fail(f"the export is incomplete: {error.strerror}")


@profiles.command()
@click.option(
    "--weeks",
    type=click.IntRange(min=0),
    default=12,
    show_default=True,
    help="How many weeks to show, the latest ones.",
)
def stats(weeks: int) -> None:
    """Count who has registered, started and finished, and the finished by answer and by week."""
    questionnaire = load_questionnaire()
    with _engine() as (engine, settings):
        counts = admin.counts(engine, settings.tables, questionnaire)
    latest = sorted(counts.weeks.items())[-weeks:] if weeks else []
    sections = [
        *((question.heading["en"], counts.answers[question.name]) for question in questionnaire),
        ("Finished in the week of", {f"{monday}": number for monday, number in latest}),
    ]
    click.echo(_line("Registered", counts.registered, 0, 12))
    for label, number in (("Started", counts.started), ("Finished", counts.finished)):
        click.echo(_line(label, number, counts.registered or 0, 12))
    width = max(len(label) for _, numbers in sections for label in numbers)
    for heading, numbers in sections:
        click.echo(f"\n{heading}")
        for label, number in numbers.items():
            click.echo("  " + _line(label, number, counts.finished, width))


@profiles.command()
@click.argument("user")
@click.option("--reason", required=True, help="The reason, kept in the audit line.")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@click.option(
    "--audit-file",
    type=click.Path(dir_okay=False, path_type=Path),
    default="profile-resets.jsonl",
    show_default=True,
    help="The file to which the audit line is added.",
)
def reset(user: str, reason: str, yes: bool, audit_file: Path) -> None:
    """Delete the profile of USER, a user's id or e-mail address, so that they are asked again."""
    if not reason.strip():
        raise click.BadParameter("must not be empty", param_hint="--reason")
    with _engine() as (engine, settings):
        profile = _find(engine, settings, user)
        click.echo(_described(profile), err=True)
        if not yes:
            click.confirm("Delete this profile for good?", abort=True, err=True)

        def audit(deleted: Record, role: str) -> None:
            _add_audit_line(audit_file, reason, role, deleted)

        try:
            was_deleted = admin.reset(engine, load_questionnaire(), profile["user_id"], audit)
        except OSError as error:
            _fail(f"nothing was deleted: {audit_file} can't be written: {error.strerror}")
    if not was_deleted:
        _fail(f"{user} has no profile any more")
    click.echo(f"deleted; {user} will be asked again. Audit line in {audit_file}")


def _write(lines: Iterable[bytes], total: int | None) -> None:
    """Write to standard output, with a progress bar on the terminal if a `total` is given."""
    out = sys.stdout.buffer
    if total is None:
        out.writelines(lines)
        return
    with click.progressbar(length=total, label="exporting", file=sys.stderr) as bar:
        for number, line in enumerate(lines, 1):
            out.write(line)
            if number % _PROGRESS_STEP == 0:
                bar.update(_PROGRESS_STEP)
        bar.update(total - bar.pos)


def _add_audit_line(audit_file: Path, reason: str, role: str, deleted: Record) -> None:
    """Add the audit line and flush it to the disk, before the deletion is committed."""
    line = {
        "event": "profile reset",
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "by": _operator(),
        "database_role": role,
        "reason": reason,
        "deleted": deleted,
    }
    with audit_file.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, default=str) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # The account of a container may have a number and no name.
        return f"uid {os.getuid()}"


@contextmanager
def _engine() -> Iterator[tuple[Engine, DatabaseSettings]]:
    try:
        settings = DatabaseSettings.from_environ(os.environ)
    except SettingsError as error:
        click.echo(error, err=True)
        sys.exit(2)
    try:
        with admin.open_engine(settings.database_url) as engine:
            yield engine, settings
    except AdminError as error:
        _fail(str(error))


def _find(engine: Engine, settings: DatabaseSettings, user: str) -> Record:
    # A command-line argument that isn't UTF-8 is nobody's id.
    if any("\ud800" <= character <= "\udfff" for character in user):
        _fail(f"there is no user {user!a}")
    user_id = admin.find_user(engine, settings.tables, user)
    profile = admin.find(engine, load_questionnaire(), user_id)
    if profile is None:
        _fail(f"{user} has no profile yet")
    return profile


def _line(label: str, number: int | None, whole: int, width: int) -> str:
    """Return a line of `stats`; a number that this role can't see is unknown."""
    share = f"{number / whole:7.1%}" if whole and number is not None else ""
    return f"{label:{width}} {'unknown' if number is None else number:>9}{share}"


def _described(profile: Record) -> str:
    width = max(map(len, profile))
    return "\n".join(f"{name:{width}}  {value}" for name, value in profile.items())


def _fail(reason: str) -> NoReturn:
    click.echo(reason, err=True)
    sys.exit(1)
