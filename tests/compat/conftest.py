"""Main sites of every kind, opened for a test each."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import psycopg
import pytest

from devstack import redis
from devstack.app import App
from devstack.postgres import Postgres
from devstack.processes import free_port
from devstack.redis import Redis
from devstack.roles import as_role, set_password, told_grants
from onboarding import create_app
from onboarding.config import Settings
from onboarding.doctor.installation import Missing
from onboarding.sources.http import MainSite
from tests.compat.document import RECORDER, RESULT, ROW, written
from tests.compat.presets import BY_NAME
from tests.compat.scene import Preset, Scene
from tests.compat.sites import Order, Sites
from tests.places import Place, Places, divided

SECRET = secrets.token_urlsafe(32)
APP_ROLE = "compatibility"

Found = Callable[[str, str, str], None]
Open = Callable[..., AbstractContextManager[Scene]]


_counter = count()


class Rerouted(httpx.BaseTransport):
    """Reaches an origin at a plain port of this machine, whatever its name and scheme are."""

    _shared = httpx.HTTPTransport()

    def __init__(self, port: int, *, keep_alive: bool = True) -> None:
        self._port = port
        self._keep_alive = keep_alive

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self._keep_alive:
            request.headers["Connection"] = "close"
        # The Host header stays.
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        return self._shared.handle_request(request)


@pytest.fixture(scope="session")
def opened(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Open a preset: its main site with its own tables, ours, and the app.

    `opened(preset, version, place)` opens it on the place of another scene, as it stands.
    """
    with ExitStack() as kept:

        @cache
        def places(zone: str) -> Places:
            """A database for each time zone that one can have."""
            name = f"compatibility_{zone.replace('/', '_').lower()}"
            made = kept.enter_context(divided(server, name))
            made.owner.execute(f"ALTER DATABASE {name} SET timezone = '{zone}'")
            return made

        log = tmp_path_factory.mktemp("compatibility") / "app.log"

        @cache
        def sites(version: str, zone: str) -> Sites:
            made = Sites(version, zone)
            kept.callback(made.stop)
            return made

        @cache
        def redis_server() -> Redis:
            return kept.enter_context(redis.temporary())

        @contextmanager
        def open_preset(
            preset: Preset, version: str, place: Place | None = None
        ) -> Iterator[Scene]:
            site_port, app_port = free_port(), free_port()
            store = redis_server() if preset.redis else None
            with ExitStack() as open_now:
                fresh = place is None
                place = place or _settle(places(preset.zones.database), preset, version)
                app = _app(preset, place, site_port, app_port)
                environment = app.environment()
                order = Order(
                    port=site_port,
                    url=environment["BETTER_AUTH_URL"],
                    onboarding_origin=environment["APP_URL"],
                    database_url=_site_database(preset, place),
                    secret=None if "secrets" in preset.options else SECRET,
                    options=preset.options,
                    plugins=preset.plugins,
                    drizzle=preset.drizzle,
                    schema_name=preset.schema_name,
                    redis_url=store.url if store else None,
                    migrate=fresh,
                )
                open_now.enter_context(sites(version, preset.zones.node).open(order))
                if fresh:
                    tables = {k: v for k, v in environment.items() if k in MIGRATION_SETTINGS}
                    place.migrate(**tables)
                app = _with_least_rights(app)
                read = Settings.from_environ(app.environment())
                transports = {
                    _origin(order.url): Rerouted(site_port),
                    read.app_origin: open_now.enter_context(_served(app, read, log, preset)),
                }
                yield Scene(
                    preset, version, place, order.url, order.database_url, read, transports, store
                )

        yield open_preset


# What `alembic upgrade head` reads beside the database's address.
MIGRATION_SETTINGS = (
    "BETTER_AUTH_SCHEMA",
    "BETTER_AUTH_USER_TABLE",
    "BETTER_AUTH_SESSION_TABLE",
    "BETTER_AUTH_USER_FIELDS",
    "BETTER_AUTH_SESSION_FIELDS",
)


def played(*presets: Preset) -> pytest.MarkDecorator:
    """Run a test in the scene of each of these presets, with each version that is named there."""
    casts = [_cast(preset, version) for preset in presets for version in preset.versions]
    return pytest.mark.parametrize("scene", casts, ids=str, indirect=True, scope="module")


@dataclass(frozen=True)
class Cast:
    """What the scene of a test is to be."""

    preset: Preset
    version: str

    def __str__(self) -> str:
        return f"{self.preset.name} {self.version}"


@cache
def _cast_named(name: str, version: str) -> Cast:
    return Cast(BY_NAME[name], version)


def _cast(preset: Preset, version: str) -> Cast:
    # The same object each time: by that pytest knows that two tests can share a scene.
    return _cast_named(preset.name, version)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests of a module that share a scene together, where its first one stands."""
    first: dict[tuple[Path, str], int] = {}
    places = [(item.path, _scene_of(item) or item.nodeid) for item in items]
    for number, place in enumerate(places):
        first.setdefault(place, number)
    order = {id(item): first[place] for item, place in zip(items, places, strict=True)}
    items.sort(key=lambda item: order[id(item)])


def _scene_of(item: pytest.Item) -> str | None:
    cast = item.callspec.params.get("scene") if hasattr(item, "callspec") else None
    return str(cast) if isinstance(cast, Cast) else None


@pytest.fixture(scope="module")
def scene(request: pytest.FixtureRequest, opened: Open) -> Iterator[Scene]:
    """The scene of one preset and version, for all tests of a module that play in it."""
    with opened(request.param.preset, request.param.version) as scene:
        yield scene


@pytest.fixture
def found(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Found:
    """Say what was found out, to be compared with the document, or to be written into it."""

    def found(row: str, version: str, result: str) -> None:
        record_property(RESULT, [row, version, result])
        if not request.config.pluginmanager.hasplugin(RECORDER):
            documented = written().get((row, version))
            assert documented == result, "docs/compatibility.md is stale: run `make compatibility`"

    return found


@pytest.fixture(autouse=True)
def _row(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    """Whatever fails, fails for a row of the document."""
    cast = getattr(request.node, "callspec", None) and request.node.callspec.params.get("scene")
    if isinstance(cast, Cast):
        record_property(ROW, [cast.preset.name, cast.version])


def _settle(places: Places, preset: Preset, version: str) -> Place:
    # PostgreSQL's names have 63 bytes.
    name = re.sub(r"\W+", "_", preset.name.lower(), flags=re.ASCII)[:40]
    place = places.settle(f"{name}_{version.replace('.', '_')}_{next(_counter)}")
    if preset.search_path:
        places.settle(preset.search_path)
    return place


def _site_database(preset: Preset, place: Place) -> str:
    # Nothing is said about a time zone: the database's own holds.
    schema = preset.search_path or place.schema
    return f"{place.places.url}?options={quote(f'-c search_path={schema}')}"


def _with_least_rights(app: App) -> App:
    """Do what `flask doctor --grants` says of a migrated place, and give the app that role."""
    try:
        told = told_grants(app.environment(), f"{APP_ROLE}_owner", APP_ROLE)
    except Missing as missing:
        if "the session table" not in str(missing):
            raise
        return app  # which says so itself
    with psycopg.connect(app.database_url, autocommit=True) as superuser:
        superuser.execute(told.encode())
        set_password(superuser, APP_ROLE, SECRET)
    return replace(app, database_url=as_role(app.database_url, APP_ROLE, SECRET))


def _app(preset: Preset, place: Place, site_port: int, app_port: int) -> App:
    scheme = "https" if preset.https else "http"
    site_host, app_host = preset.hosts or ("localhost", "localhost")
    settings = {name: value.format(site_port=site_port) for name, value in preset.settings.items()}
    return App(
        app_port,
        place.url(timezone=preset.zones.connection),
        SECRET,
        f"{scheme}://{site_host}:{site_port}",
        settings={
            "APP_URL": f"{scheme}://{app_host}:{app_port}",
            **({} if preset.secret_is_shared else {"BETTER_AUTH_SECRET": ""}),
            **settings,
        },
    )


@contextmanager
def _served(
    app: App, settings: Settings, log: Path, preset: Preset
) -> Iterator[httpx.BaseTransport]:
    if preset.gunicorn:
        with app.start(log):
            # With connections open, gunicorn takes two seconds to end.
            yield Rerouted(app.port, keep_alive=False)
        return
    made = create_app(settings)
    try:
        yield httpx.WSGITransport(app=made)
    finally:
        parts = made.extensions["onboarding"]
        parts.database.engine.dispose()
        if isinstance(parts.identities, MainSite):
            parts.identities._get_session._client.close()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
