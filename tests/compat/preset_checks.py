"""Proofs that a preset is really in force, for a user who has just signed up."""

from collections.abc import Callable

from tests.compat.browser import Browser
from tests.compat.deployment import Deployment

Check = Callable[[Deployment, Browser], None]


def each(*checks: Check) -> Check:
    def check(deployment: Deployment, browser: Browser) -> None:
        for one in checks:
            one(deployment, browser)

    return check


def cookies(*names: str) -> Check:
    """The browser has these cookies and no others."""

    def check(_: Deployment, browser: Browser) -> None:
        assert sorted(cookie.name for cookie in browser.client.cookies.jar) == sorted(names)

    return check


def cookie_cache(parts: int) -> Check:
    """The session is cached in a cookie whose value has so many parts between dots."""

    def check(_: Deployment, browser: Browser) -> None:
        [cache] = [c for c in browser.client.cookies.jar if c.name.endswith("session_data")]
        assert cache.value.count(".") + 1 == parts

    return check


def chunks(_: Deployment, browser: Browser) -> None:
    """The cached session is split into several cookies, too long for usual limits of a header."""
    pieces = [cookie for cookie in browser.client.cookies.jar if ".session_data." in cookie.name]
    assert len(pieces) >= 3
    assert sum(len(piece.value) for piece in pieces) > 8190


def domain(host: str) -> Check:
    """The session cookie is for a domain and its subdomains."""

    def check(_: Deployment, browser: Browser) -> None:
        assert {cookie.domain for cookie in browser.client.cookies.jar} == {f".{host}"}

    return check


def columns(**types: str) -> Check:
    """Columns have these types; `user__id` is `id` of the user table."""

    def check(deployment: Deployment, _: Browser) -> None:
        preset = deployment.preset
        schema = preset.search_path or preset.schema_name or deployment.schema.name
        for column, kind in types.items():
            table, _, name = column.partition("__")
            rows = deployment.schema.sql(
                "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = to_regclass(%s) AND attname = %s",
                f'"{schema}"."{table}"',
                name,
            )
            assert rows == [(kind,)], column

    return check


def redis_and(*, table: bool) -> Check:
    """The session is in Redis, and in the database too, or there is no session table."""

    def check(deployment: Deployment, browser: Browser) -> None:
        token = browser.session_token()
        assert deployment.redis.ask(f"EXISTS better-auth:{token}") == ":1"
        if table:
            count = deployment.schema.sql("SELECT count(*) FROM session WHERE token = %s", token)
            assert count == [(1,)]
        else:
            assert deployment.schema.sql("SELECT to_regclass('session')") == [(None,)]

    return check


def answers(path: str) -> Check:
    """One of a plugin's own endpoints answers."""

    def check(deployment: Deployment, browser: Browser) -> None:
        assert deployment.request(browser, path).json()

    return check
