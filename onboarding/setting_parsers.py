"""What a setting may be: a function for each kind, from its text to its value.

Each raises `ValueError` with a sentence that continues the variable's name, such as "must be true or
false". The sentence never repeats the text, which might be secret.
"""

import re
from collections.abc import Callable, Collection, Mapping
from importlib.util import find_spec
from urllib.parse import urlsplit

from onboarding.betterauth.schema import OPTIONAL_FIELDS, SESSION_FIELDS, USER_FIELDS
from onboarding.urls import is_loopback, origin_of

# Each process counts writes by itself.
MEMORY = "memory://"

Columns = Mapping[str, str]
"""The column of each renamed field."""


def columns_of(fields: Collection[str]) -> Callable[[str], Columns]:
    """An optional field may have no column: ``isAnonymous=`` says that there is none."""

    def parse(text: str) -> Columns:
        columns: dict[str, str] = {}
        for pair in filter(None, map(str.strip, text.split(","))):
            field, equals, column = (part.strip() for part in pair.partition("="))
            if not equals or not (column or field in OPTIONAL_FIELDS) or field in columns:
                raise ValueError("is malformed: its form is field=column,field=column")
            if field not in fields:
                raise ValueError(f"names a field that this app doesn't read: {', '.join(fields)}")
            columns[field] = postgres_name(column)
        return columns

    return parse


user_fields, session_fields = columns_of(USER_FIELDS), columns_of(SESSION_FIELDS)


def origin(text: str) -> str:
    parsed = origin_of(text)
    if parsed is None:
        raise ValueError("must be an absolute http(s) URL, like https://www.example.com")
    if parsed.startswith("http:") and not is_loopback(parsed):
        raise ValueError("must be https (plain http only on localhost)")
    return parsed


def safe_url(text: str) -> str:
    origin(text)
    return text


def bare_origin(text: str) -> str:
    parsed, parts = origin(text), urlsplit(text)
    if parts.path not in {"", "/"} or "?" in text or "#" in text:
        raise ValueError("must be an origin without path, like https://onboarding.example.com")
    return parsed


def bare_origins(text: str) -> tuple[str, ...]:
    parts = [part.strip() for part in text.split(",")]
    return tuple(dict.fromkeys(bare_origin(part) for part in parts if part))


def postgres_name(text: str) -> str:
    if "\x00" in text or len(text.encode()) > 63:
        raise ValueError("must be a PostgreSQL name of at most 63 bytes")
    return text


def short_text(text: str) -> str:
    if not text.isprintable() or len(text) > 60:
        raise ValueError("must be one line of at most 60 characters")
    return text


def token(text: str) -> str:
    # RFC 6265, section 4.1.1: a cookie's name is a token.
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]*", text):
        raise ValueError("must be letters, digits, '.', '-' and '_'")
    return text


def boolean(text: str) -> bool:
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise ValueError("must be true or false")
    return values[text.lower()]


def one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            *others, last = words
            raise ValueError(f"must be {', '.join(others)} or {last}")
        return text

    return parse


def number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError(f"must be a number from {least} to {most}")
        return int(text)

    return parse


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
        _ = url.port  # raises ValueError too
    except ValueError:
        return False
    return bool(
        url.scheme in {"redis", "rediss"}
        and url.hostname
        and re.fullmatch(r"(/\d{0,4})?", url.path, re.ASCII)
        and not (url.query or url.fragment)
    )
