"""Settings: read once, checked together, refused by name and never by value."""

import logging
from collections.abc import Mapping

import pytest

from onboarding.betterauth.cookie import ForwardedCookie, SessionCookie
from onboarding.betterauth.schema import TableNames
from onboarding.logs import LineFormatter
from onboarding.settings import DatabaseSettings, Settings, SettingsError, unknown_variables

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
    with pytest.raises(SettingsError) as refusal:
        settings(**changes)
    assert str(refusal.value) == "\n".join(refusal.value.errors)
    return refusal.value.errors


# What each setting is without its variable, and what its variable makes of it.
TAKEN = {
    "site_url": ("https://www.example.com", "BETTER_AUTH_URL", "http://localhost:3000/base"),
    "app_origin": ("https://onboarding.example.com", "APP_URL", "http://localhost:8000/"),
    "sign_in_url": ("https://www.example.com/sign-in", "SIGN_IN_URL", "http://localhost:3000/in"),
    "sign_in_return_param": ("callbackURL", "SIGN_IN_RETURN_PARAM", "redirect_to"),
    "embed_origins": ((), "EMBED_ORIGINS", "https://a.example"),
    "site_name": ("", "SITE_NAME", "Acme Docs"),
    "widget": ("select", "ONBOARDING_WIDGET", "cards"),
    "forwarded_proxies": (0, "FORWARDED_PROXIES", "2"),
    "session_cache_s": (10, "SESSION_CACHE_SECONDS", "0"),
    "threads": (None, "WEB_THREADS", "7"),
    "log_format": ("json", "LOG_FORMAT", "plain"),
    "log_level": ("info", "LOG_LEVEL", "warning"),
    "writes_per_minute": (30, "WRITES_PER_MINUTE", "0"),
    "rate_limit_storage": (
        "memory://",
        "RATE_LIMIT_STORAGE",
        "rediss://me:pass-word@r.example:1/2",
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_setting_has_its_default_or_what_its_variable_says(name: str) -> None:
    default, variable, text = TAKEN[name]
    if default is not None:
        assert getattr(settings(), name) == default
    taken = getattr(settings(**{variable: f" {text} "}), name)
    if name == "embed_origins":
        assert taken == (text,)
    else:
        assert str(taken) == (text.rstrip("/") if name == "app_origin" else text)


def test_the_tables_of_the_main_site_are_as_they_are_named() -> None:
    assert settings().tables == TableNames(schema="", user="user", session="session")
    named = settings(
        BETTER_AUTH_SCHEMA="Auth Schema",
        BETTER_AUTH_USER_TABLE="users",
        BETTER_AUTH_SESSION_TABLE="sessions",
        BETTER_AUTH_USER_FIELDS=" name = full_name ,email=mail,",
        BETTER_AUTH_SESSION_FIELDS="userId=owner,expiresAt=Valid Until",
    )
    assert named.tables == TableNames(
        "Auth Schema",
        "users",
        "sessions",
        {"name": "full_name", "email": "mail"},
        {"userId": "owner", "expiresAt": "Valid Until"},
    )


def test_secrets_are_known_to_be_secret_and_in_no_text_about_the_settings() -> None:
    read = settings(RATE_LIMIT_STORAGE="rediss://me:pass-word@redis.example:6380/2")
    assert set(read.secrets) == {SECRET, PASSWORD, "pass-word"}
    for text in (repr(read), str(read), f"{read.session_cookie}"):
        for hidden in (SECRET, PASSWORD, "pass-word", "db.example", "app:"):
            assert hidden not in text


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
def test_every_spelling_of_a_password_is_secret(changes: dict[str, str], known: set[str]) -> None:
    read = settings(**changes)
    assert set(read.secrets) == {SECRET, *known}
    record = logging.LogRecord("x", logging.ERROR, "", 1, f"It said {known}", None, None)
    line = LineFormatter("json", read.secrets).format(record)
    assert [one for one in known if one in line] == []
    assert line.count("[secret]") >= len(known)


def test_a_shared_count_of_writes_needs_a_key_that_is_shared() -> None:
    by_http = {"SESSION_SOURCE": "http", "BETTER_AUTH_SECRET": None}
    assert faults(**by_http, RATE_LIMIT_STORAGE="redis://10.0.0.5") == [
        "RATE_LIMIT_STORAGE needs BETTER_AUTH_SECRET, unless it is memory://"
    ]
    assert settings(**by_http).rate_limit_storage == "memory://"
    with_it = settings(SESSION_SOURCE="http", RATE_LIMIT_STORAGE="redis://10.0.0.5")
    assert with_it.rate_limit_storage == "redis://10.0.0.5"
    assert settings(BETTER_AUTH_COOKIE_NAME="sid").session_cookie.name == "__Secure-sid"


def test_sessions_over_http_need_no_secret_but_use_one() -> None:
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
        "BETTER_AUTH_SECRET is missing: set the main site's own value"
    ]


@pytest.mark.parametrize("name", ["BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS"])
def test_a_short_secret_is_no_secret_over_http_either(name: str) -> None:
    [fault] = faults(**{"SESSION_SOURCE": "http", "BETTER_AUTH_SECRET": None, name: "1:short"})
    assert "too short" in fault


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


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"BETTER_AUTH_URL": "http://localhost:3000"}, "better-auth.session_token"),
        ({"BETTER_AUTH_SECURE_COOKIES": "FALSE"}, "better-auth.session_token"),
        (
            {"BETTER_AUTH_URL": "http://localhost:3000", "BETTER_AUTH_SECURE_COOKIES": "1"},
            "__Secure-better-auth.session_token",
        ),
        (
            {"BETTER_AUTH_SECURE_COOKIES": "0", "BETTER_AUTH_COOKIE_NAME": "__Host-sid"},
            "__Host-sid",
        ),
    ],
)
def test_the_cookie_has_the_name_that_the_settings_make(
    changes: Mapping[str, str], name: str
) -> None:
    assert settings(**changes).session_cookie.name == name


NOT_HTTP = "must be an absolute http(s) URL"
NOT_HTTPS = "must be https"
NOT_AN_ORIGIN = "must be an origin without path"

# A bad value holds one of these, which no message may repeat.
HIDDEN = ("hush", PASSWORD, SECRET)
BAD = {
    "DATABASE_URL": {
        **dict.fromkeys(
            (
                f"mysql://u:{PASSWORD}@hush/db",
                "hush",
                f"host=hush password={PASSWORD}",
                f"postgresql:u:{PASSWORD}@hush/db",
            ),
            "must start with postgresql://",
        ),
        f"postgres://u:{PASSWORD}@hush:port/db": "is malformed",
        f"postgres://u:{PASSWORD}@hush": "must name a host and a database",
        f"postgres://u:{PASSWORD}@/hush": "must name a host and a database",
        # Such an address is split so that a part of the password becomes the host, and is logged.
        **dict.fromkeys(
            (
                "postgres://u:hu@sh/hush@hush/db",
                "postgres://u:hush/hush@hush/db",
                "postgres://u:hush@hush/db/hush",
            ),
            "has an '@' or '/' where none can be",
        ),
        f"postgres://u:{PASSWORD}@hush:1,b:2,c/db?port=1,2": "is malformed",
        f"postgres://u:{PASSWORD}%00@hush/db": "is malformed",
        f"prisma+postgres://hush/?api_key={PASSWORD}": "is an address of Prisma's",
        f"postgres://u:{PASSWORD}@hush/db?schema=hush": "has the option schema: remove it",
        f"postgres://u:{PASSWORD}@hush/db?ssl=hush": "has the option ssl: write sslmode=require",
        f"postgres://u:{PASSWORD}@hush/db?sslaccept=strict": "has the option sslaccept: write sslm",
        f"postgres://u:{PASSWORD}@hush/db?sslmode=verify-full": "add sslrootcert=system",
        f"postgres://u:{PASSWORD}@hush/db?sslrootcert=/hush": "names a root certificate",
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
        **dict.fromkeys(
            ("hush", "/hush", "ftp://hush.example", "https://", "https://[hush]"), NOT_HTTP
        ),
        f"https://u:{PASSWORD}@www.example.com": NOT_HTTP,
        "https://hush\u2100.example": NOT_HTTP,
        "https://www.example.com/\nhush": NOT_HTTP,
        "https://www.example.com/\udcff": "must be UTF-8 text",
        **dict.fromkeys(
            ("http://hush.example", "http://10.0.0.1", "http://localhost.hush.example"), NOT_HTTPS
        ),
    },
    "APP_URL": {
        **dict.fromkeys(
            ("https://hush.example/app", "https://a.example?hush", "https://a.example#hush"),
            NOT_AN_ORIGIN,
        ),
        "http://hush.example": NOT_HTTPS,
        "https://hush.example:port": NOT_HTTP,
    },
    "SIGN_IN_URL": {
        "/sign-in?hush": NOT_HTTP,
        "javascript:hush()": NOT_HTTP,
        "//hush.example/sign-in": NOT_HTTP,
        "http://hush.example/sign-in": NOT_HTTPS,
    },
    "SIGN_IN_RETURN_PARAM": dict.fromkeys(
        ("hush=", "hush hush", "hush[]", "höush"), "must be letters"
    ),
    "EMBED_ORIGINS": {
        **dict.fromkeys(
            ("*", "null", "https://*.hush.example", "https://a.example, hush"), NOT_HTTP
        ),
        "https://a.example https://hush.example": NOT_HTTP,
        "https://a.example, http://hush.example": NOT_HTTPS,
        "https://a.example, https://hush.example/?a": NOT_AN_ORIGIN,
    },
    "BETTER_AUTH_COOKIE_PREFIX": dict.fromkeys(
        ("hush;", "hush=", "hush\nhush", "hush,", "hüsh"), "must be letters"
    ),
    "BETTER_AUTH_COOKIE_NAME": dict.fromkeys(("hush hush", 'hush"', "hush/"), "must be letters"),
    "BETTER_AUTH_SECURE_COOKIES": dict.fromkeys(("yes", "2", "hush"), "must be true or false"),
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
    "SESSION_CACHE_SECONDS": dict.fromkeys(
        ("61", "0.5", "-1", "hush"), "must be a number from 0 to 60"
    ),
    "SITE_NAME": dict.fromkeys(
        ("Acme\nDocs", "Acme\u202eDocs", "x" * 61), "must be one line of at most 60 characters"
    ),
    "ONBOARDING_WIDGET": dict.fromkeys(
        ("hush", "Select", "select,cards"), "must be select or cards"
    ),
    "FORWARDED_PROXIES": dict.fromkeys(
        ("-1", "10", "1.5", "hush", "\u0663", "²", "1" * 5000), "must be a number from 0 to 9"
    ),
    "DATABASE_PREPARE": {"hush": "must be auto or off"},
    "WEB_THREADS": dict.fromkeys(("hush", "0", "-8", "1001"), "must be a number from 1 to 1000"),
    "LOG_FORMAT": {"hush": "must be json or plain", "JSON": "must be json or plain"},
    "LOG_LEVEL": dict.fromkeys(("hush", "10", "critical"), "must be info, debug, warning or error"),
    "WRITES_PER_MINUTE": dict.fromkeys(
        ("hush", "-1", "10001", "30/minute"), "must be a number from 0 to 10000"
    ),
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
    assert [hidden for hidden in HIDDEN if hidden in line] == []
    assert line.isascii()


REQUIRED = set(GOOD)


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environ({})
    assert {line.split()[0] for line in refusal.value.errors} == REQUIRED


def test_all_that_is_wrong_is_named_at_once_a_line_each() -> None:
    wrong = {variable: next(iter(table)) for variable, table in BAD.items()}
    lines = faults(**wrong)
    # The list of secrets beats the single one, whose fault then doesn't matter.
    assert sorted(line.split()[0] for line in lines) == sorted(set(BAD) - {"BETTER_AUTH_SECRET"})


def test_a_misspelled_variable_is_named_with_the_setting_that_was_meant() -> None:
    environ = {**GOOD, "ONBOARDING_WIGET": "cards", "EMBED_ORIGIN": "https://a.example"}
    assert unknown_variables(environ) == [
        "EMBED_ORIGIN is not a setting: did you mean EMBED_ORIGINS?",
        "ONBOARDING_WIGET is not a setting: did you mean ONBOARDING_WIDGET?",
    ]


@pytest.mark.parametrize(
    "name", ["DATABASE_URL_UNPOOLED", "PATH", "LOGNAME", "PGHOST", "DATABASE_URL", "AUTH_SECRET"]
)
def test_a_variable_of_other_software_is_no_misspelled_setting(name: str) -> None:
    assert unknown_variables({**GOOD, name: "x"}) == []


def test_keys_differ_by_their_label_and_by_the_secret() -> None:
    keys = {
        settings(BETTER_AUTH_SECRET=secret).derive_key(label)
        for secret in (SECRET, SECRET[::-1])
        for label in ("a", "b")
    }
    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}
