"""DATABASE_URL as providers print it; the only setting that a migration needs."""

import pytest

from onboarding.betterauth.schema import TableNames
from onboarding.settings import DatabaseSettings, SettingsError
from tests.settings.environ import GOOD, PASSWORD, settings

NEON = "ep-x-pooler.eu-central-1.aws.neon.tech"


# As printed by a provider: user, password, host, port, database, options.
DATABASE_URLS: dict[str, tuple] = {
    f"postgresql://app:{PASSWORD}@db.example:5433/site": (
        *("app", PASSWORD, "db.example", 5433, "site", {}),
    ),
    f"postgres://app:{PASSWORD}@db.example/site": (
        *("app", PASSWORD, "db.example", None, "site", {}),
    ),
    f"postgres://u:{PASSWORD}@{NEON}/neondb?sslmode=require&channel_binding=require": (
        *("u", PASSWORD, NEON, None, "neondb"),
        {"sslmode": "require", "channel_binding": "require"},
    ),
    "postgres://u:p%40ss%2Fw%3Ard@db.example/site": (
        *("u", "p@ss/w:rd", "db.example", None, "site", {}),
    ),
    "postgres://u:p@[::1]:5432/site": ("u", "p", "::1", 5432, "site", {}),
    "postgresql:///site?host=/var/run/postgresql": (
        *(None, None, None, None, "site"),
        {"host": "/var/run/postgresql"},
    ),
    # As other places have it.
    "postgresql://u@%2Fvar%2Frun%2Fpostgresql:5433/site": (
        *("u", None, None, None, "site"),
        {"host": "/var/run/postgresql", "port": "5433"},
    ),
    "postgresql://u:p@a:5432,b.example/site?target_session_attrs=read-write": (
        *("u", "p", None, None, "site"),
        {"host": "a,b.example", "port": "5432,", "target_session_attrs": "read-write"},
    ),
    "psql 'postgresql://u:p@db.example/site'": ("u", "p", "db.example", None, "site", {}),
    '"postgresql+asyncpg://u:p@db.example/site"': ("u", "p", "db.example", None, "site", {}),
    "jdbc:postgresql://db.example/site?user=u&password=p+q&ssl=true": (
        *("u", "p+q", "db.example", None, "site"),
        {"sslmode": "require"},
    ),
    "postgres://u:p@db.example/site?schema=public&pgbouncer=true&connection_limit=1&pool_timeout=0": (
        *("u", "p", "db.example", None, "site", {}),
    ),
    "postgres://u:p@db.example/site?sslmode=no-verify&uselibpqcompat=true": (
        *("u", "p", "db.example", None, "site"),
        {"sslmode": "require"},
    ),
    "postgres://u:p@db.example/site?sslmode=verify-full&sslrootcert=system": (
        *("u", "p", "db.example", None, "site"),
        {"sslmode": "verify-full", "sslrootcert": "system"},
    ),
    **dict.fromkeys(
        (
            "postgres://u:p@db.example/site?options=-c timezone=GMT+2 -c statement_timeout=5s",
            "postgres://u:p@db.example/site?options=-c+timezone%3DGMT%2B2+-c+statement_timeout=5s",
        ),
        (
            *("u", "p", "db.example", None, "site"),
            {"options": "-c timezone=GMT+2 -c statement_timeout=5s"},
        ),
    ),
}


@pytest.mark.parametrize(("text", "parts"), DATABASE_URLS.items())
def test_a_database_url_works_as_it_is_printed(text: str, parts: tuple) -> None:
    for read in (settings(DATABASE_URL=text), _database(text)):
        url = read.database_url
        found = (url.username, url.password, url.host, url.port, url.database, dict(url.query))
        assert found == parts
        assert url.drivername == "postgresql+psycopg"


def _database(text: str) -> DatabaseSettings:
    return DatabaseSettings.from_environ({"DATABASE_URL": text})


def test_a_migration_needs_nothing_but_the_database() -> None:
    assert _database(GOOD["DATABASE_URL"]).tables == TableNames()
    with pytest.raises(SettingsError, match=r"\ADATABASE_URL is missing\Z"):
        DatabaseSettings.from_environ({"BETTER_AUTH_SECRET": "short"})
