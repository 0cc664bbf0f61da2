"""Reads `DATABASE_URL` as people copy it: from a provider's page, another library's setting, a shell.

What has one meaning is taken. Anything else raises `ValueError` with a sentence that continues the
variable's name and says what to write. The sentence never repeats a part of the text but an option's
name that is listed here, since a part of a password may stand anywhere in a malformed address.
"""

import re
from pathlib import Path
from urllib.parse import unquote

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo
from sqlalchemy.engine import URL

_MALFORMED = "is malformed: its form is postgresql://user:password@host/name"

# postgres:// as Neon and Heroku print it, a driver's name as SQLAlchemy writes it, and JDBC's prefix.
_SCHEME = re.compile(r"(?:jdbc:)?postgres(?:ql)?(?:\+[a-z0-9]+)?://(.*)", re.DOTALL)
# `psql '…'`, as Neon's page offers it, and quotes that a shell or a file of settings has left.
_WRAPPING = re.compile(r"""(?:psql\s+)?(["']?)(.*)\1""", re.DOTALL)

# Options of other drivers that change nothing for this app: it has a pool of its own, and finds out by
# itself whether statements can be prepared.
_IGNORED = {
    *("pgbouncer", "connection_limit", "pool_timeout", "socket_timeout", "statement_cache_size"),
    *("pool_max_conns", "pool_min_conns", "pool_size", "max", "idle_timeout", "max_lifetime"),
    *(
        "prepareThreshold",
        "preparedStatements",
        "prepare",
        "tcpKeepAlive",
        "uselibpqcompat",
        "supa",
    ),
}
# What to write instead of options whose meaning depends on the driver.
_INSTEAD = {
    "ssl": "write sslmode=require or sslmode=disable",
    "sslaccept": "write sslmode=verify-full&sslrootcert=system, or sslmode=require",
    "sslidentity": "write sslcert and sslkey",
    "schema": "remove it and set BETTER_AUTH_SCHEMA to its value",
    "currentSchema": "remove it and set BETTER_AUTH_SCHEMA to its value",
    "search_path": "write options=-csearch_path%3D and its value",
}
# node-postgres encrypts without looking at the certificate.
_SSL_MODES = {"no-verify": "require"}


def parse_database_url(text: str) -> URL:
    """Return the URL for SQLAlchemy's psycopg dialect. Raise `ValueError` as the module says."""
    if wrapped := _WRAPPING.fullmatch(text.strip()):
        text = wrapped[2].strip()
    if text.startswith(("prisma://", "prisma+postgres://")):
        raise ValueError("is an address of Prisma's: write the database's own, postgresql://")
    scheme = _SCHEME.fullmatch(text)
    if not scheme:
        raise ValueError("must start with postgresql://")
    address, _, query = scheme[1].partition("?")
    _, _, path = address.partition("/")
    if "@" in path or "/" in path:
        raise ValueError(
            "has an '@' or '/' where none can be: percent-encode those of user and password"
        )
    try:
        # libpq's own reader: it knows several hosts and percent-encoded socket paths.
        parts = {
            key: str(value) for key, value in conninfo_to_dict(f"postgresql://{address}").items()
        }
    except ProgrammingError:
        raise ValueError(_MALFORMED) from None
    options = _options(query)
    try:
        make_conninfo(**dict.fromkeys(options, ""))
    except ProgrammingError:
        raise ValueError("has an option after the '?' that PostgreSQL doesn't know") from None
    _check_certificates(options)
    return _url({**parts, **options})


def _options(query: str) -> dict[str, str]:
    """Return the options of a query in libpq's words."""
    options: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        name, value = unquote(name), unquote(value)
        if name == "options":
            # SQLAlchemy writes a space as "+", which libpq reads as it is.
            value = re.sub(r"(?<=-c)\+|\+(?=-c)", " ", value)
        if name in _IGNORED or (name == "schema" and value == "public"):
            continue
        if name == "ssl" and value.lower() in ("true", "1", "require"):
            # As libpq reads it, for JDBC's sake.
            name, value = "sslmode", "require"
        elif name in _INSTEAD:
            raise ValueError(f"has the option {name}: {_INSTEAD[name]}")
        if "\0" in value:
            raise ValueError(_MALFORMED)
        options[name] = _SSL_MODES.get(value, value) if name == "sslmode" else value
    return options


def _check_certificates(options: dict[str, str]) -> None:
    """Find out now what libpq would say at each connection."""
    file = options.get("sslrootcert", "")
    if file and file != "system" and not Path(file).is_file():
        raise ValueError("names a root certificate (sslrootcert) that is no file")
    given = {one.keyword: one.val for one in Conninfo.get_defaults()}.get(b"sslrootcert")
    usual = given.decode() if given else Path("~/.postgresql/root.crt").expanduser()
    if options.get("sslmode") == "verify-full" and not file and not Path(usual).is_file():
        raise ValueError(
            "has sslmode=verify-full without a root certificate: add sslrootcert=system"
        )


def _url(parts: dict[str, str]) -> URL:
    user, password, name = (parts.pop(key, None) for key in ("user", "password", "dbname"))
    hosts, ports = parts.get("host", ""), parts.get("port", "")
    if not name or not (hosts or parts.get("hostaddr")):
        raise ValueError("must name a host and a database")
    is_port = re.compile(r"(?!0)[0-9]{0,5}", re.ASCII).fullmatch
    if not all(is_port(port) and int(port or 1) < 65536 for port in ports.split(",")):
        raise ValueError(_MALFORMED)
    if ports.count(",") not in (0, hosts.count(",")):
        raise ValueError(_MALFORMED)
    host = port = None
    if hosts and "," not in hosts and not hosts.startswith(("/", "@")):
        # Only a plain host has a place of its own in SQLAlchemy's URLs.
        host, port = parts.pop("host"), int(parts.pop("port", "") or 0) or None
    return URL.create("postgresql+psycopg", user, password, host, port, name, parts)
