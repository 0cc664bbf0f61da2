"""Asks each newly signed-in person of a Better-Auth site two questions, once.

`create_app` is the one place where the parts meet.
"""

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from onboarding.betterauth.cookie import SessionCookie
from onboarding.config import Settings
from onboarding.database import Database, Unavailable
from onboarding.identity import Identities
from onboarding.languages import Languages
from onboarding.resilience import Within
from onboarding.sources.tables import SharedTables
from onboarding.web import api, current, files, gate, health, profile, signed_out, wizard
from onboarding.web.assets import Assets
from onboarding.web.csrf import CsrfTokens
from onboarding.web.errors import handle_errors
from onboarding.web.headers import headers_for, with_headers
from onboarding.web.journey import Journey
from onboarding.web.keys import Pseudonyms
from onboarding.web.pages import Pages
from onboarding.web.seldom import Seldom
from onboarding.web.writes import WriteLimit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

# Two answers, a token and a few targets; a body beyond this is none of ours.
LARGEST_BODY = 16 * 1024
# A file for each language but English.
TRANSLATIONS = Path(__file__).parent / "translations"
# A worker's connections. Of 1, 2, 3, 5 and 10, five took the least CPU and had the shortest tail under
# gunicorn with 8 clients: behind fewer, requests wait for each other.
POOL_SIZE = 5
# The first look only informs: it must not keep the app from starting.
LOOK_S = 2


def create_app(settings: Settings | None = None, translations: Path = TRANSLATIONS) -> Flask:
    """Make the app. Raises `SettingsFault` with every missing or malformed setting at once.

    `translations` is the folder of catalogues; raises `CatalogueFault` when one can't be used.

    The database is looked at once, to say early and plainly what doesn't fit. It may be down: the
    app then answers 503 and recovers by itself.
    """
    settings = settings or Settings.from_environ(os.environ)
    languages = Languages(translations)
    database = Database(
        settings.database.url,
        min(POOL_SIZE, settings.room),
        settings.read_budget_s,
        settings.write_budget_s,
        prepares=settings.prepares,
        room=settings.room,
    )
    identities = _source(settings, database)

    app = Flask(__name__, static_folder=None)
    sheets = {name: theme.css() for name, theme in settings.themes.items()}
    assets = Assets(Path(app.root_path) / "static", sheets)
    # "/onboarding//review" is no page of ours; merging its slashes would redirect to an absolute address.
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    parents = " ".join(settings.embed_origins)
    pages = Pages(
        Path(app.root_path) / "templates",
        languages.texts,
        fixed={"asset": assets.address, "style": assets.style},
        same={
            "cards": settings.widget == "cards",
            "site_name": settings.site_name,
        },
        asked=lambda: _asked(assets, parents),
    )
    app.extensions["onboarding"] = current.Parts(
        settings,
        database,
        identities,
        CsrfTokens(settings.secret),
        Pseudonyms(settings.secret),
        WriteLimit(settings.writes_per_minute, settings.rate_limit_storage),
        Seldom(),
        assets,
        languages,
        pages,
    )
    gate.guard(app)
    handle_errors(app)
    app.wsgi_app = with_headers(app.wsgi_app, settings, assets)  # type: ignore[assignment,method-assign]
    for room in (profile, wizard, signed_out, health, files, api):
        app.register_blueprint(room.blueprint)
    if settings.forwarded_proxies:
        hops = settings.forwarded_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.wsgi_app = _bounded(app.wsgi_app, max(settings.read_budget_s, settings.write_budget_s))  # type: ignore[assignment,method-assign]
    files.serve_before(app, assets, headers_for(settings, assets))
    _look_once(identities, database)
    return app


def _asked(assets: Assets, parents: str) -> dict[str, object]:
    theme = Journey.of_request().theme
    return {
        "framed": gate.is_framed(),
        # A page that is in no frame for sure has nobody to talk to: it needs no script.
        "parents": "" if gate.is_alone() else parents,
        "theme": theme,
        "theme_sheet": assets.theme(theme),
    }


def _bounded(answer: "WSGIApplication", seconds: float) -> "WSGIApplication":
    """Give a request so many seconds in all: one that reads and then saves has one budget, not two."""

    def bounded(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with Within(seconds):
            return answer(environ, start_response)

    return bounded


def _source(settings: Settings, database: Database) -> Identities:
    tables = settings.database.tables
    cookie = settings.session_cookie
    if isinstance(cookie, SessionCookie):
        return SharedTables(database, tables)
    # Here and not above: httpx has no place in a process that asks nobody, and takes long to load.
    from onboarding.betterauth.get_session import GetSession
    from onboarding.sources.http import MainSite

    get_session = GetSession(settings.session_url, cookie, settings.session_cache_s, settings.room)
    return MainSite(get_session, database, tables)


def _look_once(identities: Identities, database: Database) -> None:
    try:
        with Within(LOOK_S):
            faults = identities.check()
        for fault in faults:
            log.error("not ready: %s", fault)
    except Unavailable as unavailable:
        log.error("the database does not answer: %s", unavailable)
    # A server may fork after this; each worker opens connections of its own.
    database.engine.dispose()
