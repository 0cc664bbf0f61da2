"""Asks each newly signed-in user of a Better-Auth site a few questions, once."""

import json
import logging
import os
import secrets
from contextlib import ExitStack
from pathlib import Path

from flask import Flask, g
from werkzeug.middleware.proxy_fix import ProxyFix

from onboarding.betterauth.cookie import ForwardedCookie
from onboarding.betterauth.get_session import GetSession
from onboarding.database import Database, Unavailable
from onboarding.deadline import time_limit
from onboarding.identity import IdentitySource, MainSiteIdentities, TableIdentities
from onboarding.profiles import ProfileStore
from onboarding.questions import Questionnaire, load_questionnaire
from onboarding.settings import Settings, unknown_variables
from onboarding.themes import BUILT_IN
from onboarding.web import api, continue_page, health, profile, signed_out, static_files
from onboarding.web.csrf import CsrfTokens
from onboarding.web.error_handlers import init_error_handlers
from onboarding.web.gate import init_gate
from onboarding.web.languages import Languages
from onboarding.web.log_throttle import LogThrottle
from onboarding.web.openapi import openapi_document
from onboarding.web.rendering import init_rendering
from onboarding.web.security_headers import init_security_headers
from onboarding.web.services import Services
from onboarding.web.static_files import StaticFiles, init_static_files
from onboarding.web.wizard import init_wizard
from onboarding.web.write_limit import WriteLimit

log = logging.getLogger(__name__)

TRANSLATIONS = Path(__file__).parent / "translations"

# A few answers, a token and a few targets.
LARGEST_BODY = 16 * 1024
# A worker's connections. Of 1, 2, 3, 5 and 10, five took the least CPU and had the shortest tail under
# gunicorn with 8 clients.
POOL_SIZE = 5
# The check at the start only informs: it must not keep the app from starting.
START_CHECK_S = 2


def create_app(
    settings: Settings | None = None,
    questionnaire: Questionnaire | None = None,
    translations: Path = TRANSLATIONS,
) -> Flask:
    """Return the app for these settings (the environment's) and questions (the packaged ones).

    Raise `SettingsError`, `QuestionnaireError` or `CatalogueError` with everything that is wrong.
    """
    settings = settings or Settings.from_environ(os.environ)
    questionnaire = questionnaire or load_questionnaire()
    database = Database(
        settings.database_url,
        POOL_SIZE,
        read_budget_s=settings.read_budget_s,
        write_budget_s=settings.write_budget_s,
        prepare=settings.prepare,
        max_waiting=settings.max_waiting,
    )
    app, languages = Flask(__name__), Languages(translations)
    profiles = ProfileStore(database, questionnaire)
    services = Services(
        settings=settings,
        questionnaire=questionnaire,
        database=database,
        profiles=profiles,
        identities=_identity_source(settings, database, profiles),
        languages=languages,
        environments=init_rendering(
            app, languages, site_name=settings.site_name, widget=settings.widget
        ),
        static_files=StaticFiles(
            {name: theme.css() for name, theme in {**BUILT_IN, **settings.themes}.items()}
        ),
        csrf=CsrfTokens(settings.derive_key("onboarding csrf 1")),
        openapi=json.dumps(openapi_document(questionnaire)),
        # Where the main site doesn't share its secret, pseudonyms hold until the next start.
        pseudonym_key=settings.derive_key("onboarding pseudonym 1")
        if settings.secret
        else secrets.token_bytes(32),
        write_limit=WriteLimit(settings.writes_per_minute, settings.rate_limit_storage),
        log_throttle=LogThrottle(),
    )

    app.extensions["onboarding"] = services
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    # "/onboarding//review" is not found; merging its slashes would redirect to an absolute URL.
    app.url_map.merge_slashes = False
    # "/profile/" is the profile, too, without a redirect.
    app.url_map.strict_slashes = False

    _init_deadline(app, max(settings.read_budget_s, settings.write_budget_s))
    init_gate(app)
    init_static_files(app, services.static_files)
    init_error_handlers(app)
    init_wizard(app, questionnaire)
    for page in (profile, continue_page, signed_out, health, static_files, api):
        app.register_blueprint(page.blueprint)
    # Last, so that its hook runs first: no other hook's failure costs a response these headers.
    init_security_headers(app, settings, services.static_files.style_sources)
    if settings.forwarded_proxies:
        hops = settings.forwarded_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def check_at_start(app: Flask) -> None:
    """Log early what keeps the app from working, and variables that look like misspelled settings.

    The database may be down: the app then answers 503 and recovers by itself.
    """
    for line in unknown_variables(os.environ):
        log.warning(line)
    services: Services = app.extensions["onboarding"]
    try:
        with time_limit(START_CHECK_S):
            for problem in services.identities.problems():
                log.error("not ready: %s", problem)
    except Unavailable as unavailable:
        log.error("the database does not answer: %s", unavailable)
    # A server may fork after this; each worker opens connections of its own.
    services.database.engine.dispose()


def _init_deadline(app: Flask, seconds: float) -> None:
    """Limit a request to so many seconds in all: one that reads and then saves has one budget."""

    @app.before_request
    def start() -> None:
        g.deadline = ExitStack()
        g.deadline.enter_context(time_limit(seconds))

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        if stack := g.pop("deadline", None):
            stack.close()


def _identity_source(
    settings: Settings, database: Database, profiles: ProfileStore
) -> IdentitySource:
    cookie = settings.session_cookie
    if isinstance(cookie, ForwardedCookie):
        get_session = GetSession(settings.session_url, cookie, settings.session_cache_s)
        return MainSiteIdentities(
            get_session, database, settings.tables, profiles, settings.max_waiting
        )
    return TableIdentities(database, settings.tables, profiles)
