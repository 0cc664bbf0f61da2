"""What a WSGI server loads: ``gunicorn wsgi:app``."""

import os
import sys

from onboarding import check_at_start, create_app
from onboarding.logs import init_logs
from onboarding.questions import QuestionnaireError
from onboarding.settings import Settings, SettingsError
from onboarding.web.languages import CatalogueError
from onboarding.web.request_log import log_context

try:
    settings = Settings.from_environ(os.environ)
    init_logs(settings.log_format, settings.log_level, settings.secrets, log_context)
    app = create_app(settings)
    check_at_start(app)
except (SettingsError, QuestionnaireError, CatalogueError) as error:
    # One line each and exit status 2, without a traceback around what the operator must read.
    print(error, file=sys.stderr)
    sys.exit(2)
