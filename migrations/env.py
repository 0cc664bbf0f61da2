"""Runs our migrations on the database that we share with the main site.

They see one table, `user_profile`, and keep their place in a version table of our own. Whatever
Better-Auth owns is invisible to them: never created, altered, compared or dropped.
"""

import os
import sys
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import (
    Column,
    Connection,
    ForeignKeyConstraint,
    NullPool,
    Table,
    create_engine,
    event,
)
from sqlalchemy.exc import DBAPIError, OperationalError

from onboarding.betterauth import schema as betterauth
from onboarding.config import DatabaseSettings, SettingsFault
from onboarding.profiles.model import Base, UserId, UserProfile

# A migration that waits for a lock makes every later request of the main site wait behind it.
LOCK_TIMEOUT = "2s"


def main() -> None:
    if context.is_offline_mode():
        raise CommandError("the type of user_id comes from the real user table: run it online")
    try:
        settings = DatabaseSettings.from_environ(os.environ)
    except SettingsFault as fault:
        print(fault, file=sys.stderr)
        sys.exit(2)
    engine = create_engine(
        settings.url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"prepare_threshold": None, "application_name": "onboarding migrations"},
    )
    event.listen(engine, "begin", _bound_lock_waits)
    try:
        with engine.connect() as connection:
            user = betterauth.find_user_table(connection, settings.tables)
            connection.rollback()
            _run(connection, user)
    except betterauth.SchemaMisfit as misfit:
        raise CommandError(str(misfit)) from None
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == "55P03":
            raise CommandError(
                f"a table was in use for longer than {LOCK_TIMEOUT}; "
                "this migration changed nothing: run it again"
            ) from None
        raise CommandError(f"the database did not answer: {_first_line(error)}") from None
    except DBAPIError as error:
        # A missing right, or a user_profile that is no table: PostgreSQL says it best itself.
        raise CommandError(f"the database refused: {_first_line(error)}") from None


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).partition("\n")[0]


def _bound_lock_waits(connection: Connection) -> None:
    # SET LOCAL, because behind a transaction pooler a plain SET would stay with somebody else.
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")


def _run(connection: Connection, user: betterauth.Table) -> None:
    _refer_to(user, connection.dialect.default_schema_name)
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
        target_metadata=Base.metadata,
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
    Table(user.name, Base.metadata, id_column, schema=schema)
    UserProfile.metadata.tables["user_profile"].append_constraint(
        ForeignKeyConstraint(["user_id"], [id_column], ondelete="CASCADE")
    )


def _spellings(postgres_type: str) -> set[str]:
    textual = {"text", "varchar", "character varying"}
    return textual if postgres_type in textual else {postgres_type}


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    return kind != "table" or name == UserProfile.__tablename__


def _is_compared(item: Any, name: str | None, kind: str, reflected: bool, counterpart: Any) -> bool:
    if kind == "table":
        return name == UserProfile.__tablename__
    # An adopted table may hold columns, indexes and constraints of its owner's; they are theirs
    # to keep.
    return not (reflected and counterpart is None)


main()
