"""Checks of the connection to the database: its answer, encryption, pooler and clock."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import URL, Connection, text

from onboarding.database import Unavailable, hosts
from onboarding.doctor.installation import Installation
from onboarding.doctor.report import Finding, fault, ok, warning
from onboarding.profiles.schema import IS_READ_ONLY, READ_ONLY
from onboarding.urls import is_loopback

_POOLER_PORTS = (6432, 6543)
# Neon's own options, which its proxy removes before its pooler sees them.
_NEON_OPTIONS = ("endpoint=", "project=")
_CLOCK_FAULT_S, _CLOCK_WARNING_S = 60, 2


def answers(installation: Installation) -> Iterator[Finding]:
    """The database answers."""
    began = time.monotonic()
    try:
        version = installation.query(lambda c: c.scalar(text("SHOW server_version")))
    except Unavailable as error:
        yield fault(
            f"the database does not answer: {error}",
            "check DATABASE_URL, and that this machine can reach the server",
        )
        return
    if installation.query(lambda c: c.scalar(IS_READ_ONLY)):
        yield fault(READ_ONLY.message, READ_ONLY.fix)
    took_ms = (time.monotonic() - began) * 1000
    yield ok(f"PostgreSQL {str(version).split()[0]} answers in {took_ms:.0f} ms")


def encryption(installation: Installation) -> Iterator[Finding]:
    """Nobody on the way can read what goes to and from the database."""
    url = installation.database_settings.database_url
    if installation.query(_is_encrypted):
        yield ok("the connection is encrypted")
    elif _is_local(url):
        yield ok("the connection isn't encrypted; the server is on this machine")
    else:
        yield warning(
            "the connection to another machine isn't encrypted",
            "add ?sslmode=require to DATABASE_URL, or sslmode=verify-full with its certificate",
        )


def pooler(installation: Installation) -> Iterator[Finding]:
    """A pooler is used if the host offers one, with options that it accepts."""
    url = installation.database_settings.database_url
    names, options = hosts(url), url.query.get("options", "")
    is_pooler = url.port in _POOLER_PORTS or any(
        "-pooler." in name or ".pooler." in name for name in names
    )
    if is_pooler and options and not str(options).startswith(_NEON_OPTIONS):
        yield fault(
            "the host is a pooler, which refuses the options in DATABASE_URL",
            "remove the options; to set a search_path use ALTER ROLE ... SET search_path",
        )
    elif not is_pooler and any(name.endswith(".neon.tech") for name in names):
        yield warning(
            "the host is Neon's direct one, which accepts few connections",
            "give the app the pooled string (its host contains -pooler); alembic keeps the direct",
        )
    else:
        yield ok("the connection goes to a pooler" if is_pooler else "the connection is direct")


def clock(installation: Installation) -> Iterator[Finding]:
    """The clocks of app and database agree: one decides when sessions expire, the other signs forms."""
    ahead_s = installation.query(_seconds_ahead)
    message = f"the database's clock is {abs(ahead_s):.1f} s {'ahead' if ahead_s > 0 else 'behind'}"
    fix = "synchronise the clocks of both machines (NTP)"
    if abs(ahead_s) > _CLOCK_FAULT_S:
        yield fault(message, fix)
    elif abs(ahead_s) > _CLOCK_WARNING_S:
        yield warning(message, fix)
    else:
        yield ok("the clocks of app and database agree")


def _seconds_ahead(connection: Connection) -> float:
    before = datetime.now(UTC)
    database_time: datetime = connection.scalar(text("SELECT clock_timestamp()"))
    # The database read its clock half-way through the round trip.
    app_time = before + (datetime.now(UTC) - before) / 2
    return (database_time - app_time).total_seconds()


def _is_encrypted(connection: Connection) -> bool:
    # At this end of the connection; pg_stat_ssl would describe a pooler's other end.
    driver: Any = connection.connection.driver_connection
    return bool(driver.pgconn.ssl_in_use)


def _is_local(url: URL) -> bool:
    return all(host.startswith("/") or is_loopback(f"//{_bracketed(host)}") for host in hosts(url))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
