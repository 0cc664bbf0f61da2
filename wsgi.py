"""What a WSGI server loads, `gunicorn wsgi:app`, and the `flask` command."""

import logging
import sys

import click
from flask import Flask
from flask.cli import FlaskGroup

from onboarding import create_app
from onboarding.config import SettingsFault
from onboarding.languages import CatalogueFault


def _is_for_commands() -> bool:
    """Tell whether `flask` is looking for a command of ours.

    It loads the app for its own, such as `flask run`, from within them, and for ours before it knows
    them.
    """
    context = click.get_current_context(silent=True)
    return context is not None and isinstance(context.command, FlaskGroup)


def _app_to_serve() -> Flask:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # A line for each question to the main site is none of an operator's news.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        return create_app()
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
