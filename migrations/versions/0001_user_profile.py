"""user_profile: one row a user, final once onboarded.

Creates the table, or adopts one that exists already: what is missing is added; what doesn't fit stops
the migration with one line, and nothing is changed.
"""

from alembic import op
from alembic.util import CommandError
from sqlalchemy import text

from migrations import identifier

revision = "0001"
down_revision = None

ANSWERS = {
    "python_proficiency": ("Beginner", "Intermediate", "Advanced"),
    "developer_role": (
        "Frontend Developer",
        "Backend Developer",
        "Full Stack Developer",
        "None",
    ),
}
UTC_NOW = "timezone('utc', now())"
TIME = "timestamp without time zone"


def upgrade() -> None:
    user = op.get_context().opts["user_table"]
    user_table = identifier(user.schema, user.name)
    id_column = identifier(user.columns["id"])
    reference = f"{user_table} ({id_column}) ON DELETE CASCADE"
    if _columns():
        _adopt(user.id_type, user_table, id_column)
    else:
        op.execute(f"""
            CREATE TABLE user_profile (
                user_id {user.id_type} PRIMARY KEY,
                python_proficiency text NOT NULL,
                developer_role text NOT NULL,
                is_onboarded boolean NOT NULL DEFAULT false,
                created_at {TIME} NOT NULL DEFAULT {UTC_NOW},
                updated_at {TIME} NOT NULL DEFAULT {UTC_NOW}
            )
        """)
    for column, values in ANSWERS.items():
        op.execute(f"ALTER TABLE user_profile DROP CONSTRAINT IF EXISTS ck_user_profile_{column}")
        op.execute(f"""
            ALTER TABLE user_profile ADD CONSTRAINT ck_user_profile_{column}
            CHECK ({column} IN ({_literals(values)}))
        """)
    _make_final()
    # Last, because it locks the user table against writing until the end of the transaction.
    _add_keys(reference)


def downgrade() -> None:
    raise CommandError(
        "the answers are kept for good: to give them up, drop user_profile and "
        "onboarding_alembic_version by hand"
    )


def _make_final() -> None:
    # With the condition in the trigger, an ordinary save never calls the function. Nothing refuses a
    # DELETE: Better-Auth must always be able to delete a user. BEFORE, so that this rule comes before
    # NOT NULL and the CHECKs.
    op.execute("""
        CREATE OR REPLACE FUNCTION user_profile_is_final() RETURNS trigger
        LANGUAGE plpgsql SET search_path = '' AS $$
        BEGIN
            RAISE EXCEPTION USING
                ERRCODE = '23001',
                MESSAGE = 'this profile is complete and its answers are final',
                TABLE = 'user_profile',
                CONSTRAINT = 'user_profile_is_final';
        END
        $$
    """)
    op.execute("DROP TRIGGER IF EXISTS user_profile_is_final ON user_profile")
    op.execute("""
        CREATE TRIGGER user_profile_is_final BEFORE UPDATE ON user_profile
        FOR EACH ROW WHEN (
            OLD.is_onboarded AND
            (OLD.user_id, OLD.python_proficiency, OLD.developer_role, OLD.is_onboarded)
            IS DISTINCT FROM
            (NEW.user_id, NEW.python_proficiency, NEW.developer_role, NEW.is_onboarded)
        )
        EXECUTE FUNCTION user_profile_is_final()
    """)


def _adopt(user_id_type: str, user_table: str, id_column: str) -> None:
    columns = _columns()
    wanted = {
        "user_id": user_id_type,
        "python_proficiency": "text",
        "developer_role": "text",
        "is_onboarded": "boolean",
        "created_at": TIME,
        "updated_at": TIME,
    }
    missing = [name for name in ("user_id", *ANSWERS) if name not in columns]
    if missing:
        raise _unfit(
            f"it has no column {' and '.join(missing)}; if it isn't this app's, give the app a schema of "
            "its own: better-auth-onboarding doctor --grants prints how"
        )
    for name, (kind, must_be_given) in columns.items():
        # Text refers to a varchar id as well; the first data model says TEXT.
        textual = name == "user_id" and {kind, wanted[name]} <= {"text", "character varying"}
        if name in wanted and kind != wanted[name] and not textual:
            raise _unfit(f"column {name} is of type {kind}, not {wanted[name]}")
        if name not in wanted and must_be_given:
            raise _unfit(f"column {name} is NOT NULL without a default, so every save would fail")
    for name, values in ANSWERS.items():
        _refuse_rows(
            f"{name} IS NULL OR {name} NOT IN ({_literals(values)})",
            f"have a {name} that is none of {', '.join(values)}",
        )
    _refuse_checks()
    _refuse_rows(
        f"NOT EXISTS (SELECT FROM {user_table} u WHERE u.{id_column} = user_profile.user_id)",
        "belong to no user",
    )
    # PostgreSQL alters no table with a deferred check pending, and rows changed twice have one.
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for name, default in {
        "is_onboarded": "false",
        "created_at": UTC_NOW,
        "updated_at": UTC_NOW,
    }.items():
        op.execute(f"ALTER TABLE user_profile ADD COLUMN IF NOT EXISTS {name} {wanted[name]}")
        op.execute(f"ALTER TABLE user_profile ALTER COLUMN {name} SET DEFAULT {default}")
        op.execute(f"UPDATE user_profile SET {name} = {default} WHERE {name} IS NULL")  # noqa: S608
    for name in wanted:
        op.execute(f"ALTER TABLE user_profile ALTER COLUMN {name} SET NOT NULL")


def _refuse_checks() -> None:
    """Stop if a CHECK of the owner's refuses an answer that the questions offer."""
    checks = op.get_bind().execute(
        text("""
            SELECT CAST(conname AS text), CAST(attname AS text), pg_get_expr(conbin, conrelid)
            FROM pg_constraint
            JOIN pg_attribute ON attrelid = conrelid AND conkey = ARRAY[attnum]
            WHERE conrelid = to_regclass(:table) AND contype = 'c'
        """),
        {"table": _own_table()},
    )
    for name, column, expression in checks:
        if column in ANSWERS and name != f"ck_user_profile_{column}":
            values = ", ".join(f"('{value}')" for value in ANSWERS[column])
            refused = (
                f"SELECT FROM (VALUES {values}) user_profile ({column}) WHERE NOT ({expression})"
            )
            if op.get_bind().exec_driver_sql(refused.replace("%", "%%")).rowcount:
                raise _unfit(f"constraint {name} refuses some of {', '.join(ANSWERS[column])}")


def _add_keys(reference: str) -> None:
    user = op.get_context().opts["user_table"]
    keys = op.get_bind().execute(
        text("""
            SELECT conname, contype, confdeltype = 'c' AND convalidated, ARRAY(
                SELECT CAST(attname AS text) FROM pg_attribute
                WHERE attrelid = conrelid AND attnum = ANY (conkey)
            ), EXISTS (
                SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.oid = confrelid AND n.nspname = :schema AND c.relname = :name
            )
            FROM pg_constraint
            WHERE conrelid = to_regclass(:table) AND contype IN ('p', 'f')
        """),
        {"schema": user.schema, "name": user.name, "table": _own_table()},
    )
    primary, foreign = None, []
    for name, kind, cascades, columns, to_users in keys:
        if kind == "p":
            primary = columns
        elif columns == ["user_id"]:
            if not to_users:
                raise _unfit(f"its key {name} refers to another table than {user.name}")
            foreign.append((name, cascades))
    if primary is None:
        _refuse_rows(
            "user_id IN (SELECT user_id FROM user_profile GROUP BY user_id HAVING count(*) > 1)",
            "are second rows of one user",
        )
        op.execute("ALTER TABLE user_profile ADD PRIMARY KEY (user_id)")
    elif primary != ["user_id"]:
        raise _unfit(f"its primary key is {', '.join(primary)}, not user_id")
    # A key without CASCADE makes Better-Auth's delete-user fail half-way and locks the person out
    # for good (better-auth 1.7.25, measured), even if another key has CASCADE.
    for name, cascades in foreign:
        if not cascades:
            op.drop_constraint(name, "user_profile", type_="foreignkey")
    if not any(cascades for _, cascades in foreign):
        op.execute(f"ALTER TABLE user_profile ADD FOREIGN KEY (user_id) REFERENCES {reference}")


def _columns() -> dict[str, tuple[str, bool]]:
    """Return the type of each column, and whether an INSERT must give it a value."""
    rows = op.get_bind().execute(
        text("""
            SELECT CAST(attname AS text), format_type(atttypid, atttypmod),
                   attnotnull AND NOT atthasdef AND attidentity = ''
            FROM pg_attribute
            WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped
        """),
        {"table": _own_table()},
    )
    return {name: (kind, must_be_given) for name, kind, must_be_given in rows}


def _own_table() -> str | None:
    """Return the table's full name: one further along the search_path is somebody else's."""
    query = text("SELECT quote_ident(current_schema()) || '.user_profile'")
    name: str | None = op.get_bind().scalar(query)
    return name


def _refuse_rows(condition: str, sentence: str) -> None:
    count = op.get_bind().scalar(text(f"SELECT count(*) FROM user_profile WHERE {condition}"))  # noqa: S608
    if count:
        raise _unfit(f"{count} of its rows {sentence}")


def _unfit(problem: str) -> CommandError:
    return CommandError(f"a table user_profile exists already and doesn't fit: {problem}")


def _literals(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)
