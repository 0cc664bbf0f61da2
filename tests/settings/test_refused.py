"""What is missing, malformed or misspelled is refused together, by name and never by value."""

import pytest

from onboarding.settings import Settings, SettingsError, unknown_variables
from tests.settings.environ import GOOD, PASSWORD, SECRET, faults

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
