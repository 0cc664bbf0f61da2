"""Runs our migrations on the database that we share with the main site.

They see one table, `user_profile`, and keep their place in a version table of our own. Whatever
Better-Auth owns is invisible to them: never created, altered, compared or dropped.
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
    NullPool,
    Table,
    create_engine,
    event,
    text,
)
from sqlalchemy.exc import DBAPIError, OperationalError

from migrations.blockers import watched
from onboarding.betterauth import schema as betterauth
from onboarding.config import DatabaseSettings, SettingsFault
from onboarding.doctor.database import is_transaction_pooler
from onboarding.profiles.model import METADATA, USER_PROFILE, UserId

# A migration that waits for a lock makes every later request of the main site wait behind it. So it
# waits for a moment only, lets them pass, and tries again.
LOCK_TIMEOUT = "2s"
ATTEMPTS = 5
PAUSE_S = 1.0  # doubled each time, up to LONGEST_PAUSE_S
LONGEST_PAUSE_S = 8.0

# A migration that is no longer heard of, its connection still open, gives its locks back.
IDLE_TIMEOUT = "10s"

# lock_not_available, deadlock_detected (PostgreSQL, appendix A)
_IN_USE = ("55P03", "40P01")


def main() -> None:
    if context.is_offline_mode():
        raise CommandError("the type of user_id comes from the real user table: run it online")
    try:
        settings = DatabaseSettings.from_environ(os.environ)
    except SettingsFault as fault:
        print(fault, file=sys.stderr)
        sys.exit(2)
    if is_transaction_pooler(settings.url):
        raise CommandError(
            "DATABASE_URL is a transaction pooler's address: give migrations the direct one "
            "(on Neon the host without -pooler, on Supabase port 5432)"
        )
    attempts = _attempts()
    engine = create_engine(
        settings.url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"prepare_threshold": None, "application_name": "onboarding migrations"},
    )
    event.listen(engine, "begin", _bound_waits)
    try:
        with engine.connect() as connection:
            user = betterauth.find_user_table(connection, settings.tables)
            connection.rollback()
            _refer_to(user, connection.dialect.default_schema_name)
        _run_patiently(engine, user, attempts)
    except betterauth.SchemaMisfit as misfit:
        raise CommandError(str(misfit)) from None
    except OperationalError as error:
        raise CommandError(f"the database did not answer: {_first_line(error)}") from None
    except DBAPIError as error:
        # A missing right, or a user_profile that is no table: PostgreSQL says it best itself.
        raise CommandError(f"the database refused: {_first_line(error)}") from None


def _attempts() -> int:
    given = context.get_x_argument(as_dictionary=True).get("attempts", str(ATTEMPTS))
    if not given.isdecimal() or int(given) < 1:
        raise CommandError("-x attempts=N takes a number from 1 on")
    return int(given)


def _run_patiently(engine: Engine, user: betterauth.Table, attempts: int) -> None:
    """Run the migrations; where a table is in use, give way and try again.

    Each migration is one transaction, so an attempt that failed or was killed has changed nothing of
    it, and the next one goes on from the last that is done.
    """
    pause_s = PAUSE_S
    for left in reversed(range(attempts)):
        with engine.connect() as connection:
            pid = int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)
            connection.rollback()
            with watched(engine, pid) as blockers:
                try:
                    _run(connection, user)
                    return
                except OperationalError as error:
                    if getattr(error.orig, "sqlstate", None) not in _IN_USE:
                        raise
        used = f"a table was in use for longer than {LOCK_TIMEOUT}"
        if blockers:
            used += f", by {' and '.join(blockers)}"
        if not left:
            raise CommandError(f"{used}; this migration changed nothing: run it again")
        print(f"{used}; trying again in {pause_s:g} s, {left} more", file=sys.stderr, flush=True)
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).partition("\n")[0]


def _bound_waits(connection: Connection) -> None:
    connection.exec_driver_sql(
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';"
        f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_TIMEOUT}'"
    )


def _run(connection: Connection, user: betterauth.Table) -> None:
    user_id_type = user.types["id"]

    def compare_type(
        _: Any, column: Any, model: Any, real_type: Any, model_type: Any
    ) -> bool | None:
        if isinstance(model_type, UserId):
            return bool(
                real_type.compile(connection.dialect).lower() not in _spellings(user_id_type)
            )
        return None

    context.configure(
        connection=connection,
        target_metadata=METADATA,
        version_table="onboarding_alembic_version",
        transaction_per_migration=True,
        include_name=_is_ours,
        include_object=_is_compared,
        compare_type=compare_type,
        on_version_apply=_say_what_was_done,
        autogenerate_plugins=["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
        user_table=user,
    )
    with context.begin_transaction():
        context.run_migrations()


def _say_what_was_done(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
    print(f"user_profile is at revision {step.up_revision_id}")


def _refer_to(user: betterauth.Table, default_schema: str | None) -> None:
    """Tell the model which table `user_id` refers to, so that the comparison knows the key."""
    schema = None if user.schema == default_schema else user.schema
    id_column = Column(user.columns["id"], UserId, primary_key=True)
    Table(user.name, METADATA, id_column, schema=schema)
    USER_PROFILE.append_constraint(
        ForeignKeyConstraint(["user_id"], [id_column], ondelete="CASCADE")
    )


def _spellings(postgres_type: str) -> set[str]:
    textual = {"text", "varchar", "character varying"}
    return textual if postgres_type in textual else {postgres_type}


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    return kind != "table" or name == USER_PROFILE.name


def _is_compared(item: Any, name: str | None, kind: str, reflected: bool, counterpart: Any) -> bool:
    if kind == "table":
        return name == USER_PROFILE.name
    # An adopted table may hold columns, indexes and constraints of its owner's; they are theirs
    # to keep.
    return not (reflected and counterpart is None)


main()
