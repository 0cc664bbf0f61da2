"""The check of times: main sites write them with a time zone, in UTC, or, wrongly, as local ones."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import Connection, DateTime, Interval, cast, column, func, select, table

from onboarding.betterauth.schema import TIMESTAMP, TIMESTAMPTZ, Table, column_types
from onboarding.doctor.installation import Installation
from onboarding.doctor.report import Finding, fault, ok, warning
from onboarding.doctor.rights import privilege

# A session is never created in the future; this much is left to the clocks.
_TOLERANCE = timedelta(minutes=5)
# Better-Auth's default session.expiresIn, and the easternmost time zone.
_WEEK, _MAX_OFFSET = timedelta(days=7), timedelta(hours=14)


def in_utc(installation: Installation) -> Iterator[Finding]:
    """Times have a time zone, or are in UTC."""
    naive = [
        f"{found.name}.{found.columns[field]}"
        for found in (installation.session, installation.user)
        for field, type_name in found.types.items()
        if type_name == TIMESTAMP
    ]
    local_time = installation.query(lambda c: _local_time(c, installation.session))
    if local_time is not None:
        yield local_time
    elif naive:
        yield warning(
            f"{', '.join(naive)} without a time zone: the app reads the times as UTC",
            "right for Drizzle and Prisma; an old Kysely table needs the main site's Node to run with TZ=UTC",
        )
    else:
        yield ok("times have their time zone")


def _local_time(connection: Connection, found: Table) -> Finding | None:
    """Look for sessions from the future, which a main site makes that writes local time."""
    types = column_types(connection, found.quoted_name)
    for name in ("createdAt", "created_at"):
        if types.get(name) not in (TIMESTAMP, TIMESTAMPTZ):
            continue
        if not privilege(connection, func.has_column_privilege, found.quoted_name, name, "SELECT"):
            continue
        ahead = _newest(connection, found, name, is_naive=types[name] == TIMESTAMP)
        if ahead is None or ahead <= _TOLERANCE:
            return None
        return fault(
            f"the newest session was created {ahead // timedelta(minutes=1)} minutes "
            "in the future, by UTC",
            "run the main site's Node with TZ=UTC, and sign in again"
            if types[name] == TIMESTAMP
            else "correct the main site's clock",
        )
    # The role may read only what the app needs. Then the expiry is the evidence: more than a week is
    # odd where a week is the maximum.
    if found.types["expiresAt"] != TIMESTAMP:
        return None
    left = _newest(connection, found, found.columns["expiresAt"], is_naive=True)
    if left is None or not _WEEK + _TOLERANCE < left <= _WEEK + _MAX_OFFSET:
        return None
    return warning(
        f"the newest session expires {(left - _WEEK) / timedelta(hours=1):.1f} hours later than "
        "a week from now, by UTC",
        "unless session.expiresIn is longer there, the main site writes local time: "
        "run its Node with TZ=UTC",
    )


def _newest(connection: Connection, found: Table, name: str, *, is_naive: bool) -> timedelta | None:
    """Return how far the latest time in a column is ahead of now."""
    time = column(name, DateTime)
    now = func.timezone("utc", func.now()) if is_naive else func.now()
    # Some sites keep a session for ever, until 'infinity'.
    latest = func.max(time).filter(func.isfinite(time))
    source = table(found.name, time, schema=found.schema)
    return connection.scalar(select(cast(latest - now, Interval)).select_from(source))
