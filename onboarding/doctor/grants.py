"""The SQL that gives the two roles their rights and no more, made from the layout really found."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from onboarding.betterauth.schema import Table
from onboarding.doctor.installation import Installation
from onboarding.doctor.profile import VERSIONS
from onboarding.doctor.sql import named, quoted
from onboarding.profiles.model import FINAL
from onboarding.profiles.schema import TABLE

_PLACE = text("""
    SELECT current_schema(), s.setting, s.source, o.rolname, current_schema() = current_user
    FROM pg_settings s
    LEFT JOIN pg_class c ON c.oid = to_regclass(:table)
    LEFT JOIN pg_roles o ON o.oid = c.relowner
    WHERE s.name = 'search_path'
""")
_ROLES = text("SELECT CAST(rolname AS text) FROM pg_roles WHERE rolname = ANY (:names)")


@dataclass(frozen=True)
class _Place:
    """Where our table is or will be: its schema, how roles come to it, and who owns it already."""

    schema: str
    search_path: str | None
    owner: str | None
    roles: frozenset[str]


def grants(installation: Installation, owner: str, app: str) -> str:
    """Give the statements, for whoever owns the main site's tables, and for `owner` after that.

    Raises `Missing` when the tables can't be found, `Unavailable` without a database.
    """
    place = installation.ask(lambda connection: _look(connection, (owner, app)))
    user = installation.user
    read = [] if installation.by_http else [user, installation.session]
    owners_role, apps_role = _role(place, owner), _role(place, app)
    who = "-- Before alembic upgrade head, as the owner of the main site's tables"
    return "\n".join(
        [
            f"{who}, who must also be\n-- allowed to create roles:"
            if owners_role or apps_role
            else f"{who}:",
            *owners_role,
            *_usage(owner, [place.schema, user.schema], creates_in=place.schema),
            f"GRANT {_key_rights(place, user)} ON {named(user)} TO {quoted(owner)};",
            *_handed_over(place, owner),
            "",
            *apps_role,
            # The user table is found, for the type of its id, even where nothing of it is read.
            *_usage(app, [place.schema, user.schema, *(table.schema for table in read)]),
            *(
                f"GRANT SELECT ({_list(table)}) ON {named(table)} TO {quoted(app)};"
                for table in read
            ),
            "",
            f"-- Run alembic upgrade head as {owner}, and then, as {owner} too:",
            f"GRANT SELECT, INSERT, UPDATE ON {quoted(place.schema)}.{TABLE} TO {quoted(app)};",
            f"GRANT SELECT ON {quoted(place.schema)}.{VERSIONS} TO {quoted(app)};",
            "-- And, for the role that your own site connects as, to read the answers:",
            f"-- GRANT SELECT ON {quoted(place.schema)}.{TABLE} TO ...;",
        ]
    )


def _look(connection: Connection, names: tuple[str, str]) -> _Place:
    found = connection.execute(_PLACE, {"table": TABLE}).one()
    schema, search_path, source, owner, is_own = found
    if is_own:
        # The "$user" of the search_path leads each other role elsewhere.
        search_path = f"{quoted(schema)}, public"
    roles = frozenset(connection.scalars(_ROLES, {"names": list(names)}))
    # What was set for a role goes with the role; what DATABASE_URL sets goes with DATABASE_URL.
    of_role = is_own or source in ("user", "database user")
    return _Place(schema or "public", search_path if of_role else None, owner, roles)


def _role(place: _Place, role: str) -> list[str]:
    lines = []
    if role not in place.roles:
        # Without a password nobody can log in yet, which a forgotten placeholder wouldn't ensure.
        lines.append(f"CREATE ROLE {quoted(role)} LOGIN;  -- then give it a password")
    if place.search_path is not None:
        lines.append(f"ALTER ROLE {quoted(role)} SET search_path = {place.search_path};")
    return lines


def _usage(role: str, schemas: list[str], *, creates_in: str | None = None) -> list[str]:
    return [
        f"GRANT USAGE{', CREATE' if schema == creates_in else ''} "
        f"ON SCHEMA {quoted(schema)} TO {quoted(role)};"
        for schema in dict.fromkeys(schemas)
    ]


def _key_rights(place: _Place, user: Table) -> str:
    # To adopt a table that stands, the migration looks for rows that belong to no user. A list of
    # columns belongs to the one right before it.
    verbs = ["REFERENCES"] if place.owner is None else ["SELECT", "REFERENCES"]
    return ", ".join(f"{verb} ({quoted(user.columns['id'])})" for verb in verbs)


def _handed_over(place: _Place, owner: str) -> list[str]:
    if place.owner in (None, owner):
        return []
    schema = quoted(place.schema)
    return [
        f"ALTER TABLE {schema}.{TABLE} OWNER TO {quoted(owner)};",
        f"ALTER TABLE IF EXISTS {schema}.{VERSIONS} OWNER TO {quoted(owner)};",
        f"DO $$ BEGIN ALTER FUNCTION {schema}.{FINAL}() OWNER TO {quoted(owner)};",
        "EXCEPTION WHEN undefined_function THEN NULL; END $$;",
    ]


def _list(table: Table) -> str:
    return ", ".join(quoted(column) for column in table.columns.values())
