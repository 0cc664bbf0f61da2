"""`doctor`: whether the app can work with its main site, and what to fix."""

import os
import re
import sys

import click

from onboarding.database import Unavailable
from onboarding.doctor import examine
from onboarding.doctor.grants import grants
from onboarding.doctor.installation import Installation, Missing
from onboarding.doctor.report import Level
from onboarding.questions import load_questionnaire

_COLOURS = {
    Level.OK: "green",
    Level.WARNING: "yellow",
    Level.FAULT: "red",
    Level.SKIPPED: "bright_black",
}


def _fingerprint(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[0-9A-Fa-f]{12}", value.strip()):
        raise click.BadParameter("must be 12 hex digits")
    return None if value is None else value.strip()


def _cookie(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value not in (None, "-"):
        raise click.BadParameter("is read from standard input: a command line stays in the history")
    if value and sys.stdin.isatty():
        return str(click.prompt("Cookie", hide_input=True, err=True))
    return value and sys.stdin.read()


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--cookie",
    callback=_cookie,
    is_flag=False,
    flag_value="-",
    metavar="[-]",
    help="Try the Cookie header of a browser that is signed in, read from standard input.",
)
@click.option(
    "--fingerprint",
    callback=_fingerprint,
    metavar="HEX",
    help="Compare the secret with the fingerprint of the main site's.",
)
@click.option(
    "--grants",
    "part",
    type=click.Choice(["all", "before", "after"]),
    is_flag=False,
    flag_value="all",
    help="Print SQL with the least rights instead: what runs before the migration, after it, or all.",
)
@click.option(
    "--owner-role",
    default="onboarding_owner",
    show_default=True,
    metavar="NAME",
    help="The role that migrates, for --grants.",
)
@click.option(
    "--app-role",
    default="onboarding_app",
    show_default=True,
    metavar="NAME",
    help="The role of the running app, for --grants.",
)
def doctor(
    as_json: bool,
    cookie: str | None,
    fingerprint: str | None,
    part: str | None,
    owner_role: str,
    app_role: str,
) -> None:
    """Check whether this app can work with its main site, and print what to fix.

    The exit status is 1 if there is a fault. Nothing is changed.
    """
    if owner_role == app_role:
        raise click.UsageError("--owner-role and --app-role must differ")
    installation = Installation(
        os.environ,
        load_questionnaire(),
        cookie=cookie,
        fingerprint=fingerprint,
    )
    try:
        if part is not None:
            _print_grants(installation, owner_role, app_role, part)
            return
        report = examine(installation)
    finally:
        installation.close()
    if as_json:
        click.echo(report.json())
    else:
        is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        click.echo(report.text(_coloured) if is_coloured else report.text(), color=is_coloured)
    sys.exit(report.has_fault)


def _print_grants(installation: Installation, owner_role: str, app_role: str, part: str) -> None:
    try:
        printed = grants(installation, owner_role, app_role)
        click.echo(printed if part == "all" else getattr(printed, part))
    except (Missing, Unavailable) as error:
        click.echo(f"{error}; better-auth-onboarding doctor says more", err=True)
        sys.exit(1)


def _coloured(level: Level, word: str) -> str:
    return click.style(word, fg=_COLOURS[level])
