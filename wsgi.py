"""What a WSGI server loads, `gunicorn wsgi:app`, and the `flask` command."""

import os
import sys

import click
from flask import Flask
from flask.cli import FlaskGroup

from onboarding import create_app
from onboarding.config import Settings, SettingsFault
from onboarding.languages import CatalogueFault
from onboarding.logs import set_up_logs
from onboarding.web.request_id import asked


def _is_for_commands() -> bool:
    """Tell whether `flask` is looking for a command of ours.

    It loads the app for its own, such as `flask run`, from within them, and for ours before it knows
    them.
    """
    context = click.get_current_context(silent=True)
    return context is not None and isinstance(context.command, FlaskGroup)


def _app_to_serve() -> Flask:
    try:
        settings = Settings.from_environ(os.environ)
        set_up_logs(settings.log_format, settings.log_level, settings.secrets, asked)
        return create_app(settings)
    except (SettingsFault, CatalogueFault) as fault:
        # One line each and exit status 2, without a traceback around what the operator must read.
        print(fault, file=sys.stderr)
        sys.exit(2)


if _is_for_commands():
    # Here and not above: what commands need, Alembic for one, has no place in a serving process.
    from onboarding.cli import app_for_commands

    app = app_for_commands()
else:
    app = _app_to_serve()
    # Now, once for all workers, and not at first use: the next release may lie in the folder by then.
    app.extensions["onboarding"].pages.compile()
