"""The SQL that gives the database roles of owner and app their rights and no more."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from onboarding.betterauth.schema import Table, quoted
from onboarding.doctor.installation import VERSION_TABLE, Installation
from onboarding.profiles.schema import foreign_table, own_table
from onboarding.profiles.table import FINAL, TABLE

_OWN_SCHEMA = "onboarding"
# PostgreSQL 16 gave memberships their own option for SET ROLE.
_SET_OPTION_SINCE = 160000

_LOCATION = text("""
    SELECT current_schema(), s.setting, s.source, CAST(o.rolname AS text),
           current_schema() = current_user, CAST(current_setting('server_version_num') AS integer)
    FROM pg_settings s
    LEFT JOIN pg_class c ON c.oid = to_regclass(:table)
    LEFT JOIN pg_roles o ON o.oid = c.relowner
    WHERE s.name = 'search_path'
""")
_OWNER = text("""
    SELECT CAST(pg_get_userbyid(relowner) AS text) FROM pg_class WHERE oid = to_regclass(:table)
""")
_EXISTING_ROLES = text("SELECT CAST(rolname AS text) FROM pg_roles WHERE rolname = ANY (:names)")
_ROW_SECURITY_IS_ON = text("""
    SELECT relrowsecurity AND NOT EXISTS (
        SELECT FROM pg_policy WHERE polrelid = c.oid AND polname = :policy
    )
    FROM pg_class c WHERE oid = to_regclass(:table)
""")


@dataclass(frozen=True)
class _Location:
    """The schema of the app's table, how roles find it, who owns it, and which roles exist.

    `search_path` is None if roles need no setting of their own; `owner` if there is no table yet.
    `is_new`: the schema has to be made, since the main site has a table of the same name. `policies`
    are the tables with row-level security that shows the app's role nothing yet. `site` is the role
    that owns the main site's user table.
    """

    schema: str
    search_path: str | None
    owner: str | None
    roles: frozenset[str]
    version: int
    is_new: bool
    policies: frozenset[str]
    site: str


@dataclass(frozen=True)
class Grants:
    """The SQL that is run before the migration, by the owner of the main site's tables, and after it."""

    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.before}\n\n{self.after}"


def grants(installation: Installation, owner: str, app: str) -> Grants:
    """Return the SQL that gives the two roles their rights and no more, for the tables found.

    Raise `Missing` if the tables can't be found, `Unavailable` without a database.
    """
    user, tables = installation.user, installation.tables_read
    location = installation.query(lambda c: _locate(c, installation, (owner, app)))
    profile = f"{quoted(location.schema)}.{TABLE}"
    owner_role, app_role = _role(location, owner), _role(location, app)
    heading = "-- Before alembic upgrade head, as the owner of the main site's tables"
    if owner_role or app_role:
        heading += ", who must also be\n-- allowed to create roles"
    before = [
        f"{heading}:",
        *_new_schema(location),
        *owner_role,
        *_usage(owner, [location.schema, user.schema], creates_in=location.schema),
        f"GRANT {_key_rights(location, user)} ON {user.quoted_name} TO {quoted(owner)};",
        *_transfer(location, owner),
        "",
        *app_role,
        # The app looks up the type of user ids, even where it reads no row of the user table.
        *_usage(app, [location.schema, user.schema, *(table.schema for table in tables)]),
        *(
            f"GRANT SELECT ({', '.join(map(quoted, table.columns.values()))}) "
            f"ON {table.quoted_name} TO {quoted(app)};"
            for table in tables
        ),
        *(
            f"{_policy(app, table.quoted_name)} FOR SELECT "
            f"TO {', '.join(_readers(location, table is user, owner, app))} USING (true);"
            for table in tables
            if table.quoted_name in location.policies
        ),
    ]
    after = [
        f"-- After alembic upgrade head, as {owner}, who also runs that:",
        f"GRANT SELECT, INSERT, UPDATE ON {profile} TO {quoted(app)};",
        f"GRANT SELECT ON {quoted(location.schema)}.{VERSION_TABLE} TO {quoted(app)};",
    ]
    if profile in location.policies:
        after.append(f"{_policy(app, profile)} TO {quoted(app)} USING (true) WITH CHECK (true);")
    if location.site not in (owner, app):
        after += [
            "-- For the main site, to read the answers:",
            f"GRANT SELECT ON {profile} TO {quoted(location.site)};",
        ]
    return Grants("\n".join(before), "\n".join(after))


def _locate(
    connection: Connection, installation: Installation, roles: tuple[str, str]
) -> _Location:
    profile = own_table(connection)
    row = connection.execute(_LOCATION, {"table": profile}).one()
    schema, search_path, source, owner, is_roles_own, version = row
    if is_roles_own:
        # The "$user" of the search_path leads each other role to another schema.
        search_path = f"{quoted(schema)}, public"
    existing = frozenset(connection.scalars(_EXISTING_ROLES, {"names": list(roles)}))
    # A search_path that was set for this role must be set for others; one that was set for the
    # database, or in DATABASE_URL, holds for them as well.
    is_for_role = is_roles_own or source in ("user", "database user")
    is_new = foreign_table(connection, installation.questionnaire) is not None
    if is_new:
        schema, search_path, owner = _OWN_SCHEMA, f"{_OWN_SCHEMA}, {search_path}", None
    names = [f"{quoted(schema or 'public')}.{TABLE}"]
    names += [table.quoted_name for table in installation.tables_read]
    policy = {"policy": _policy_name(roles[1])}
    return _Location(
        schema or "public",
        search_path if is_for_role or is_new else None,
        owner,
        existing,
        version,
        is_new,
        frozenset(
            name
            for name in names
            if connection.scalar(_ROW_SECURITY_IS_ON, {"table": name, **policy})
        ),
        connection.scalar(_OWNER, {"table": installation.user.quoted_name}),
    )


def _policy_name(app: str) -> str:
    return f"all rows for {app}"


def _policy(app: str, table: str) -> str:
    return f"CREATE POLICY {quoted(_policy_name(app))} ON {table}"


def _readers(location: _Location, is_user: bool, owner: str, app: str) -> list[str]:
    # To adopt a table, the owner must see its users.
    return [quoted(app), *([quoted(owner)] if is_user and location.owner is not None else [])]


def _new_schema(location: _Location) -> list[str]:
    if not location.is_new:
        return []
    return [
        f"-- The {TABLE} that is there isn't this app's: its own goes into a schema of its own.",
        f"CREATE SCHEMA IF NOT EXISTS {quoted(location.schema)};",
    ]


def _role(location: _Location, role: str) -> list[str]:
    lines = []
    if role not in location.roles:
        # Without a password nobody can log in yet; a placeholder could be forgotten.
        lines.append(f"CREATE ROLE {quoted(role)} LOGIN;  -- then set its password")
    if location.search_path is not None:
        lines.append(f"ALTER ROLE {quoted(role)} SET search_path = {location.search_path};")
    return lines


def _usage(role: str, schemas: list[str], *, creates_in: str | None = None) -> list[str]:
    return [
        f"GRANT USAGE{', CREATE' if schema == creates_in else ''} "
        f"ON SCHEMA {quoted(schema)} TO {quoted(role)};"
        for schema in dict.fromkeys(schemas)
    ]


def _key_rights(location: _Location, user: Table) -> str:
    # To adopt an existing table, the migration looks for rows without a user. A list of columns
    # belongs to the verb before it.
    verbs = ["REFERENCES"] if location.owner is None else ["SELECT", "REFERENCES"]
    return ", ".join(f"{verb} ({quoted(user.columns['id'])})" for verb in verbs)


def _transfer(location: _Location, owner: str) -> list[str]:
    if location.owner in (None, owner):
        return []
    schema, new_owner = quoted(location.schema), quoted(owner)
    # Whoever hands a table over must be able to become the new owner.
    option = " WITH SET TRUE" if location.version >= _SET_OPTION_SINCE else ""
    return [
        f"GRANT {new_owner} TO CURRENT_USER{option};",
        f"ALTER TABLE {schema}.{TABLE} OWNER TO {quoted(owner)};",
        f"ALTER TABLE IF EXISTS {schema}.{VERSION_TABLE} OWNER TO {quoted(owner)};",
        f"DO $$ BEGIN ALTER FUNCTION {schema}.{FINAL}() OWNER TO {quoted(owner)};",
        "EXCEPTION WHEN undefined_function THEN NULL; END $$;",
        f"REVOKE {new_owner} FROM CURRENT_USER;",
    ]
