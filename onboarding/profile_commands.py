"""`flask profiles …`: what operators do with stored profiles. Nothing of it is reachable over HTTP."""

import getpass
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from html import escape
from pathlib import Path
from typing import NoReturn

import click
import psycopg

from onboarding.config import DatabaseSettings, SettingsFault
from onboarding.profiles import records
from onboarding.profiles.questions import QUESTIONS

# The bar is drawn anew after so many rows.
_STEP = 1000


@click.group()
def profiles() -> None:
    """Look at the stored profiles, export or count them, or open one again."""


@profiles.command()
@click.argument("user")
def show(user: str) -> None:
    """Show the profile of USER, a user's id."""
    with _connected() as connection:
        found = _known(connection, user)
    click.echo(_lines(found))


@profiles.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(records.FORMATS),
    default="csv",
    show_default=True,
    help="CSV with a header, or a JSON object a line.",
)
def export(form: str) -> None:
    """Write all profiles to standard output, drafts too, however many they are."""
    # On a terminal the rows themselves show how far it is.
    is_watched = sys.stderr.isatty() and not sys.stdout.isatty()
    with _connected() as connection:
        total = records.count(connection) if is_watched else 0
        # Closed before the connection is, whatever becomes of the output: it waits for the copy's end.
        with closing(records.export(connection, form)) as lines:
            try:
                _write(lines, total if is_watched else None)
                sys.stdout.buffer.flush()
            except OSError as error:
                # What is still in the buffer can't be written at the exit either.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                _fail(f"not all was written: {error.strerror}")


def _write(lines: Iterable[bytes], total: int | None) -> None:
    """Write to standard output; with a bar on the terminal where the `total` is given."""
    out = sys.stdout.buffer
    if total is None:
        out.writelines(lines)
        return
    with click.progressbar(length=total, label="exporting", file=sys.stderr) as bar:
        for number, line in enumerate(lines, 1):
            out.write(line)
            if number % _STEP == 0:
                bar.update(_STEP)
        bar.update(total - bar.pos)


@profiles.command()
@click.option(
    "--weeks",
    type=click.IntRange(min=0),
    default=12,
    show_default=True,
    help="How many weeks to show, the latest ones.",
)
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write a chart of the same to this file, too.",
)
def stats(weeks: int, svg: Path | None) -> None:
    """Count the completed profiles, by answer and by week."""
    with _connected() as connection:
        counts = records.counts(connection)
    shown = _rows(counts, weeks)
    click.echo(f"{counts.completed} completed, {counts.drafts} drafts")
    width = max(len(label) for _, rows in shown for label, _ in [*rows, ("", 0)])
    for heading, rows in shown:
        click.echo(f"\n{heading}")
        for label, number in rows:
            share = f"{number / counts.completed:7.1%}" if counts.completed else ""
            click.echo(f"  {label:{width}} {number:9}{share}")
    if svg:
        try:
            svg.write_text(_chart(shown), encoding="utf-8")
        except OSError as error:
            _fail(f"{svg} can't be written: {error.strerror}")


@profiles.command()
@click.argument("user")
@click.option("--reason", required=True, help="Why; it stands in the audit line.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option(
    "--audit-file",
    type=click.Path(dir_okay=False, path_type=Path),
    default="profile-resets.jsonl",
    show_default=True,
    help="The file that the audit line is added to.",
)
def reset(user: str, reason: str, yes: bool, audit_file: Path) -> None:
    """Delete the profile of USER, a user's id, so that they are asked again."""
    if not reason.strip():
        raise click.BadParameter("must say why", param_hint="--reason")
    with _connected() as connection:
        click.echo(_lines(_known(connection, user)), err=True)
        if not yes:
            click.confirm("Delete this profile for good?", abort=True, err=True)

        def audit(deleted: records.Record) -> None:
            _add_line(audit_file, reason, connection.info.user, deleted)

        try:
            there = records.reset(connection, user, audit)
        except OSError as error:
            _fail(f"nothing was deleted: {audit_file} can't be written: {error.strerror}")
    if not there:
        _fail(f"{user} has no profile any more")
    click.echo(f"deleted; {user} will be asked again. Audit line in {audit_file}")


def _add_line(audit_file: Path, reason: str, role: str, deleted: records.Record) -> None:
    """Add the audit line, and have it on the disk before the deletion counts."""
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
        # A container's account may have a number and no name.
        return f"uid {os.getuid()}"


@contextmanager
def _connected() -> Iterator[psycopg.Connection]:
    try:
        settings = DatabaseSettings.from_environ(os.environ)
    except SettingsFault as fault:
        click.echo(fault, err=True)
        sys.exit(2)
    try:
        with records.opened(settings.url) as connection:
            yield connection
    except records.Refused as refused:
        _fail(str(refused))


def _known(connection: psycopg.Connection, user: str) -> records.Record:
    # An argument that is no UTF-8 is nobody's id.
    is_text = not any("\ud800" <= character <= "\udfff" for character in user)
    found = records.find(connection, user) if is_text else None
    if found is None:
        _fail(f"{user!a} has no profile" if not is_text else f"{user} has no profile")
    return found


def _fail(reason: str) -> NoReturn:
    click.echo(reason, err=True)
    sys.exit(1)


def _lines(found: records.Record) -> str:
    width = max(map(len, records.COLUMNS))
    return "\n".join(f"{name:{width}}  {found[name]}" for name in records.COLUMNS)


_Rows = list[tuple[str, list[tuple[str, int]]]]


def _rows(counts: records.Counts, weeks: int) -> _Rows:
    """Give what is shown: a heading, and its labels with their numbers."""
    latest: list[tuple[date, int]] = sorted(counts.weeks.items())[-weeks:] if weeks else []
    return [
        *(
            (question.heading, list(counts.answers[question.field].items()))
            for question in QUESTIONS
        ),
        ("Completed in the week of", [(f"{monday}", number) for monday, number in latest]),
    ]


def _chart(shown: _Rows) -> str:
    """Draw the same as bars: SVG that needs nothing else."""
    parts, y = [], 8
    largest = max((number for _, rows in shown for _, number in rows), default=0) or 1
    for heading, rows in shown:
        y += 24
        parts.append(f'<text x="8" y="{y}" font-weight="bold">{escape(heading)}</text>')
        for label, number in rows:
            y += 22
            length = round(300 * number / largest)
            parts.append(
                f'<text x="8" y="{y}">{escape(label)}</text>'
                f'<rect x="170" y="{y - 12}" width="{length}" height="14" fill="#2457a6"/>'
                f'<text x="{178 + length}" y="{y}">{number}</text>'
            )
        y += 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="560" height="{y + 16}" role="img" '
        'font-family="sans-serif" font-size="14"><title>Completed profiles</title>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )
