"""Settings: read once, checked together, refused by name and never by value."""

import logging
import runpy
from collections.abc import Mapping

import pytest

from devstack.processes import ROOT
from onboarding.betterauth.cookie import ForwardedCookie, SessionCookie
from onboarding.betterauth.schema import TableNames
from onboarding.config import DatabaseSettings, Settings, SettingsFault
from onboarding.logs import formatter

PASSWORD = "pa55-w0rd"
SECRET = "a-test-secret-of-40-characters-or-more-00"

GOOD = {
    "DATABASE_URL": f"postgresql://app:{PASSWORD}@db.example:5433/site",
    "BETTER_AUTH_SECRET": SECRET,
    "BETTER_AUTH_URL": "https://www.example.com",
    "APP_URL": "https://onboarding.example.com",
    "SIGN_IN_URL": "https://www.example.com/sign-in",
}

NEON = "ep-x-pooler.eu-central-1.aws.neon.tech"


def settings(**changes: str | None) -> Settings:
    changed = {**GOOD, **changes}
    return Settings.from_environ({name: text for name, text in changed.items() if text is not None})


def faults(**changes: str | None) -> list[str]:
    with pytest.raises(SettingsFault) as refusal:
        settings(**changes)
    assert str(refusal.value) == "\n".join(refusal.value.faults)
    return refusal.value.faults


def test_the_least_that_works_leaves_every_other_setting_at_its_default() -> None:
    read = settings()
    assert read.database.tables == TableNames(schema="", user="user", session="session")
    assert read.session_cookie.name == "__Secure-better-auth.session_token"
    assert read.session_cookie.secret == SECRET
    assert read.site_url == "https://www.example.com"
    assert read.site_origin == "https://www.example.com"
    assert read.app_origin == "https://onboarding.example.com"
    assert read.sign_in_url == "https://www.example.com/sign-in"
    assert read.sign_in_return_param == "callbackURL"
    assert read.embed_origins == ()
    assert read.return_origins == {"https://www.example.com"}
    assert read.widget == "select"
    assert read.forwarded_proxies == 0
    assert read.session_url == "https://www.example.com/api/auth/get-session"
    assert read.session_cache_s == 10
    assert (read.log_format, read.log_level) == ("json", "info")
    assert (read.writes_per_minute, read.rate_limit_storage) == (30, "memory://")


def test_every_setting_is_taken_from_its_variable() -> None:
    read = settings(
        BETTER_AUTH_URL="http://localhost:3000/base",
        APP_URL="http://localhost:8000/",
        SIGN_IN_URL="http://localhost:3000/login?from=app",
        SIGN_IN_RETURN_PARAM="redirect_to",
        EMBED_ORIGINS="https://a.example",
        BETTER_AUTH_COOKIE_PREFIX="acme",
        BETTER_AUTH_SECURE_COOKIES="true",
        BETTER_AUTH_SCHEMA="Auth Schema",
        BETTER_AUTH_USER_TABLE="users",
        BETTER_AUTH_SESSION_TABLE="sessions",
        ONBOARDING_WIDGET="cards",
        SITE_NAME="  Acme Docs ",
        FORWARDED_PROXIES="2",
        WEB_THREADS="7",
        LOG_FORMAT="plain",
        LOG_LEVEL="warning",
        WRITES_PER_MINUTE="0",
        RATE_LIMIT_STORAGE="rediss://me:pass-word@redis.example:6380/2",
        BETTER_AUTH_USER_FIELDS=" name = full_name ,email=mail,",
        BETTER_AUTH_SESSION_FIELDS="userId=owner,expiresAt=Valid Until",
    )
    assert read.site_name == "Acme Docs"
    assert read.site_url == "http://localhost:3000/base"
    assert read.site_origin == "http://localhost:3000"
    assert read.app_origin == "http://localhost:8000"
    assert read.sign_in_url == "http://localhost:3000/login?from=app"
    assert read.sign_in_return_param == "redirect_to"
    assert read.embed_origins == ("https://a.example",)
    assert read.return_origins == {"http://localhost:3000", "https://a.example"}
    assert read.session_cookie.name == "__Secure-acme.session_token"
    assert read.database.tables == TableNames(
        "Auth Schema",
        "users",
        "sessions",
        {"name": "full_name", "email": "mail"},
        {"userId": "owner", "expiresAt": "Valid Until"},
    )
    assert (read.widget, read.forwarded_proxies, read.threads) == ("cards", 2, 7)
    assert (read.log_format, read.log_level) == ("plain", "warning")
    assert read.writes_per_minute == 0
    assert read.rate_limit_storage == "rediss://me:pass-word@redis.example:6380/2"
    assert set(read.secrets) == {SECRET, PASSWORD, "pass-word"}
    assert "pass-word" not in repr(read)


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({"DATABASE_URL": "postgresql:///site?host=h&password=of-the-query"}, {"of-the-query"}),
        (
            {"DATABASE_URL": f"{GOOD['DATABASE_URL']}?sslpassword=of-the-key"},
            {PASSWORD, "of-the-key"},
        ),
        (
            {"RATE_LIMIT_STORAGE": "redis://:100%25%20safe@10.0.0.5"},
            {PASSWORD, "100%25%20safe", "100% safe"},
        ),
    ],
)
def test_every_spelling_of_a_password_is_struck_from_the_log(
    changes: dict[str, str], known: set[str]
) -> None:
    read = settings(**changes)
    assert set(read.secrets) == {SECRET, *known}
    record = logging.LogRecord("x", logging.ERROR, "", 1, f"It said {known}", None, None)
    line = formatter("json", read.secrets).format(record)
    assert [one for one in known if one in line] == []
    assert line.count("[secret]") >= len(known)


@pytest.mark.parametrize(
    ("threads", "room"),
    [(1, 1), (2, 1), (3, 2), (4, 3), (5, 3), (8, 6), (16, 12), (32, 28), (64, 60), (1000, 996)],
)
def test_some_threads_wait_for_no_other_machine(threads: int, room: int) -> None:
    assert settings(WEB_THREADS=str(threads)).room == room


def test_the_server_has_as_many_threads_as_the_app_reckons_with() -> None:
    assert runpy.run_path(str(ROOT / "gunicorn.conf.py"))["threads"] == settings().threads


def test_a_shared_count_of_writes_needs_a_key_that_is_shared() -> None:
    by_http = {"SESSION_SOURCE": "http", "BETTER_AUTH_SECRET": None}
    assert faults(**by_http, RATE_LIMIT_STORAGE="redis://10.0.0.5") == [
        "RATE_LIMIT_STORAGE needs BETTER_AUTH_SECRET, unless it is memory://"
    ]
    assert settings(**by_http).rate_limit_storage == "memory://"
    with_it = settings(SESSION_SOURCE="http", RATE_LIMIT_STORAGE="redis://10.0.0.5")
    assert with_it.rate_limit_storage == "redis://10.0.0.5"
    assert settings(BETTER_AUTH_COOKIE_NAME="sid").session_cookie.name == "__Secure-sid"


def test_sessions_over_http_need_no_secret_and_take_one_all_the_same() -> None:
    read = settings(SESSION_SOURCE="http", BETTER_AUTH_SECRET=None, SESSION_CACHE_SECONDS="0")
    assert read.session_cookie == ForwardedCookie("__Secure-better-auth.session_token")
    assert (read.secret, read.session_cache_s) == ("", 0)
    verified = settings(SESSION_SOURCE="http", SESSION_URL="https://auth.example.com/who")
    name = verified.session_cookie.name
    assert verified.session_cookie == ForwardedCookie(name, SessionCookie(name, SECRET))
    assert verified.session_url == "https://auth.example.com/who"


@pytest.mark.parametrize("source", [None, "database", ""])
def test_without_sessions_over_http_a_cookie_is_always_verified_here(source: str | None) -> None:
    assert isinstance(settings(SESSION_SOURCE=source).session_cookie, SessionCookie)
    assert faults(SESSION_SOURCE=source, BETTER_AUTH_SECRET=None) == [
        "BETTER_AUTH_SECRET is missing: give the main site's own value"
    ]


@pytest.mark.parametrize("name", ["BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS"])
def test_a_short_secret_is_no_secret_over_http_either(name: str) -> None:
    [fault] = faults(**{"SESSION_SOURCE": "http", "BETTER_AUTH_SECRET": None, name: "1:short"})
    assert "too short" in fault


DATABASE_URLS = {
    # As printed -> user, password, host, port, database, options
    f"postgresql://app:{PASSWORD}@db.example:5433/site": (
        *("app", PASSWORD, "db.example", 5433, "site"),
        {},
    ),
    f"postgres://app:{PASSWORD}@db.example/site": (
        *("app", PASSWORD, "db.example", None, "site"),
        {},
    ),
    f"postgresql+psycopg://app:{PASSWORD}@db.example/site": (
        *("app", PASSWORD, "db.example", None, "site"),
        {},
    ),
    f"postgres://u:{PASSWORD}@{NEON}/neondb?sslmode=require&channel_binding=require": (
        *("u", PASSWORD, NEON, None, "neondb"),
        {"sslmode": "require", "channel_binding": "require"},
    ),
    f"postgresql://u:{PASSWORD}@{NEON}/neondb?options=endpoint%3Dep-x": (
        *("u", PASSWORD, NEON, None, "neondb"),
        {"options": "endpoint=ep-x"},
    ),
    "postgres://u:p%40ss%2Fw%3Ard@db.example/site": (
        *("u", "p@ss/w:rd", "db.example", None, "site"),
        {},
    ),
    "postgres://u:p@[::1]:5432/site": (*("u", "p", "::1", 5432, "site"), {}),
    "postgresql:///site?host=/var/run/postgresql": (
        *(None, None, None, None, "site"),
        {"host": "/var/run/postgresql"},
    ),
    "postgres://db.example/site": (*(None, None, "db.example", None, "site"), {}),
}


@pytest.mark.parametrize(("text", "parts"), DATABASE_URLS.items())
def test_a_database_url_works_as_it_is_printed(text: str, parts: tuple) -> None:
    for read in (settings(DATABASE_URL=text).database, _database(text)):
        url = read.url
        found = (url.username, url.password, url.host, url.port, url.database, dict(url.query))
        assert found == parts
        assert url.drivername == "postgresql+psycopg"


def _database(text: str) -> DatabaseSettings:
    return DatabaseSettings.from_environ({"DATABASE_URL": text})


def test_a_migration_needs_nothing_but_the_database() -> None:
    assert _database(GOOD["DATABASE_URL"]).tables == TableNames()
    with pytest.raises(SettingsFault, match=r"\ADATABASE_URL is missing\Z"):
        DatabaseSettings.from_environ({"BETTER_AUTH_SECRET": "short"})


def test_spaces_around_a_setting_do_not_count_and_blank_means_missing() -> None:
    read = settings(APP_URL="  https://a.example \n", EMBED_ORIGINS=" ", ONBOARDING_WIDGET="\t")
    assert (read.app_origin, read.embed_origins, read.widget) == ("https://a.example", (), "select")
    assert faults(SIGN_IN_URL="  ") == ["SIGN_IN_URL is missing"]


@pytest.mark.parametrize(
    ("text", "origins"),
    {
        "": (),
        ",": (),
        " , ,": (),
        "https://a.example": ("https://a.example",),
        "https://a.example,": ("https://a.example",),
        "https://a.example, https://b.example:8443/": (
            "https://a.example",
            "https://b.example:8443",
        ),
        "HTTPS://A.Example:443/,https://a.example": ("https://a.example",),
        "http://localhost:3000,http://127.0.0.1:3000": (
            "http://localhost:3000",
            "http://127.0.0.1:3000",
        ),
    }.items(),
)
def test_the_embedding_origins_are_a_list_as_a_browser_writes_them(
    text: str, origins: tuple[str, ...]
) -> None:
    read = settings(EMBED_ORIGINS=text)
    assert read.embed_origins == origins
    assert read.return_origins == {read.site_origin, *origins}


NAMES = {
    "plain site": ({"BETTER_AUTH_URL": "http://localhost:3000"}, "better-auth.session_token"),
    "https site": ({}, "__Secure-better-auth.session_token"),
    "secure on a plain site": (
        {"BETTER_AUTH_URL": "http://localhost:3000", "BETTER_AUTH_SECURE_COOKIES": "1"},
        "__Secure-better-auth.session_token",
    ),
    "not secure on an https site": (
        {"BETTER_AUTH_SECURE_COOKIES": "FALSE"},
        "better-auth.session_token",
    ),
    "0 is false, too": ({"BETTER_AUTH_SECURE_COOKIES": "0"}, "better-auth.session_token"),
    "a __Host- name": (
        {"BETTER_AUTH_SECURE_COOKIES": "false", "BETTER_AUTH_COOKIE_NAME": "__Host-sid"},
        "__Host-sid",
    ),
}


@pytest.mark.parametrize(("changes", "name"), NAMES.values(), ids=NAMES)
def test_the_cookie_has_the_name_that_the_settings_make(
    changes: Mapping[str, str], name: str
) -> None:
    assert settings(**changes).session_cookie.name == name


NOT_HTTP = "must be an absolute http(s) URL"
NOT_HTTPS = "must be https"
NOT_AN_ORIGIN = "must be an origin without path"

# Each bad value holds something that a message must not repeat: KEPT.
KEPT = ("hush", PASSWORD, SECRET)
BAD = {
    "DATABASE_URL": {
        f"mysql://u:{PASSWORD}@hush/db": "must start with postgresql://",
        f"postgresql+asyncpg://u:{PASSWORD}@hush/db": "must start with postgresql://",
        f"POSTGRES://u:{PASSWORD}@hush/db": "must start with postgresql://",
        "hush": "must start with postgresql://",
        f"host=hush password={PASSWORD}": "must start with postgresql://",
        f"postgresql:u:{PASSWORD}@hush/db": "must start with postgresql://",
        f"postgres://u:{PASSWORD}@hush:port/db": "is malformed",
        f"postgres://u:{PASSWORD}@hush": "must name a host and a database",
        f"postgres://u:{PASSWORD}@hush/": "must name a host and a database",
        f"postgres://u:{PASSWORD}@/hush": "must name a host and a database",
        # As such an address is split, a part of the password becomes the host, and is logged.
        "postgres://u:hu@sh/hush@hush/db": "has an '@' or '/' where none can be",
        "postgres://u:hush/hush@hush/db": "has an '@' or '/' where none can be",
        "postgres://u:hush@hush/db/hush": "has an '@' or '/' where none can be",
        f"postgres://u:{PASSWORD}@hush/db?schema=public": "has an option after the '?'",
        f"postgres://u:{PASSWORD}@hush/db?pgbouncer=true&connection_limit=1": (
            "has an option after the '?'"
        ),
        f"postgres://u:{PASSWORD}@hush/db?sslmode=require&hush=1": "has an option after the '?'",
        f"postgres://u:{PASSWORD}\udcff@hush/db": "must be UTF-8 text",
    },
    "BETTER_AUTH_SECRET": {
        "hush": "too short",
        f"{SECRET}\udcff": "must be UTF-8 text",
    },
    "BETTER_AUTH_SECRETS": {
        SECRET: "malformed",
        f"1:hush,2:{SECRET}": "too short",
    },
    "BETTER_AUTH_URL": {
        "hush": NOT_HTTP,
        "hush.example": NOT_HTTP,
        "/hush": NOT_HTTP,
        "ftp://hush.example": NOT_HTTP,
        "https://": NOT_HTTP,
        "https://hush@www.example.com": NOT_HTTP,
        f"https://u:{PASSWORD}@www.example.com": NOT_HTTP,
        "https://hush\u2100.example": NOT_HTTP,
        "https://[hush]": NOT_HTTP,
        "https://[::1": NOT_HTTP,
        "https://www.example.com/\nhush": NOT_HTTP,
        "https://www.example.com/\udcff": "must be UTF-8 text",
        "http://hush.example": NOT_HTTPS,
        "http://10.0.0.1": NOT_HTTPS,
        "http://localhost.hush.example": NOT_HTTPS,
        "HTTP://hush.example/": NOT_HTTPS,
    },
    "APP_URL": {
        "https://hush.example/app": NOT_AN_ORIGIN,
        "https://a.example//": NOT_AN_ORIGIN,
        "https://a.example?hush": NOT_AN_ORIGIN,
        "https://a.example/?": NOT_AN_ORIGIN,
        "https://a.example#hush": NOT_AN_ORIGIN,
        "https://a.example/#": NOT_AN_ORIGIN,
        "http://hush.example": NOT_HTTPS,
        "https://[hush]": NOT_HTTP,
        "https://[::1": NOT_HTTP,
        "https://hush\u2100.example": NOT_HTTP,
        "https://hush.example:port": NOT_HTTP,
        "https://u:hush@a.example": NOT_HTTP,
        "hush": NOT_HTTP,
    },
    "SIGN_IN_URL": {
        "/sign-in?hush": NOT_HTTP,
        "javascript:hush()": NOT_HTTP,
        "//hush.example/sign-in": NOT_HTTP,
        "http://hush.example/sign-in": NOT_HTTPS,
    },
    "SIGN_IN_RETURN_PARAM": {
        "hush=": "must be letters",
        "hush hush": "must be letters",
        "hush[]": "must be letters",
        "höush": "must be letters",
    },
    "EMBED_ORIGINS": {
        "*": NOT_HTTP,
        "null": NOT_HTTP,
        "https://*.hush.example": NOT_HTTP,
        "https://a.example https://hush.example": NOT_HTTP,
        "https://a.example;https://hush.example": NOT_HTTP,
        "https://a.example, hush": NOT_HTTP,
        "https://a.example, https://[hush]": NOT_HTTP,
        "https://a.example, http://hush.example": NOT_HTTPS,
        "https://hush.example/page": NOT_AN_ORIGIN,
        "https://a.example, https://hush.example/?a": NOT_AN_ORIGIN,
    },
    "BETTER_AUTH_COOKIE_PREFIX": {
        "hush;": "must be letters",
        "hush=": "must be letters",
        "hush\nhush": "must be letters",
        "hush,": "must be letters",
        "hüsh": "must be letters",
    },
    "BETTER_AUTH_COOKIE_NAME": {
        "hush hush": "must be letters",
        'hush"': "must be letters",
        "hush/": "must be letters",
    },
    "BETTER_AUTH_SECURE_COOKIES": {
        "yes": "must be true or false",
        "2": "must be true or false",
        "hush": "must be true or false",
    },
    "BETTER_AUTH_SCHEMA": {
        "hush" * 16: "must be a PostgreSQL name",
        "ж" * 32: "must be a PostgreSQL name",
        "hush\x00": "must be a PostgreSQL name",
        "hush\udcff": "must be UTF-8 text",
    },
    "BETTER_AUTH_USER_TABLE": {"hush" * 16: "must be a PostgreSQL name"},
    "BETTER_AUTH_SESSION_TABLE": {"hush" * 16: "must be a PostgreSQL name"},
    "BETTER_AUTH_USER_FIELDS": {
        "hush": "is malformed: its form is field=column",
        "name=": "is malformed: its form is field=column",
        "=hush": "names a field that this app doesn't read: id, name, email, banned",
        "name=hush,name=hush": "is malformed: its form is field=column",
        "userId=hush": "names a field that this app doesn't read",
        "Name=hush": "names a field that this app doesn't read",
        "name=" + "hush" * 16: "must be a PostgreSQL name",
    },
    "BETTER_AUTH_SESSION_FIELDS": {
        "userId:hush": "is malformed: its form is field=column",
        "email=hush": "names a field that this app doesn't read: token, userId, expiresAt",
    },
    "SESSION_SOURCE": {
        "hush": "must be database or http",
        "HTTP": "must be database or http",
    },
    "SESSION_URL": {
        "/hush": NOT_HTTP,
        "http://hush.example/api/auth/get-session": NOT_HTTPS,
    },
    "SESSION_CACHE_SECONDS": {
        "61": "must be a number from 0 to 60",
        "0.5": "must be a number from 0 to 60",
        "-1": "must be a number from 0 to 60",
        "hush": "must be a number from 0 to 60",
    },
    "SITE_NAME": {
        "Acme\nDocs": "must be one line of at most 60 characters",
        "Acme\u202eDocs": "must be one line of at most 60 characters",
        "x" * 61: "must be one line of at most 60 characters",
    },
    "ONBOARDING_WIDGET": {
        "hush": "must be select or cards",
        "Select": "must be select or cards",
        "select,cards": "must be select or cards",
    },
    "FORWARDED_PROXIES": {
        "-1": "must be a number from 0 to 9",
        "10": "must be a number from 0 to 9",
        "1.5": "must be a number from 0 to 9",
        "hush": "must be a number from 0 to 9",
        "\u0663": "must be a number from 0 to 9",
        "²": "must be a number from 0 to 9",
        "1" * 5000: "must be a number from 0 to 9",
    },
    "WEB_THREADS": dict.fromkeys(("hush", "0", "-8", "1001"), "must be a number from 1 to 1000"),
    "LOG_FORMAT": {"hush": "must be json or plain", "JSON": "must be json or plain"},
    "LOG_LEVEL": {
        "hush": "must be info, debug, warning or error",
        "10": "must be info, debug, warning or error",
        "critical": "must be info, debug, warning or error",
    },
    "WRITES_PER_MINUTE": {
        "hush": "must be a number from 0 to 10000",
        "-1": "must be a number from 0 to 10000",
        "10001": "must be a number from 0 to 10000",
        "30/minute": "must be a number from 0 to 10000",
    },
    "RATE_LIMIT_STORAGE": dict.fromkeys(
        (
            "hush",
            "memory",
            "memcached://hush",
            "redis://",
            "redis://:hush@",
            "redis://host:port",
            "redis://host:70000",
            "redis://host/name",
            "redis://host/0?socket_timeout=hush",
            "redis://host/0#hush",
            "redis+unix:///hush",
            "redis://[hush",
        ),
        "must be memory:// or redis://host:port/number (rediss:// for TLS)",
    ),
}


@pytest.mark.parametrize(
    ("variable", "text", "fault"),
    [(variable, *pair) for variable, table in BAD.items() for pair in table.items()],
    ids=lambda text: ascii(text)[:60],
)
def test_a_bad_value_is_named_in_one_line_that_never_repeats_it(
    variable: str, text: str, fault: str
) -> None:
    [line] = faults(**{variable: text})
    assert line.startswith(f"{variable} ")
    assert fault in line
    assert "\n" not in line
    assert [kept for kept in KEPT if kept in line] == []
    assert line.isascii()


REQUIRED = list(GOOD)


@pytest.mark.parametrize("variable", REQUIRED)
def test_a_required_setting_is_missed_by_name(variable: str) -> None:
    [line] = faults(**{variable: None})
    assert line.startswith(f"{variable} is missing")


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(SettingsFault) as refusal:
        Settings.from_environ({})
    assert [line.split()[0] for line in refusal.value.faults] == REQUIRED


def test_all_that_is_wrong_is_named_at_once_a_line_each() -> None:
    wrong = {variable: next(iter(table)) for variable, table in BAD.items()}
    lines = faults(**wrong)
    # The list of secrets beats the single one, whose fault then doesn't matter.
    assert sorted(line.split()[0] for line in lines) == sorted(set(BAD) - {"BETTER_AUTH_SECRET"})


def test_neither_secret_nor_database_url_is_in_any_text_about_the_settings() -> None:
    read = settings()
    for text in (repr(read), str(read), repr(read.database), f"{read.session_cookie}"):
        for kept in (SECRET, PASSWORD, "db.example", "app:"):
            assert kept not in text
