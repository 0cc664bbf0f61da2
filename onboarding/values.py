"""What a single setting may be: a function each, from the text as it is written to its value.

Every function raises `ValueError` with what the setting must be; that never repeats the text, which
might be secret.
"""

import re
from collections.abc import Callable, Collection, Mapping
from importlib.util import find_spec
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from onboarding.addresses import is_loopback, origin_of
from onboarding.themes import Theme, read_themes

# Where writes are counted when each process counts for itself.
MEMORY = "memory://"


def database_url(text: str) -> URL:
    # Neon and Heroku print postgres://, which SQLAlchemy 2 refuses.
    head, separator, rest = text.partition("://")
    if head not in {"postgres", "postgresql", "postgresql+psycopg"} or not separator:
        raise ValueError("must start with postgresql://")
    try:
        url = make_url(f"postgresql+psycopg://{rest}")
    except (ArgumentError, ValueError):
        raise ValueError("is malformed: its form is postgresql://user:password@host/name") from None
    _, _, path = rest.partition("?")[0].partition("/")
    if "@" in path or "/" in path:
        raise ValueError(
            "has an '@' or '/' where none can be: percent-encode those of user and password"
        )
    if "%00" in rest or not 0 < (url.port or 5432) < 65536:
        raise ValueError("is malformed: its form is postgresql://user:password@host/name")
    if not url.database or not (url.host or "host" in url.query):
        raise ValueError("must name a host and a database")
    try:
        make_conninfo(**dict.fromkeys(url.query, ""))
    except ProgrammingError:
        # Prisma's "schema" and "pgbouncer", for instance, which the driver refuses.
        raise ValueError("has an option after the '?' that PostgreSQL doesn't know") from None
    return url


def columns_of(fields: Collection[str]) -> Callable[[str], Mapping[str, str]]:
    def columns(text: str) -> Mapping[str, str]:
        named: dict[str, str] = {}
        for pair in filter(None, map(str.strip, text.split(","))):
            name, equals, column = (part.strip() for part in pair.partition("="))
            if not equals or not column or name in named:
                raise ValueError("is malformed: its form is field=column,field=column")
            if name not in fields:
                raise ValueError(f"names a field that this app doesn't read: {', '.join(fields)}")
            named[name] = postgres_name(column)
        return named

    return columns


def origin(text: str) -> str:
    known = origin_of(text)
    if known is None:
        raise ValueError("must be an absolute http(s) URL, like https://www.example.com")
    if known.startswith("http:") and not is_loopback(known):
        raise ValueError("must be https (plain http only on localhost)")
    return known


def safe_url(text: str) -> str:
    origin(text)
    return text


def safe_url_or_none(text: str) -> str | None:
    return safe_url(text) if text else None


def lone_origin(text: str) -> str:
    lone = origin(text)
    parts = urlsplit(text)
    if parts.path not in {"", "/"} or "?" in text or "#" in text:
        raise ValueError("must be an origin without path, like https://onboarding.example.com")
    return lone


def lone_origins(text: str) -> tuple[str, ...]:
    parts = [part.strip() for part in text.split(",")]
    return tuple(dict.fromkeys(lone_origin(part) for part in parts if part))


def postgres_name(text: str) -> str:
    if "\x00" in text or len(text.encode()) > 63:
        raise ValueError("must be a PostgreSQL name of at most 63 bytes")
    return text


def short_text(text: str) -> str:
    if not text.isprintable() or len(text) > 60:
        raise ValueError("must be one line of at most 60 characters")
    return text


def token(text: str) -> str:
    # RFC 6265 §4.1.1: a cookie's name is a token.
    if not all(c.isascii() and (c.isalnum() or c in "!#$%&'*+-.^_`|~") for c in text):
        raise ValueError("must be letters, digits, '.', '-' and '_'")
    return text


def switch(text: str) -> bool | None:
    known = {"": None, "true": True, "1": True, "false": False, "0": False}
    if text.lower() not in known:
        raise ValueError("must be true or false")
    return known[text.lower()]


def one_of(*words: str) -> Callable[[str], str]:
    def word(text: str) -> str:
        if text not in words:
            *others, last = words
            raise ValueError(f"must be {', '.join(others)} or {last}")
        return text

    return word


def storage(text: str) -> str:
    if text == MEMORY:
        return text
    if not _is_redis(text):
        raise ValueError("must be memory:// or redis://host:port/number (rediss:// for TLS)")
    if find_spec("redis") is None:
        raise ValueError("needs the package redis: install requirements/redis.txt")
    return text


def _is_redis(text: str) -> bool:
    try:
        url = urlsplit(text)
        port = url.port or 6379
    except ValueError:
        return False
    return (
        url.scheme in {"redis", "rediss"}
        and bool(url.hostname)
        and 0 < port < 65536
        and bool(re.fullmatch(r"(/\d{0,4})?", url.path, re.ASCII))
        and not (url.query or url.fragment)
    )


def themes(path: str) -> Mapping[str, Theme]:
    return read_themes(path) if path else {}


def up_to(most: int) -> Callable[[str], int]:
    return from_to(0, most)


def from_to(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError(f"must be a number from {least} to {most}")
        return int(text)

    return number
