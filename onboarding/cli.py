"""The operators' commands: `flask doctor`, `flask embed-snippet`, `flask profiles`."""

import os
import re
import sys

import click
from flask import Flask

from onboarding.config import Settings, SettingsFault
from onboarding.database import Unavailable
from onboarding.doctor import examine
from onboarding.doctor.findings import Level
from onboarding.doctor.grants import grants
from onboarding.doctor.installation import Installation, Missing
from onboarding.profile_commands import profiles
from onboarding.web.embed import snippet

_COLOURS = {
    Level.OK: "green",
    Level.WARNING: "yellow",
    Level.FAULT: "red",
    Level.SKIPPED: "bright_black",
}


def app_for_commands() -> Flask:
    """Give an app with our commands and nothing else.

    They read the environment themselves, so they also work where no app can be made of it.
    """
    app = Flask("onboarding")
    for command in (doctor, embed_snippet, profiles):
        app.cli.add_command(command)
    return app


def _fingerprint(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[0-9A-Fa-f]{12}", value.strip()):
        raise click.BadParameter("must be 12 hex digits")
    return None if value is None else value.strip()


def _cookie(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    return sys.stdin.read() if value == "-" else value


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--cookie",
    callback=_cookie,
    metavar="VALUE",
    help="Try a Cookie header from a browser that is signed in; - reads it from standard input.",
)
@click.option(
    "--fingerprint",
    callback=_fingerprint,
    metavar="HEX",
    help="Compare the secret with the fingerprint of the main site's.",
)
@click.option(
    "--ask-main-site",
    is_flag=True,
    help="Let the main site say whether it has the same secret, by an expired token.",
)
@click.option(
    "--grants", "as_grants", is_flag=True, help="Print SQL with the least rights instead."
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
    ask_main_site: bool,
    as_grants: bool,
    owner_role: str,
    app_role: str,
) -> None:
    """Tell whether this app can work with its main site, and what to mend.

    Ends with exit status 1 when there is a fault. Changes nothing.
    """
    if owner_role == app_role:
        raise click.UsageError("--owner-role and --app-role must differ")
    installation = Installation(
        os.environ, cookie=cookie, fingerprint=fingerprint, asks_main_site=ask_main_site
    )
    try:
        if as_grants:
            _print_grants(installation, owner_role, app_role)
            return
        report = examine(installation)
    finally:
        installation.close()
    if as_json:
        click.echo(report.json())
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        click.echo(report.text(_painted) if colour else report.text(), color=colour)
    sys.exit(report.has_fault)


@click.command()
def embed_snippet() -> None:
    """Print the lines that show this app inside a page, its script pinned by a hash."""
    try:
        settings = Settings.from_environ(os.environ)
    except SettingsFault as fault:
        click.echo(fault, err=True)
        sys.exit(2)
    click.echo(snippet(settings.app_origin))


def _print_grants(installation: Installation, owner_role: str, app_role: str) -> None:
    try:
        click.echo(grants(installation, owner_role, app_role))
    except (Missing, Unavailable) as reason:
        click.echo(f"{reason}; flask doctor says more", err=True)
        sys.exit(1)


def _painted(level: Level, word: str) -> str:
    return click.style(word, fg=_COLOURS[level])
