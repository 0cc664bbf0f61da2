"""What a WSGI server loads: `gunicorn wsgi:app`."""

import logging
import sys

from onboarding import create_app
from onboarding.config import SettingsFault

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
# A line for each question to the main site is none of an operator's news.
logging.getLogger("httpx").setLevel(logging.WARNING)

try:
    app = create_app()
except SettingsFault as fault:
    # One line each and exit status 2, without a traceback around what the operator must read.
    print(fault, file=sys.stderr)
    sys.exit(2)
