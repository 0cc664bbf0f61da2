"""What a WSGI server loads, `gunicorn wsgi:app`, and the `flask` command."""

import logging
import sys

from flask import Flask

from onboarding import create_app
from onboarding.cli import app_for_commands
from onboarding.config import SettingsFault
from onboarding.languages import CatalogueFault


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


app = app_for_commands() or _app_to_serve()
