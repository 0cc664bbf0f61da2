"""Proofs that a preset is really in force, for somebody who has just signed up."""

from collections.abc import Callable

import psycopg

from tests.compat.browser import Browser
from tests.compat.scene import Scene

Proof = Callable[[Scene, Browser], None]


def each(*proofs: Proof) -> Proof:
    def proof(scene: Scene, browser: Browser) -> None:
        for one in proofs:
            one(scene, browser)

    return proof


def cookies(*names: str) -> Proof:
    """These cookies are kept, and no others."""

    def proof(_: Scene, browser: Browser) -> None:
        assert sorted(cookie.name for cookie in browser.jar) == sorted(names)

    return proof


def cookie_cache(parts: int) -> Proof:
    """The session is cached in a cookie, whose value has so many parts between dots."""

    def proof(_: Scene, browser: Browser) -> None:
        [cache] = [cookie for cookie in browser.jar if cookie.name.endswith("session_data")]
        assert cache.value.count(".") + 1 == parts

    return proof


def chunks(scene: Scene, browser: Browser) -> None:
    """The cached session is cut into several cookies, and the header passes the usual limit."""
    assert sum(".session_data." in cookie.name for cookie in browser.jar) >= 3
    assert len(browser.jar.header(scene.app_origin)) > 8190


def domain(host: str) -> Proof:
    """The session cookie is for a domain and what is below it."""

    def proof(_: Scene, browser: Browser) -> None:
        assert {(cookie.domain, cookie.host_only) for cookie in browser.jar} == {(host, False)}

    return proof


def columns(**types: str) -> Proof:
    """Columns have these types; `user__id` is `id` of the user table."""

    def proof(scene: Scene, _: Browser) -> None:
        for place, kind in types.items():
            table, _, name = place.partition("__")
            rows = scene.place.sql(
                "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = to_regclass(%s) AND attname = %s",
                f'"{scene.preset.search_path or scene.preset.schema_name or scene.place.schema}"'
                f'."{table}"',
                name,
            )
            assert rows == [(kind,)], place

    return proof


def time_zones(scene: Scene, browser: Browser) -> None:
    """The three differ, and the database means what it says."""
    zones = scene.preset.zones
    assert len({zones.database, zones.connection, zones.node}) == 3
    with psycopg.connect(scene.site_database_url, autocommit=True) as site:
        assert site.execute("SHOW timezone").fetchone() == (zones.database,)
    assert scene.show_in_app("timezone") == zones.connection


def refreshed_always(scene: Scene, browser: Browser) -> None:
    assert "session_token=" in scene.ask(browser, "/get-session").headers["set-cookie"]


def refreshed_by_post(scene: Scene, browser: Browser) -> None:
    asked = scene.ask(browser, "/get-session")
    assert asked.json()["needsRefresh"] is True
    assert "set-cookie" not in asked.headers
    assert "session_token=" in scene.ask(browser, "/get-session", {}).headers["set-cookie"]


def in_redis_too(scene: Scene, browser: Browser) -> None:
    token = browser.session_token()
    assert scene.place.sql("SELECT count(*) FROM session WHERE token = %s", token) == [(1,)]
    assert scene.redis.ask(f"EXISTS better-auth:{token}") == ":1"


def in_redis_alone(scene: Scene, browser: Browser) -> None:
    token = browser.session_token()
    assert scene.place.sql("SELECT to_regclass('session')") == [(None,)]
    assert scene.redis.ask(f"EXISTS better-auth:{token}") == ":1"


def answers(path: str) -> Proof:
    """One of a plugin's own endpoints answers."""

    def proof(scene: Scene, browser: Browser) -> None:
        answer = scene.ask(browser, path)
        assert answer.status_code == 200, answer.text
        assert answer.json()

    return proof
