"""Settings, read once from the environment and checked together.

Nothing guesses: no default secret, no default origin. Every fault is one line that names the
variable and says what it must be, and never repeats a value, which might be secret.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast
from urllib.parse import unquote, urlsplit

from sqlalchemy.engine import URL

from onboarding import values
from onboarding.betterauth.cookie import ForwardedCookie, SessionCookie
from onboarding.betterauth.endpoints import get_session_url
from onboarding.betterauth.schema import SESSION_FIELDS, USER_FIELDS, TableNames
from onboarding.betterauth.secret import SecretFault, session_cookie_name, signing_secret
from onboarding.logs import FORMATS, LEVELS
from onboarding.themes import Theme
from onboarding.values import MEMORY

T = TypeVar("T")

# Of each worker of the server, where WEB_THREADS doesn't say.
THREADS = 32


class SettingsFault(Exception):
    """The environment doesn't make a working app; `faults` holds one line each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class DatabaseSettings:
    """Where the shared database is and how the main site named its tables there.

    All that a migration needs, so that it can run without the main site's secret.
    """

    url: URL = field(repr=False)
    tables: TableNames

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "DatabaseSettings":
        """Read `DATABASE_URL` and the table names. Raises `SettingsFault`."""
        reader = _Reader(environ)
        database = _read_database(reader)
        reader.finish()
        return database


@dataclass(frozen=True)
class Settings:
    """Everything the app can be told. Addresses are origins as a browser writes them."""

    database: DatabaseSettings
    secret: str = field(repr=False)
    """The main site's; empty when it keeps it to itself, which only `session_url` allows."""
    session_cookie: SessionCookie | ForwardedCookie
    """By its type also the source: forwarded to the main site, or looked up in its tables."""
    session_url: str
    """The main site's `get-session`."""
    session_cache_s: int
    read_budget_s: float
    """What a read of the database may take, with all its attempts."""
    prepares: bool
    """Whether the one read of a request is a prepared statement, where the way there lets it."""
    write_budget_s: float
    """What a whole request may take of the database's time, a save included."""
    site_name: str
    """As people call the main site; empty where nobody said it."""
    site_url: str
    site_origin: str
    app_origin: str
    sign_in_url: str
    sign_in_return_param: str
    embed_origins: tuple[str, ...]
    widget: str
    themes: Mapping[str, Theme]
    forwarded_proxies: int
    threads: int
    """How many requests a process of the server works on at once."""
    log_format: str
    log_level: str
    writes_per_minute: int
    """Of one person; 0 is without limit."""
    rate_limit_storage: str = field(repr=False)
    """Where they are counted: `memory://`, or the address of a Redis, perhaps with its password."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log line may hold."""
        url, storage = self.database.url, urlsplit(self.rate_limit_storage)
        known = {self.secret, url.password, storage.password, unquote(storage.password or "")}
        for option in ("password", "sslpassword"):
            given = url.query.get(option, ())
            known |= {given} if isinstance(given, str) else set(given)
        return tuple(secret for secret in known if secret)

    @property
    def room(self) -> int:
        """How many requests of a process may wait for another machine at once.

        A quarter of its threads, at most four, stay free to answer the probes, and to say that the
        other machine is silent; with one thread there is none to spare.
        """
        return max(1, self.threads - min(4, math.ceil(self.threads / 4)))

    @property
    def return_origins(self) -> frozenset[str]:
        """The origins that a finished person may be sent back to."""
        return frozenset({self.site_origin, *self.embed_origins})

    @property
    def caller_origins(self) -> frozenset[str]:
        """The origins whose pages may call the API with the visitor's cookie."""
        return self.return_origins | {self.app_origin}

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read every setting. Raises `SettingsFault` with all faults at once."""
        reader = _Reader(environ)
        database = _read_database(reader)
        by_http = (
            reader.optional("SESSION_SOURCE", values.one_of("database", "http"), "database")
            == "http"
        )
        secret = reader.secret(may_be_missing=by_http)
        site_url = reader.required("BETTER_AUTH_URL", values.safe_url)
        app_origin = reader.required("APP_URL", values.lone_origin)
        session_url = reader.optional("SESSION_URL", values.safe_url_or_none, "")
        session_cache_s = reader.optional("SESSION_CACHE_SECONDS", values.up_to(60), "10")
        sign_in_url = reader.required("SIGN_IN_URL", values.safe_url)
        sign_in_return_param = reader.optional("SIGN_IN_RETURN_PARAM", values.token, "callbackURL")
        embed_origins = reader.optional("EMBED_ORIGINS", values.lone_origins, "")
        cookie_prefix = reader.optional("BETTER_AUTH_COOKIE_PREFIX", values.token, "better-auth")
        cookie_name = reader.optional("BETTER_AUTH_COOKIE_NAME", values.token, "")
        secure_cookies = reader.optional("BETTER_AUTH_SECURE_COOKIES", values.switch, "")
        site_name = reader.optional("SITE_NAME", values.short_text, "")
        widget = reader.optional("ONBOARDING_WIDGET", values.one_of("select", "cards"), "select")
        themes = reader.optional("THEMES_FILE", values.themes, "")
        forwarded_proxies = reader.optional("FORWARDED_PROXIES", values.up_to(9), "0")
        read_budget_s = reader.optional("READ_BUDGET_SECONDS", values.from_to(1, 60), "5")
        prepares = (
            reader.optional("DATABASE_PREPARE", values.one_of("auto", "off"), "auto") == "auto"
        )
        write_budget_s = reader.optional("WRITE_BUDGET_SECONDS", values.from_to(1, 60), "8")
        threads = reader.optional("WEB_THREADS", values.from_to(1, 1000), str(THREADS))
        log_format = reader.optional("LOG_FORMAT", values.one_of(*FORMATS), FORMATS[0])
        log_level = reader.optional("LOG_LEVEL", values.one_of(*LEVELS), LEVELS[0])
        writes_per_minute = reader.optional("WRITES_PER_MINUTE", values.up_to(10_000), "30")
        rate_limit_storage = reader.optional("RATE_LIMIT_STORAGE", values.storage, MEMORY)
        if by_http and not secret and rate_limit_storage not in {MEMORY, None}:
            # Who is counted is named by a key that is made of it, the same in all processes.
            reader.fault("RATE_LIMIT_STORAGE needs BETTER_AUTH_SECRET, unless it is memory://")
        reader.finish()
        name = session_cookie_name(
            site_is_https=site_url.startswith("https:"),
            prefix=cookie_prefix,
            name=cookie_name,
            secure=secure_cookies,
        )
        verifier = SessionCookie(name, secret) if secret else None
        return cls(
            database=database,
            secret=secret,
            session_cookie=verifier
            if verifier and not by_http
            else ForwardedCookie(name, verifier),
            session_url=session_url or get_session_url(site_url),
            session_cache_s=session_cache_s,
            read_budget_s=read_budget_s,
            prepares=prepares,
            write_budget_s=write_budget_s,
            site_name=site_name,
            site_url=site_url,
            site_origin=values.origin(site_url),
            app_origin=app_origin,
            sign_in_url=sign_in_url,
            sign_in_return_param=sign_in_return_param,
            embed_origins=embed_origins,
            widget=widget,
            themes=themes,
            forwarded_proxies=forwarded_proxies,
            threads=threads,
            log_format=log_format,
            log_level=log_level,
            writes_per_minute=writes_per_minute,
            rate_limit_storage=rate_limit_storage,
        )


class _Reader:
    """Takes settings from an environment and keeps the faults, to report them together.

    After a fault a value is only a stand-in; `finish` raises before anybody can use it.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._faults: list[str] = []

    def required(self, variable: str, parse: Callable[[str], T]) -> T:
        return self._parsed(variable, parse, None)

    def optional(self, variable: str, parse: Callable[[str], T], default: str) -> T:
        return self._parsed(variable, parse, default)

    def secret(self, *, may_be_missing: bool) -> str:
        given = self._environ.get("BETTER_AUTH_SECRETS") or self._environ.get("BETTER_AUTH_SECRET")
        if may_be_missing and not given:
            return ""
        try:
            return signing_secret(self._environ)
        except SecretFault as fault:
            self._faults.append(str(fault))
            return ""

    def fault(self, line: str) -> None:
        self._faults.append(line)

    def finish(self) -> None:
        if self._faults:
            raise SettingsFault(self._faults)

    def _parsed(self, variable: str, parse: Callable[[str], T], default: str | None) -> T:
        value = self._environ.get(variable, "").strip() or default
        if value is None:
            self._faults.append(f"{variable} is missing")
            return cast(T, None)
        try:
            value.encode()
            return parse(value)
        except UnicodeEncodeError:
            self._faults.append(f"{variable} must be UTF-8 text")
            return cast(T, None)
        except ValueError as fault:
            self._faults.append(f"{variable} {fault}")
            return cast(T, None)


def _read_database(reader: _Reader) -> DatabaseSettings:
    return DatabaseSettings(
        url=reader.required("DATABASE_URL", values.database_url),
        tables=TableNames(
            schema=reader.optional("BETTER_AUTH_SCHEMA", values.postgres_name, ""),
            user=reader.optional("BETTER_AUTH_USER_TABLE", values.postgres_name, "user"),
            session=reader.optional("BETTER_AUTH_SESSION_TABLE", values.postgres_name, "session"),
            user_columns=reader.optional(
                "BETTER_AUTH_USER_FIELDS", values.columns_of(USER_FIELDS), ""
            ),
            session_columns=reader.optional(
                "BETTER_AUTH_SESSION_FIELDS", values.columns_of(SESSION_FIELDS), ""
            ),
        ),
    )
