"""Main sites of every kind, opened for the tests that name them."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from itertools import count
from urllib.parse import quote

import httpx
import psycopg
import pytest

from devstack import redis
from devstack.app import App
from devstack.postgres import Postgres
from devstack.processes import free_port
from devstack.roles import as_role, doctor_grants, set_password
from onboarding import check_at_start, create_app
from onboarding.doctor.installation import Missing
from onboarding.identity import MainSiteIdentities
from onboarding.settings import Settings
from tests.compat.deployment import Deployment
from tests.compat.presets import BY_NAME, Preset
from tests.compat.sites import Sites
from tests.schemas import Schema, ScratchDatabase, create_scratch_database

SECRET = secrets.token_urlsafe(32)
APP_ROLE = "compatibility"

Open = Callable[..., AbstractContextManager[Deployment]]
_counter = count()


class Rerouted(httpx.BaseTransport):
    """Reaches an origin at a plain port of this machine, whatever its name and scheme are."""

    _shared = httpx.HTTPTransport()

    def __init__(self, port: int, **headers: str) -> None:
        self._port = port
        self._headers = headers

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        rerouted = httpx.Request(
            request.method,
            request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port),
            # The Host header among them.
            headers={**request.headers, **self._headers},
            stream=request.stream,
            extensions=request.extensions,
        )
        return self._shared.handle_request(rerouted)


@pytest.fixture(scope="session")
def open_preset(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Open a preset: its main site with its own tables, `user_profile`, and the app.

    With a `schema` of another deployment it opens on its tables as they are.
    """
    log = tmp_path_factory.mktemp("compatibility") / "app.log"
    with ExitStack() as session:

        @cache
        def database(zone: str) -> ScratchDatabase:
            name = f"compatibility_{zone.replace('/', '_').lower()}"
            created = session.enter_context(create_scratch_database(server, name))
            created.owner.execute(f"ALTER DATABASE {name} SET timezone = '{zone}'")
            return created

        @cache
        def sites(version: str, zone: str) -> Sites:
            started = Sites(version, zone)
            session.callback(started.stop)
            return started

        @cache
        def redis_server() -> redis.Redis:
            return session.enter_context(redis.temporary())

        @contextmanager
        def open_preset(
            preset: Preset, version: str, schema: Schema | None = None
        ) -> Iterator[Deployment]:
            is_new = schema is None
            schema = schema or _create_schema(database(preset.zones.database), preset)
            site_port, app_port = free_port(), free_port()
            app = _app(preset, schema, site_port, app_port)
            environ = app.environment()
            # Without a time zone: the database's own holds.
            search_path = quote(f"-c search_path={preset.search_path or schema.name}")
            site_database_url = f"{schema.database.url}?options={search_path}"
            store = redis_server() if preset.redis else None
            site = sites(version, preset.zones.node).open(
                port=site_port,
                siteUrl=app.site_url,
                onboardingOrigin=environ["APP_URL"],
                databaseUrl=site_database_url,
                secret=None if "secrets" in preset.options else SECRET,
                options=preset.options,
                plugins=preset.plugins,
                drizzle=preset.drizzle,
                neon=preset.neon,
                schemaName=preset.schema_name,
                redisUrl=store.url if store else None,
                migrate=is_new,
            )
            with site:
                if is_new:
                    schema.migrate(**preset.settings)
                app = _with_least_rights(app)
                settings = Settings.from_environ(app.environment())
                with _serve(app, settings, preset, log) as transport:
                    yield Deployment(
                        preset,
                        version,
                        schema,
                        app.site_url,
                        app.environment(),
                        settings,
                        Rerouted(site_port),
                        transport,
                        store,
                    )

        yield open_preset


@pytest.fixture(scope="session")
def deployment(request: pytest.FixtureRequest, open_preset: Open) -> Iterator[Deployment]:
    """A preset in one version; pytest runs all tests of one before it opens the next."""
    name, version = request.param
    with open_preset(BY_NAME[name], version) as deployment:
        yield deployment


def _create_schema(database: ScratchDatabase, preset: Preset) -> Schema:
    # PostgreSQL's names have at most 63 bytes.
    name = re.sub(r"\W+", "_", preset.name.lower(), flags=re.ASCII)[:40]
    if preset.search_path:
        database.owner.execute(f"DROP SCHEMA IF EXISTS {preset.search_path} CASCADE")
        database.create_schema(preset.search_path)
    return database.create_schema(f"{name}_{next(_counter)}")


def _app(preset: Preset, schema: Schema, site_port: int, app_port: int) -> App:
    scheme = "https" if preset.https else "http"
    site_host, app_host = preset.hosts
    settings = {name: value.format(site_port=site_port) for name, value in preset.settings.items()}
    return App(
        app_port,
        schema.url(timezone=preset.zones.connection),
        SECRET,
        f"{scheme}://{site_host}:{site_port}",
        settings={
            "APP_URL": f"{scheme}://{app_host}:{app_port}",
            **({} if preset.secret_is_shared else {"BETTER_AUTH_SECRET": ""}),
            **settings,
        },
    )


def _with_least_rights(app: App) -> App:
    """Run what `doctor --grants` prints for a migrated schema, and give the app that role."""
    try:
        grants = doctor_grants(app.environment(), f"{APP_ROLE}_owner", APP_ROLE)
    except Missing as missing:
        if "the session table" not in str(missing):
            raise
        return app  # which reports it itself
    with psycopg.connect(app.database_url, autocommit=True) as superuser:
        superuser.execute(str(grants).encode())
        set_password(superuser, APP_ROLE, SECRET)
    return replace(app, database_url=as_role(app.database_url, APP_ROLE, SECRET))


@contextmanager
def _serve(app: App, settings: Settings, preset: Preset, log) -> Iterator[httpx.BaseTransport]:
    if preset.gunicorn:
        with app.start(log):
            # With connections open, gunicorn takes two seconds to end.
            yield Rerouted(app.port, Connection="close")
        return
    wsgi = create_app(settings)
    check_at_start(wsgi)
    yield httpx.WSGITransport(app=wsgi)
    services = wsgi.extensions["onboarding"]
    services.database.engine.dispose()
    if isinstance(services.identities, MainSiteIdentities):
        services.identities._get_session.close()
