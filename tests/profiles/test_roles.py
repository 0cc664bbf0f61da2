"""Finality by raw SQL, as each of the three roles: what `docs/database.md` says of a final profile."""

# ruff: noqa: S608 - statements are put together from constants of ours

import re
from collections.abc import Callable, Iterator

import httpx
import psycopg
import pytest
from psycopg import sql

from devstack.processes import ROOT
from tests.conftest import Stage
from tests.visitor import Person, Visitor

DOCUMENT = ROOT / "docs" / "database.md"

ROLES = ("app", "owner", "main site")
STATES = ("none", "draft", "final")

DENIED = "denied, denied, denied"
ANOTHER = "python_proficiency = 'Advanced', developer_role = 'None'"
UPDATE = f"UPDATE user_profile SET {ANOTHER} WHERE user_id = %(user)s"
INSERT = "INSERT INTO user_profile VALUES (%(user)s, 'Advanced', 'None', true)"

# What is tried, and what comes of it for each role where there is no row, a draft, a final row.
ATTEMPTS: dict[str, tuple[str, str, str, str]] = {
    "INSERT": (
        INSERT,
        "made, unique, unique",
        "made, unique, unique",
        DENIED,
    ),
    "INSERT … ON CONFLICT DO NOTHING": (
        f"{INSERT} ON CONFLICT DO NOTHING",
        "made, same, same",
        "made, same, same",
        DENIED,
    ),
    "INSERT … ON CONFLICT DO UPDATE": (
        f"{INSERT} ON CONFLICT (user_id) DO UPDATE SET {ANOTHER}",
        "made, changed, final",
        "made, changed, final",
        DENIED,
    ),
    "COPY … FROM": (
        "COPY user_profile (user_id, python_proficiency, developer_role) FROM STDIN",
        "made, unique, unique",
        "made, unique, unique",
        DENIED,
    ),
    "MERGE": (
        (
            "MERGE INTO user_profile USING (SELECT %(user)s AS id) AS new ON user_id = new.id"
            f" WHEN MATCHED THEN UPDATE SET {ANOTHER}"
            " WHEN NOT MATCHED THEN INSERT VALUES (new.id, 'Advanced', 'None', true)"
        ),
        "made, changed, final",
        "made, changed, final",
        DENIED,
    ),
    "UPDATE of an answer": (
        UPDATE,
        "same, changed, final",
        "same, changed, final",
        DENIED,
    ),
    "UPDATE of is_onboarded": (
        "UPDATE user_profile SET is_onboarded = NOT is_onboarded WHERE user_id = %(user)s",
        "same, changed, final",
        "same, changed, final",
        DENIED,
    ),
    "UPDATE of user_id": (
        "UPDATE user_profile SET user_id = %(other)s WHERE user_id = %(user)s",
        "same, gone, final",
        "same, gone, final",
        DENIED,
    ),
    "DELETE": (
        "DELETE FROM user_profile WHERE user_id = %(user)s",
        DENIED,
        "same, gone, gone",
        DENIED,
    ),
    "TRUNCATE": (
        "TRUNCATE user_profile",
        DENIED,
        "same, gone, gone",
        DENIED,
    ),
    "DELETE of the user": (
        'DELETE FROM "user" WHERE id = %(user)s',
        DENIED,
        DENIED,
        "same, gone, gone",
    ),
    "UPDATE of the user's id": (
        "UPDATE \"user\" SET id = id || '2' WHERE id = %(user)s",
        DENIED,
        DENIED,
        "same, key, key",
    ),
    "TRUNCATE of the users, CASCADE": (
        'TRUNCATE "user" CASCADE',
        DENIED,
        DENIED,
        DENIED,
    ),
    "DROP TABLE of the users, CASCADE": (
        'DROP TABLE "user" CASCADE',
        DENIED,
        DENIED,
        "same, same, same",
    ),
    "SET session_replication_role": (
        f"SET LOCAL session_replication_role = replica; {UPDATE}",
        DENIED,
        DENIED,
        DENIED,
    ),
    "SET ROLE to the owner": (
        f"SET LOCAL ROLE stage_owner; {UPDATE}",
        DENIED,
        "same, changed, final",
        DENIED,
    ),
    "UPDATE of pg_trigger": (
        f"UPDATE pg_trigger SET tgenabled = 'D' WHERE tgname = 'user_profile_is_final'; {UPDATE}",
        DENIED,
        DENIED,
        DENIED,
    ),
    "DISABLE TRIGGER, then UPDATE": (
        f"ALTER TABLE user_profile DISABLE TRIGGER user_profile_is_final; {UPDATE}",
        DENIED,
        "same, changed, changed",
        DENIED,
    ),
    "DROP TRIGGER, then UPDATE": (
        f"DROP TRIGGER user_profile_is_final ON user_profile; {UPDATE}",
        DENIED,
        "same, changed, changed",
        DENIED,
    ),
    "another trigger function, then UPDATE": (
        (
            "CREATE OR REPLACE FUNCTION user_profile_is_final() RETURNS trigger"
            f" LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; {UPDATE}"
        ),
        DENIED,
        "same, changed, changed",
        DENIED,
    ),
    "CREATE TRIGGER that comes last, then UPDATE": (
        (
            "CREATE FUNCTION pg_temp.other() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN NEW.developer_role = ''None''; RETURN NEW; END';"
            " CREATE TRIGGER zz BEFORE UPDATE ON user_profile FOR EACH ROW"
            " EXECUTE FUNCTION pg_temp.other();"
            " UPDATE user_profile SET updated_at = now() WHERE user_id = %(user)s"
        ),
        DENIED,
        "same, changed, changed",
        DENIED,
    ),
    "ALTER TABLE … OWNER TO themselves": (
        f"ALTER TABLE user_profile OWNER TO CURRENT_USER; {UPDATE}",
        DENIED,
        "same, changed, final",
        DENIED,
    ),
    "DROP TABLE": (
        "DROP TABLE user_profile",
        # Whoever owns a schema may drop what stands in it, and the database's owner owns "public".
        DENIED,
        "same, gone, gone",
        "same, gone, gone",
    ),
}

SQLSTATES = {"42501": "denied", "23001": "final", "23505": "unique", "23503": "key"}


@pytest.fixture(scope="module")
def logins(stage: Stage) -> Iterator[dict[str, psycopg.Connection]]:
    """A connection of each role; what they do is rolled back."""
    shared = stage.shared
    urls = dict(zip(ROLES, (shared.app_url, shared.owner_url, shared.site_url), strict=True))
    made = {role: psycopg.connect(url) for role, url in urls.items()}
    yield made
    for connection in made.values():
        connection.close()


@pytest.fixture(scope="module")
def users(stage: Stage) -> dict[str, str]:
    """Somebody in each state, and one more without a row, by their ids."""
    made = {state: f"roles-{state}" for state in (*STATES, "other")}
    for user_id in made.values():
        stage.sql(
            'INSERT INTO "user" (id, name, email, "emailVerified") VALUES (%s, %s, %s, true)',
            *(user_id, "Ada", f"{user_id}@example.test"),
        )
    for state in ("draft", "final"):
        stage.sql(
            "INSERT INTO user_profile VALUES (%s, 'Beginner', 'Backend Developer', %s)",
            *(made[state], state == "final"),
        )
    return made


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_what_comes_of_it(
    logins: dict[str, psycopg.Connection], users: dict[str, str], attempt: str
) -> None:
    statements, *expected = ATTEMPTS[attempt]
    found = [
        ", ".join(
            outcome(logins[role], statements, users[state], users["other"]) for state in STATES
        )
        for role in ROLES
    ]
    assert dict(zip(ROLES, found, strict=True)) == dict(zip(ROLES, expected, strict=True))


def outcome(role: psycopg.Connection, statements: str, user: str, other: str) -> str:
    before = row(role, user)
    names = {"user": sql.Literal(user), "other": sql.Literal(other)}
    composed = re.sub(r"%\((\w+)\)s", lambda mark: names[mark[1]].as_string(role), statements)
    try:
        if composed.startswith("COPY"):
            with role.cursor().copy(composed) as copy:
                copy.write_row((user, "Advanced", "None"))
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


def test_in_a_schema_of_the_owners_the_main_site_can_drop_nothing(
    stage: Stage, logins: dict[str, psycopg.Connection]
) -> None:
    stage.sql("CREATE SCHEMA apart AUTHORIZATION stage_owner")
    stage.sql("CREATE TABLE apart.user_profile (user_id text)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        logins["main site"].execute("DROP TABLE apart.user_profile")
    logins["main site"].rollback()


def row(connection: psycopg.Connection, user_id: str) -> tuple | None:
    if connection.execute("SELECT to_regclass('user_profile')").fetchone() == (None,):
        return None
    return connection.execute(
        "SELECT python_proficiency, developer_role, is_onboarded FROM user_profile"
        " WHERE user_id = %s",
        [user_id],
    ).fetchone()


def test_the_document_says_so_of_a_final_profile() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", DOCUMENT.read_text(), re.M)
    told = {plain(attempt): outcomes for attempt, *outcomes in rows if plain(attempt) in ATTEMPTS}
    assert told == {
        attempt: [outcomes.split(", ")[STATES.index("final")] for outcomes in expected]
        for attempt, (_, *expected) in ATTEMPTS.items()
    }


def plain(cell: str) -> str:
    return cell.replace("`", "").replace("\\", "")


def test_better_auth_deletes_a_user_whose_profile_its_role_may_not_touch(
    stage: Stage, real_ada: Person, visitor: Callable[..., Visitor]
) -> None:
    visitor(real_ada).finish()
    with psycopg.connect(stage.site.database_url) as site:
        may = site.execute(
            "SELECT current_user, has_table_privilege('user_profile', 'DELETE'),"
            " pg_has_role('stage_owner', 'MEMBER')"
        ).fetchone()
    assert may == ("main_site", False, False)
    answer = httpx.post(
        f"{stage.site.url}/api/auth/delete-user",
        json={"password": real_ada.password},
        headers={"Origin": stage.site.url, "Cookie": real_ada.cookie},
    )
    assert answer.status_code == 200, answer.text
    assert stage.sql('SELECT FROM "user" WHERE id = %s', real_ada.user_id) == []
    assert stage.sql('SELECT FROM session WHERE "userId" = %s', real_ada.user_id) == []
    assert stage.sql("SELECT FROM user_profile WHERE user_id = %s", real_ada.user_id) == []
