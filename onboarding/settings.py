"""The settings: each one line here, read once from the environment and checked together.

Nothing is guessed: no default secret, no default origin. Every error is one line that names the
variable and says what it must be. It never repeats a value, which might be secret.
"""

import hashlib
import hmac
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import cached_property
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from sqlalchemy.engine import URL

from onboarding import setting_parsers as parse
from onboarding.betterauth.cookie import ForwardedCookie, SessionCookie
from onboarding.betterauth.get_session import get_session_url
from onboarding.betterauth.schema import TableNames
from onboarding.betterauth.secret import SecretError, session_cookie_name, signing_secret
from onboarding.database_url import parse_database_url
from onboarding.logs import FORMATS, LEVELS
from onboarding.setting_parsers import MEMORY
from onboarding.themes import Theme, read_themes
from onboarding.urls import origin_of

# The default of WEB_THREADS: how many requests a worker handles at once.
THREADS = 32
SECRET_VARIABLES = ("BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS")
# Read by gunicorn.conf.py.
SERVER_VARIABLES = ("BIND", "WEB_CONCURRENCY")

# How alike two names are (0 to 1) before one counts as a slip of the other. ONBOARDING_WIGET is one;
# DATABASE_URL_UNPOOLED, which Neon sets beside DATABASE_URL, is not.
_ALIKE = 0.85

_MISSING = object()


class SettingsError(Exception):
    """The environment doesn't make a working app; `errors` holds one line each."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def _setting(
    variable: str, parse: Callable[[str], Any], default: Any = _MISSING, *, secret: bool = False
) -> Any:
    """`default` is the value, not a text that is parsed; without one the variable is needed."""
    metadata = {"variable": variable, "parse": parse, "default": default}
    return field(repr=not secret, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    """Where the shared database is, and how the main site named its tables.

    All that a migration needs, so that it runs without the main site's secret.
    """

    database_url: URL = _setting("DATABASE_URL", parse_database_url, secret=True)
    schema: str = _setting("BETTER_AUTH_SCHEMA", parse.postgres_name, "")
    user_table: str = _setting("BETTER_AUTH_USER_TABLE", parse.postgres_name, "user")
    session_table: str = _setting("BETTER_AUTH_SESSION_TABLE", parse.postgres_name, "session")
    user_fields: parse.Columns = _setting("BETTER_AUTH_USER_FIELDS", parse.user_fields, {})
    session_fields: parse.Columns = _setting("BETTER_AUTH_SESSION_FIELDS", parse.session_fields, {})

    @property
    def tables(self) -> TableNames:
        """The names of the main site's tables and of their renamed columns."""
        return TableNames(
            self.schema, self.user_table, self.session_table, self.user_fields, self.session_fields
        )

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Return the settings that the environment holds. Raise `SettingsError` with all errors."""
        values, errors = cls._read(environ)
        if errors:
            raise SettingsError(errors)
        return cls(**values)

    @classmethod
    def _read(cls, environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
        """Return the values of the settings, and a line for each that is faulty."""
        values: dict[str, Any] = {}
        errors: list[str] = []
        for setting in fields(cls):
            if not setting.metadata:
                continue
            variable, default = setting.metadata["variable"], setting.metadata["default"]
            text = environ.get(variable, "").strip()
            if not text and default is _MISSING:
                errors.append(f"{variable} is missing")
                continue
            try:
                text.encode()
                values[setting.name] = setting.metadata["parse"](text) if text else default
            except UnicodeEncodeError:
                errors.append(f"{variable} must be UTF-8 text")
            except ValueError as error:
                errors.append(f"{variable} {error}")
        return values, errors


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings):
    """All settings of the app. Origins are as a browser writes them; names ending in _s are seconds."""

    secret: str = field(repr=False)
    """The main site's; empty where it isn't shared, which only `session_source` "http" allows."""
    session_source: str = _setting("SESSION_SOURCE", parse.one_of("database", "http"), "database")
    site_url: str = _setting("BETTER_AUTH_URL", parse.safe_url)
    app_origin: str = _setting("APP_URL", parse.bare_origin)
    sign_in_url: str = _setting("SIGN_IN_URL", parse.safe_url)
    sign_in_return_param: str = _setting("SIGN_IN_RETURN_PARAM", parse.token, "callbackURL")
    embed_origins: tuple[str, ...] = _setting("EMBED_ORIGINS", parse.bare_origins, ())
    cookie_prefix: str = _setting("BETTER_AUTH_COOKIE_PREFIX", parse.token, "better-auth")
    cookie_name: str = _setting("BETTER_AUTH_COOKIE_NAME", parse.token, "")
    secure_cookies: bool | None = _setting("BETTER_AUTH_SECURE_COOKIES", parse.boolean, None)
    get_session_url: str = _setting("SESSION_URL", parse.safe_url, "")
    session_cache_s: int = _setting("SESSION_CACHE_SECONDS", parse.number(0, 60), 10)
    site_name: str = _setting("SITE_NAME", parse.short_text, "")
    widget: str = _setting("ONBOARDING_WIDGET", parse.one_of("select", "cards"), "select")
    themes: Mapping[str, Theme] = _setting("THEMES_FILE", read_themes, {})
    forwarded_proxies: int = _setting("FORWARDED_PROXIES", parse.number(0, 9), 0)
    read_budget_s: int = _setting("READ_BUDGET_SECONDS", parse.number(1, 60), 5)
    write_budget_s: int = _setting("WRITE_BUDGET_SECONDS", parse.number(1, 60), 8)
    prepare: str = _setting("DATABASE_PREPARE", parse.one_of("auto", "off"), "auto")
    threads: int = _setting("WEB_THREADS", parse.number(1, 1000), THREADS)
    log_format: str = _setting("LOG_FORMAT", parse.one_of(*FORMATS), FORMATS[0])
    log_level: str = _setting("LOG_LEVEL", parse.one_of(*LEVELS), LEVELS[0])
    writes_per_minute: int = _setting("WRITES_PER_MINUTE", parse.number(0, 10_000), 30)
    """Of one user; 0 is without limit."""
    rate_limit_storage: str = _setting("RATE_LIMIT_STORAGE", parse.storage, MEMORY, secret=True)

    @classmethod
    def _read(cls, environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
        values, errors = super()._read(environ)
        values["secret"] = ""
        by_http = values.get("session_source") == "http"
        if not by_http or any(environ.get(variable) for variable in SECRET_VARIABLES):
            try:
                values["secret"] = signing_secret(environ)
            except SecretError as error:
                errors.append(str(error))
        elif values.get("rate_limit_storage", MEMORY) != MEMORY:
            # Users are counted under pseudonyms, which need a key that all processes share.
            errors.append("RATE_LIMIT_STORAGE needs BETTER_AUTH_SECRET, unless it is memory://")
        return values, errors

    @cached_property
    def session_cookie(self) -> SessionCookie | ForwardedCookie:
        """The main site's session cookie: verified here, or passed on to the main site."""
        name = session_cookie_name(
            site_is_https=self.site_url.startswith("https:"),
            prefix=self.cookie_prefix,
            name=self.cookie_name,
            secure=self.secure_cookies,
        )
        verifier = SessionCookie(name, self.secret) if self.secret else None
        if self.session_source == "http" or verifier is None:
            return ForwardedCookie(name, verifier)
        return verifier

    @property
    def session_url(self) -> str:
        """The main site's `get-session`."""
        return self.get_session_url or get_session_url(self.site_url)

    @cached_property
    def site_origin(self) -> str:
        """The main site's origin."""
        return origin_of(self.site_url) or ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log line may hold."""
        url, storage = self.database_url, urlsplit(self.rate_limit_storage)
        secrets = {self.secret, url.password, storage.password, unquote(storage.password or "")}
        for option in ("password", "sslpassword"):
            value = url.query.get(option, ())
            secrets |= {value} if isinstance(value, str) else set(value)
        return tuple(secret for secret in secrets if secret)

    @property
    def max_waiting(self) -> int:
        """How many requests of a process may wait for another machine while it is silent.

        A quarter of the threads, at most four, stay free for the probes. A single thread can't.
        """
        return max(1, self.threads - min(4, math.ceil(self.threads / 4)))

    @cached_property
    def return_origins(self) -> frozenset[str]:
        """The origins that a finished user may be sent back to."""
        return frozenset({self.site_origin, *self.embed_origins})

    @cached_property
    def caller_origins(self) -> frozenset[str]:
        """The origins whose pages may call the API with the user's cookie."""
        return self.return_origins | {self.app_origin}

    def derive_key(self, label: str) -> bytes:
        """Return a 32-byte key: HKDF-SHA-256 (RFC 5869) of the secret, no salt, `label` as info."""
        pseudo_random_key = hmac.digest(bytes(32), self.secret.encode(), hashlib.sha256)
        return hmac.digest(pseudo_random_key, label.encode() + b"\x01", hashlib.sha256)


def variables() -> tuple[str, ...]:
    """Return the name of every environment variable that the app or its server reads."""
    named = [one.metadata["variable"] for one in fields(Settings) if one.metadata]
    return (*SECRET_VARIABLES, *named, *SERVER_VARIABLES)


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a line for each variable that looks like an unset setting: its name and the setting's."""
    known = variables()
    unset = [name for name in known if not environ.get(name, "").strip()]
    return [
        f"{name} is not a setting: did you mean {nearest[0]}?"
        for name in sorted(set(environ) - set(known))
        if (nearest := get_close_matches(name, unset, n=1, cutoff=_ALIKE))
    ]
