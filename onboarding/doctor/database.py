"""The database connection."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import URL, Connection, text

from onboarding.addresses import is_loopback
from onboarding.database import Unavailable
from onboarding.doctor.findings import Finding, fault, ok, warning
from onboarding.doctor.installation import Installation

_NEON = ".neon.tech"
_POOLER_PORTS = (6432, 6543)
# Neon's own words in `options`, which its proxy takes out before its pooler sees them.
_NEON_OPTIONS = ("endpoint=", "project=")
_CLOCK_FAULT_S, _CLOCK_WARNING_S = 60, 2


def answers(installation: Installation) -> Iterator[Finding]:
    """The database answers."""
    began = time.monotonic()
    try:
        version = installation.ask(lambda c: c.scalar(text("SHOW server_version")))
    except Unavailable as unavailable:
        yield fault(
            f"the database does not answer: {unavailable}",
            "check DATABASE_URL, and that the server can be reached from here",
        )
        return
    took_ms = (time.monotonic() - began) * 1000
    yield ok(f"PostgreSQL {str(version).split()[0]} answers in {took_ms:.0f} ms")


def encryption(installation: Installation) -> Iterator[Finding]:
    """What is said to the database can't be read on the way."""
    url = installation.database_settings.url
    if installation.ask(_is_encrypted):
        yield ok("the connection is encrypted")
    elif _is_local(url):
        yield ok("the connection isn't encrypted; the server is on this machine")
    else:
        yield warning(
            "the connection to another machine isn't encrypted",
            "add ?sslmode=require to DATABASE_URL, or sslmode=verify-full with its certificate",
        )


def pooler(installation: Installation) -> Iterator[Finding]:
    """A pooler in between is used as it can be used."""
    url = installation.database_settings.url
    hosts, options = _hosts(url), " ".join(_words(url, "options"))
    pooled = url.port in _POOLER_PORTS or any(
        "-pooler." in host or ".pooler." in host for host in hosts
    )
    if pooled and options and not options.startswith(_NEON_OPTIONS):
        yield fault(
            "the host is a pooler, which refuses the options in DATABASE_URL",
            "leave options out; to set a search_path use ALTER ROLE ... SET search_path",
        )
    elif not pooled and any(host.endswith(_NEON) for host in hosts):
        yield warning(
            "the host is Neon's direct one: it takes few connections",
            "give the app the pooled string (its host has -pooler in it); alembic keeps the direct",
        )
    else:
        yield ok("the host is a pooler's" if pooled else "the connection is direct")


def is_transaction_pooler(url: URL) -> bool:
    """Tell whether an address is one of those that hosts give for a pooler in transaction mode.

    Neon's has -pooler in its name (neon.com/docs/connect/connection-pooling); Supabase's pooler
    listens on 6543 for transactions and on 5432 for sessions (supabase.com/docs/guides/database).
    """
    return any(
        "-pooler." in host or (".pooler." in host and url.port == 6543) for host in _hosts(url)
    )


def clock(installation: Installation) -> Iterator[Finding]:
    """The clocks of app and database agree: one tells expiry, the other signs forms."""
    ahead_s = installation.ask(_seconds_ahead)
    mend = "let both machines take their time from the network (NTP)"
    says = f"the database's clock is {abs(ahead_s):.1f} s {'ahead' if ahead_s > 0 else 'behind'}"
    if abs(ahead_s) > _CLOCK_FAULT_S:
        yield fault(says, mend)
    elif abs(ahead_s) > _CLOCK_WARNING_S:
        yield warning(says, mend)
    else:
        yield ok("the clocks of app and database agree")


def _seconds_ahead(connection: Connection) -> float:
    before = datetime.now(UTC)
    theirs: datetime = connection.scalar(text("SELECT clock_timestamp()"))
    # Half of the way there and back; the rest of the way counts as no difference.
    ours = before + (datetime.now(UTC) - before) / 2
    return (theirs - ours).total_seconds()


def _is_encrypted(connection: Connection) -> bool:
    # Of this end of the connection; pg_stat_ssl would tell a pooler's other end.
    driver: Any = connection.connection.driver_connection
    return bool(driver.pgconn.ssl_in_use)


def _hosts(url: URL) -> list[str]:
    given = [url.host] if url.host else _words(url, "host")
    return [host.lower() for several in given for host in several.split(",")]


def _is_local(url: URL) -> bool:
    return all(host.startswith("/") or is_loopback(f"//{_bracketed(host)}") for host in _hosts(url))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _words(url: URL, name: str) -> list[str]:
    given = url.query.get(name, ())
    return [given] if isinstance(given, str) else list(given)
