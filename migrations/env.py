"""Run our migrations on the database that we share with the main site.

They see one table, `user_profile`, and keep their version in a table of our own. Better-Auth's tables are
invisible to them: never created, altered, compared or dropped.
"""

import os
import sys
import time
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    ForeignKeyConstraint,
    MetaData,
    NullPool,
    Table,
    create_engine,
    event,
    text,
)
from sqlalchemy.exc import DBAPIError, OperationalError

from migrations.blockers import blockers_of
from onboarding.betterauth.schema import SchemaError, find_user_table
from onboarding.betterauth.schema import Table as UserTable
from onboarding.database import first_line, is_transaction_pooler
from onboarding.profiles.table import TABLE, UserId, profile_table
from onboarding.questions import load_questionnaire
from onboarding.settings import DatabaseSettings, SettingsError

# While a migration waits for a lock, every later request of the main site waits behind it. So it waits
# for a moment only, lets them pass, and tries again.
LOCK_TIMEOUT = "2s"
ATTEMPTS = 5
PAUSE_S = 1.0  # doubled each time, up to LONGEST_PAUSE_S
LONGEST_PAUSE_S = 8.0

# A migration whose client is gone, its connection still open, gives its locks back.
IDLE_TIMEOUT = "10s"

# lock_not_available, deadlock_detected (PostgreSQL, appendix A)
_IN_USE = ("55P03", "40P01")


def main() -> None:
    if context.is_offline_mode():
        raise CommandError("the type of user_id comes from the real user table: run it online")
    try:
        settings = DatabaseSettings.from_environ(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    if is_transaction_pooler(settings.database_url):
        raise CommandError(
            "DATABASE_URL is a transaction pooler's address: give migrations the direct one "
            "(on Neon the host without -pooler, on Supabase port 5432)"
        )
    attempts = _attempts()
    engine = create_engine(
        settings.database_url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"prepare_threshold": None, "application_name": "onboarding migrations"},
    )
    event.listen(engine, "begin", _set_timeouts)
    try:
        with engine.connect() as connection:
            user = find_user_table(connection, settings.tables)
            connection.rollback()
            metadata = _metadata(user, connection.dialect.default_schema_name)
        _migrate(engine, user, metadata, attempts)
    except SchemaError as error:
        raise CommandError(str(error)) from None
    except OperationalError as error:
        raise CommandError(f"the database did not answer: {first_line(error)}") from None
    except DBAPIError as error:
        # A missing right, or a user_profile that is no table: PostgreSQL says it best itself.
        raise CommandError(f"the database refused: {first_line(error)}") from None


def _attempts() -> int:
    given = context.get_x_argument(as_dictionary=True).get("attempts", str(ATTEMPTS))
    if not given.isdecimal() or int(given) < 1:
        raise CommandError("-x attempts=N takes a number from 1 on")
    return int(given)


def _set_timeouts(connection: Connection) -> None:
    connection.exec_driver_sql(
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';"
        f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_TIMEOUT}'"
    )


def _metadata(user: UserTable, default_schema: str | None) -> MetaData:
    """Return our table with its foreign key, so that autogenerate doesn't take the key for a change."""
    profiles = profile_table(load_questionnaire())
    schema = None if user.schema == default_schema else user.schema
    user_id = Column(user.columns["id"], UserId, primary_key=True)
    Table(user.name, profiles.metadata, user_id, schema=schema)
    profiles.append_constraint(ForeignKeyConstraint(["user_id"], [user_id], ondelete="CASCADE"))
    return profiles.metadata


def _migrate(engine: Engine, user: UserTable, metadata: MetaData, attempts: int) -> None:
    """Run the migrations; while a table is in use, give way and try again.

    Each migration is one transaction: an attempt that failed or was killed has changed nothing of it, and
    the next one goes on after the last that is done.
    """
    pause_s = PAUSE_S
    for left in reversed(range(attempts)):
        with engine.connect() as connection:
            pid = int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)
            connection.rollback()
            with blockers_of(engine, pid) as blockers:
                try:
                    _run(connection, user, metadata)
                    return
                except OperationalError as error:
                    if getattr(error.orig, "sqlstate", None) not in _IN_USE:
                        raise
        reason = f"a table was in use for longer than {LOCK_TIMEOUT}"
        if blockers:
            reason += f", by {' and '.join(blockers)}"
        if not left:
            raise CommandError(f"{reason}; this migration changed nothing: run it again")
        print(f"{reason}; trying again in {pause_s:g} s, {left} more", file=sys.stderr, flush=True)
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _run(connection: Connection, user: UserTable, metadata: MetaData) -> None:
    textual = {"text", "varchar", "character varying"}
    user_id_type = user.id_type
    spellings = textual if user_id_type in textual else {user_id_type}

    def compare_type(_: Any, __: Any, ___: Any, real_type: Any, our_type: Any) -> bool | None:
        if isinstance(our_type, UserId):
            return real_type.compile(connection.dialect).lower() not in spellings
        return None

    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table="onboarding_alembic_version",
        transaction_per_migration=True,
        include_name=lambda name, kind, _: kind != "table" or name == TABLE,
        include_object=_is_compared,
        compare_type=compare_type,
        on_version_apply=_report,
        autogenerate_plugins=["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
        user_table=user,
    )
    with context.begin_transaction():
        context.run_migrations()


def _is_compared(_: Any, name: str | None, kind: str, reflected: bool, counterpart: Any) -> bool:
    if kind == "table":
        return name == TABLE
    # An adopted table may have further columns, indexes and constraints; they stay its owner's.
    return not (reflected and counterpart is None)


def _report(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
    print(f"user_profile is at revision {step.up_revision_id}")


main()
