"""`make demo`: PostgreSQL, a Better-Auth main site and the app, all real, until Ctrl+C."""

import os
import signal
import sys

if __name__ == "__main__":
    # Importing takes a third of a second, in which Ctrl+C would leave a traceback.
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))

import time
from contextlib import ExitStack
from types import FrameType
from typing import NoReturn

from devstack import given_database, postgres, roles, state_files
from devstack.app import App
from devstack.main_site import MainSite
from devstack.processes import ROOT, Child, StartFailed, port_is_taken

STATE = ROOT / ".demo"


class Stopped(BaseException):
    """Somebody asked us to stop. No Exception: nothing on the way out may take it for a failure."""


def main() -> int:
    """Run the demo until a signal (exit status 0) or a failure (1, with a message on stderr)."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        run()
    except Stopped:
        say("stopped")
        return 0
    except (StartFailed, OSError) as error:
        print(f"demo: {error}", file=sys.stderr, flush=True)
    return 1


def run() -> NoReturn:
    """Start the parts one after the other, say `ready: …`, and watch over them."""
    site_port = _port("DEMO_SITE_PORT", 3000)
    app_port = _port("DEMO_APP_PORT", 8000)
    if site_port == app_port:
        raise StartFailed("DEMO_SITE_PORT and DEMO_APP_PORT must differ")

    STATE.mkdir(exist_ok=True)
    logs = STATE / "logs"
    with ExitStack() as parts:
        parts.enter_context(
            state_files.lock(
                STATE / "lock", f"another demo is running on the data in {STATE}: stop it first"
            )
        )
        for port, variable in ((site_port, "DEMO_SITE_PORT"), (app_port, "DEMO_APP_PORT")):
            if port_is_taken(port):
                raise StartFailed(
                    f"port {port} is taken: stop what listens there, or choose another by {variable}=…"
                )
        parts.callback(
            _ignore_signals
        )  # runs first on the way out: what has begun to stop is left to finish

        watched: list[Child] = []
        given = os.environ.get("DEMO_DATABASE_URL")
        database_roles = None
        if given:
            say("database: yours, by DEMO_DATABASE_URL")
            given_database.claim(given)
        else:
            home = postgres.home_near(STATE / "postgres")
            say(f"starting PostgreSQL (data in {home})")
            server = parts.enter_context(
                postgres.start(home, durable=True, log=logs / "postgres.log")
            )
            watched.append(server.child)
            database_roles = roles.create_roles(server.ensure_database("demo"))

        secret = state_files.secret(STATE / "better-auth-secret")
        site_url = f"http://localhost:{site_port}"
        app = App(
            app_port,
            database_roles.app_url if database_roles else given or "",
            secret,
            site_url,
            settings={"SITE_NAME": "Acme Docs", "LOG_FORMAT": "plain"},
            owner_url=database_roles.owner_url if database_roles else None,
        )
        state_files.settings(STATE / "app.env", app.environment())
        site = MainSite(
            site_port,
            database_roles.site_url if database_roles else app.database_url,
            secret,
            app.url,
        )

        say("creating the tables")
        site.migrate(logs / "main-site-migrate.log")
        if database_roles:
            database_roles.migrate(app, logs / "app-migrate.log")
        else:
            app.migrate(logs / "app-migrate.log")
        say("starting the app and the main site")
        watched.append(parts.enter_context(app.start(logs / "app.log")))
        watched.append(parts.enter_context(site.start(logs / "main-site.log")))

        operator = database_roles.url if database_roles else app.database_url
        state_files.settings(STATE / "operator.env", {"DATABASE_URL": operator})
        say(
            "to answer again: (. .demo/operator.env; "
            ".venv/bin/python -m onboarding profiles reset EMAIL --reason trial)"
        )
        say(f"the app: {app.url}; in a frame: {site.url}/setup")
        say(f"logs in {logs}; Ctrl+C stops everything")
        say(f"ready: {site.url}")
        while not (dead := [child for child in watched if child.exit_status() is not None]):
            time.sleep(0.2)
        raise dead[0].death()


def say(line: str) -> None:
    """Print a line at once, also into a pipe. A reader who has gone is no reason to fall over."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _port(variable: str, default: int) -> int:
    value = os.environ.get(variable) or str(default)
    if not value.isdecimal() or not 1 <= int(value) <= 65535:
        raise StartFailed(f"{variable} must be a port number, not {value!r}")
    return int(value)


def _stop(number: int, frame: FrameType | None) -> None:
    _ignore_signals()  # one is enough: a second Ctrl+C must not cut the stopping short
    raise Stopped


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
