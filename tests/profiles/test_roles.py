"""Finality by raw SQL, as each of the three roles."""

# ruff: noqa: S608 - statements are made of constants of ours

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from devstack.processes import ROOT
from tests.conftest import Environment
from tests.questionnaires import insert_profile, other_answers, some_answers

ROLES = ("app", "owner", "main site")
STATES = ("none", "draft", "final")

OTHER = other_answers()
LAST = list(OTHER)[-1]
COLUMNS = ", ".join(OTHER)
VALUES = ", ".join(f"'{value}'" for value in OTHER.values())
ANOTHER = ", ".join(f"{name} = '{value}'" for name, value in OTHER.items())
UPDATE = f"UPDATE user_profile SET {ANOTHER} WHERE user_id = %(user)s"
INSERT = (
    f"INSERT INTO user_profile (user_id, {COLUMNS}, is_onboarded) VALUES (%(user)s, {VALUES}, true)"
)

# What is tried, by name.
ATTEMPTS = {
    "INSERT": INSERT,
    "INSERT … ON CONFLICT DO NOTHING": f"{INSERT} ON CONFLICT DO NOTHING",
    "INSERT … ON CONFLICT DO UPDATE": f"{INSERT} ON CONFLICT (user_id) DO UPDATE SET {ANOTHER}",
    "COPY … FROM": f"COPY user_profile (user_id, {COLUMNS}) FROM STDIN",
    "MERGE": (
        "MERGE INTO user_profile USING (SELECT %(user)s AS id) AS new ON user_id = new.id"
        f" WHEN MATCHED THEN UPDATE SET {ANOTHER}"
        f" WHEN NOT MATCHED THEN INSERT (user_id, {COLUMNS}, is_onboarded)"
        f" VALUES (new.id, {VALUES}, true)"
    ),
    "UPDATE of an answer": UPDATE,
    "UPDATE of is_onboarded": "UPDATE user_profile SET is_onboarded = NOT is_onboarded WHERE user_id = %(user)s",
    "UPDATE of user_id": "UPDATE user_profile SET user_id = %(other)s WHERE user_id = %(user)s",
    "DELETE": "DELETE FROM user_profile WHERE user_id = %(user)s",
    "TRUNCATE": "TRUNCATE user_profile",
    "DELETE of the user": 'DELETE FROM "user" WHERE id = %(user)s',
    "UPDATE of the user's id": "UPDATE \"user\" SET id = id || '2' WHERE id = %(user)s",
    "TRUNCATE of the users, CASCADE": 'TRUNCATE "user" CASCADE',
    "DROP TABLE of the users, CASCADE": 'DROP TABLE "user" CASCADE',
    "SET session_replication_role": f"SET LOCAL session_replication_role = replica; {UPDATE}",
    "SET ROLE to the owner": f"SET LOCAL ROLE environment_owner; {UPDATE}",
    "UPDATE of pg_trigger": f"UPDATE pg_trigger SET tgenabled = 'D' WHERE tgname = 'user_profile_is_final'; {UPDATE}",
    "DISABLE TRIGGER, then UPDATE": f"ALTER TABLE user_profile DISABLE TRIGGER user_profile_is_final; {UPDATE}",
    "DROP TRIGGER, then UPDATE": f"DROP TRIGGER user_profile_is_final ON user_profile; {UPDATE}",
    "another trigger function, then UPDATE": (
        "CREATE OR REPLACE FUNCTION user_profile_is_final() RETURNS trigger"
        f" LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; {UPDATE}"
    ),
    "CREATE TRIGGER that comes last, then UPDATE": (
        "CREATE FUNCTION pg_temp.other() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$BEGIN NEW.{LAST} = '{OTHER[LAST]}'; RETURN NEW; END$$;"
        " CREATE TRIGGER zz BEFORE UPDATE ON user_profile FOR EACH ROW"
        " EXECUTE FUNCTION pg_temp.other();"
        " UPDATE user_profile SET updated_at = now() WHERE user_id = %(user)s"
    ),
    "ALTER TABLE … OWNER TO themselves": f"ALTER TABLE user_profile OWNER TO CURRENT_USER; {UPDATE}",
    "DROP TABLE": "DROP TABLE user_profile",
}

# What comes of it for each role: app | owner | main site; where there is no row, a draft, a final row.
OUTCOMES = """
INSERT                                      | made, unique, unique | made, unique, unique | denied
INSERT … ON CONFLICT DO NOTHING             | made, same, same | made, same, same | denied
INSERT … ON CONFLICT DO UPDATE              | made, changed, final | made, changed, final | denied
COPY … FROM                                 | made, unique, unique | made, unique, unique | denied
MERGE                                       | made, changed, final | made, changed, final | denied
UPDATE of an answer                         | same, changed, final | same, changed, final | denied
UPDATE of is_onboarded                      | same, changed, final | same, changed, final | denied
UPDATE of user_id                           | same, gone, final | same, gone, final | denied
DELETE                                      | denied | same, gone, gone | denied
TRUNCATE                                    | denied | same, gone, gone | denied
DELETE of the user                          | denied | denied | same, gone, gone
UPDATE of the user's id                     | denied | denied | same, key, key
TRUNCATE of the users, CASCADE              | denied | denied | denied
DROP TABLE of the users, CASCADE            | denied | denied | same, same, same
SET session_replication_role                | denied | denied | denied
SET ROLE to the owner                       | denied | same, changed, final | denied
UPDATE of pg_trigger                        | denied | denied | denied
DISABLE TRIGGER, then UPDATE                | denied | same, changed, changed | denied
DROP TRIGGER, then UPDATE                   | denied | same, changed, changed | denied
another trigger function, then UPDATE       | denied | same, changed, changed | denied
CREATE TRIGGER that comes last, then UPDATE | denied | same, changed, changed | denied
ALTER TABLE … OWNER TO themselves           | denied | same, changed, final | denied
DROP TABLE                                  | denied | same, gone, gone | same, gone, gone
"""

DOCUMENT = (ROOT / "docs" / "database.md").read_text()
SQLSTATES = {"42501": "denied", "23001": "final", "23505": "unique", "23503": "key"}


@pytest.fixture(scope="module")
def logins(environment: Environment) -> Iterator[dict[str, psycopg.Connection]]:
    """A connection of each role; what they do is rolled back."""
    roles = environment.roles
    urls = dict(zip(ROLES, (roles.app_url, roles.owner_url, roles.site_url), strict=True))
    made = {role: psycopg.connect(url) for role, url in urls.items()}
    yield made
    for connection in made.values():
        connection.close()


@pytest.fixture(scope="module")
def users(environment: Environment) -> dict[str, str]:
    """The id of a user in each state, and of one more without a row."""
    made = {state: f"roles-{state}" for state in (*STATES, "other")}
    for user_id in made.values():
        environment.sql(
            'INSERT INTO "user" (id, name, email, "emailVerified") VALUES (%s, %s, %s, true)',
            *(user_id, "Ada", f"{user_id}@example.test"),
        )
    with psycopg.connect(environment.database_url) as connection:
        for state in ("draft", "final"):
            insert_profile(connection, made[state], some_answers(), is_onboarded=state == "final")
    return made


@pytest.mark.parametrize("line", OUTCOMES.strip().splitlines())
def test_each_role_can_do_what_the_table_says_and_no_more(logins, users, line):
    attempt, *expected = (cell.strip() for cell in line.split("|"))
    found = [
        [outcome(logins[role], ATTEMPTS[attempt], users[state], users["other"]) for state in STATES]
        for role in ROLES
    ]
    summaries = [one[0] if one == ["denied"] * 3 else ", ".join(one) for one in found]
    assert dict(zip(ROLES, summaries, strict=True)) == dict(zip(ROLES, expected, strict=True))
    final = " | ".join(one.rpartition(", ")[2] for one in summaries)
    assert f"\n| {attempt} | {final} |\n" in DOCUMENT.replace("`", "")


def outcome(role: psycopg.Connection, statements: str, user: str, other: str) -> str:
    before = row(role, user)
    names = {"user": sql.Literal(user), "other": sql.Literal(other)}
    composed = re.sub(r"%\((\w+)\)s", lambda mark: names[mark[1]].as_string(role), statements)
    try:
        if composed.startswith("COPY"):
            with role.cursor().copy(composed) as copy:
                copy.write_row((user, *OTHER.values()))
        else:
            role.execute(composed.encode())
        after = row(role, user)
    except psycopg.Error as error:
        return SQLSTATES.get(str(error.sqlstate), str(error))
    finally:
        role.rollback()
    if before == after:
        return "same"
    return "changed" if before and after else "made" if after else "gone"


def test_in_a_schema_of_the_owners_the_main_site_can_drop_nothing(environment, logins):
    environment.sql("CREATE SCHEMA apart AUTHORIZATION environment_owner")
    environment.sql("CREATE TABLE apart.user_profile (user_id text)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        logins["main site"].execute("DROP TABLE apart.user_profile")
    logins["main site"].rollback()


def row(connection: psycopg.Connection, user_id: str) -> tuple | None:
    if connection.execute("SELECT to_regclass('user_profile')").fetchone() == (None,):
        return None
    return connection.execute(
        f"SELECT {COLUMNS}, is_onboarded FROM user_profile WHERE user_id = %s",
        [user_id],
    ).fetchone()
