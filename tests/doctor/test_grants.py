"""`doctor --grants`: run what it prints, and everything works with the least rights."""

from collections.abc import Iterator, Mapping

import psycopg
import pytest

from devstack.postgres import Postgres
from devstack.processes import ROOT
from devstack.roles import as_role, create_roles, doctor_grants, set_password
from onboarding.doctor import rights
from tests.betterauth.layouts import CAMEL, SNAKE_NAIVE, Layout
from tests.doctor.conftest import HealthyInstallation, run_check
from tests.questionnaires import DEFAULT, insert_profile, some_answers
from tests.schemas import ScratchDatabase, alembic, create_scratch_database

pytestmark = pytest.mark.slow

ODD = Layout(
    id_type="uuid", snake_case=True, plugins=True, user='the "users"', session="sessions: all"
)
ODD_ENVIRON = {
    "BETTER_AUTH_USER_TABLE": ODD.user,
    "BETTER_AUTH_SESSION_TABLE": ODD.session,
    "BETTER_AUTH_SCHEMA": "auth",
}


@pytest.fixture(scope="module")
def scratch_database(server: Postgres) -> Iterator[ScratchDatabase]:
    with create_scratch_database(server, "doctor-grants") as made:
        yield made


def as_role_of(url: str, role: str) -> str:
    return as_role(url, role, "pass-phrase")


def follow_grants(
    url: str, owner: str, app: str, environ: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """Do what `--grants` says: roles, migration, rights. Return what it printed, and the app's address."""
    environ = environ or {}
    printed = doctor_grants({"DATABASE_URL": url, **environ}, owner, app)
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute(printed.before)
        for role in (owner, app):
            set_password(superuser, role, "pass-phrase")
    done = alembic(as_role_of(url, owner), "upgrade", "head", **environ)
    assert done.returncode == 0, done.stderr
    with psycopg.connect(as_role_of(url, owner), autocommit=True) as connection:
        connection.execute(printed.after)
    return str(printed), as_role_of(url, app)


def levels(url: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the levels of the findings on a role: sufficient rights, and excess ones."""
    environ = {"DATABASE_URL": url, **(environ or {})}
    checks = (rights.sufficient, rights.excessive)
    return [found.level for check in checks for found in run_check(check, environ)]


def test_the_example_in_the_documents_is_what_the_doctor_prints(
    healthy: HealthyInstallation,
) -> None:
    example = str(healthy.grants).replace("doctor_site", "main_site")
    assert f"```sql\n{example}\n```\n" in (ROOT / "docs" / "integrate.md").read_text()


@pytest.mark.parametrize(
    ("layout", "name", "roles", "environ"),
    [
        pytest.param(CAMEL, "camel", ("grants_owner", "grants_app"), {}, id="camelCase"),
        pytest.param(SNAKE_NAIVE, "snake", ('the "owner"', "app; role"), {}, id="snake_case"),
        pytest.param(ODD, "auth", ("odd_owner", "odd_app"), ODD_ENVIRON, id="odd names, two schemas"),
    ],
)  # fmt: skip
def test_both_roles_get_the_rights_that_they_need_and_no_more(
    layout: Layout,
    name: str,
    roles: tuple[str, str],
    environ: dict[str, str],
    scratch_database: ScratchDatabase,
) -> None:
    schema = scratch_database.create_schema(name, layout.ddl())
    # With a schema of the main site's own, the profile table is in another.
    url = scratch_database.create_schema("ours").url() if environ else schema.url()
    _, as_app = follow_grants(url, *roles, environ)
    assert levels(as_app, environ) == ["ok", "ok"]
    user_id, _ = layout.sign_in(schema)
    with psycopg.connect(as_app, autocommit=True) as app:
        insert_profile(app, user_id, some_answers())
        for refused in ("DELETE FROM user_profile", "TRUNCATE user_profile"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(refused)
        # The main site deletes its user; the profile goes along by the right of its owner.
        schema.sql(layout.delete_users())
        assert app.execute("SELECT count(*) FROM user_profile").fetchone() == (0,)


def test_with_sessions_over_http_the_app_finds_the_main_sites_tables_and_reads_no_row(
    scratch_database: ScratchDatabase,
) -> None:
    scratch_database.create_schema("hosted", CAMEL.ddl())
    url = scratch_database.create_schema("hosted_ours").url()
    environ = {"SESSION_SOURCE": "http", "BETTER_AUTH_SCHEMA": "hosted"}
    printed, as_app = follow_grants(url, "hosted_owner", "hosted_app", environ)
    assert "GRANT SELECT (" not in printed
    assert levels(as_app, environ) == ["ok", "ok"]
    # Without that right the user table's own condition is the fault.
    scratch_database.owner.execute("REVOKE USAGE ON SCHEMA hosted FROM hosted_app")
    assert levels(as_app, environ) == ["skipped", "skipped"]


@pytest.mark.parametrize(("schema", "role"), [("site", "site"), ("by role", "pathfinder")])
def test_a_search_path_of_the_role_alone_is_set_for_both(
    schema: str, role: str, scratch_database: ScratchDatabase
) -> None:
    owner = scratch_database.create_schema(schema, CAMEL.ddl()).owner
    owner.execute(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'pass-phrase'")
    if schema != role:  # otherwise the default, "$user", leads to it
        owner.execute(f'ALTER ROLE {role} SET search_path = "{schema}"')
    url = as_role_of(scratch_database.url, role)
    _, as_app = follow_grants(url, f"{role}_owner", f"{role}_app")
    assert levels(as_app) == ["ok", "ok"]


def test_printed_again_it_adds_rights_but_neither_roles_nor_an_owner(
    scratch_database: ScratchDatabase,
) -> None:
    schema = scratch_database.create_schema("again", CAMEL.ddl())
    _, as_app = follow_grants(schema.url(), "again_owner", "again_app")
    schema.sql('ALTER TABLE "user" ADD "isAnonymous" boolean')
    assert levels(as_app) == ["fault", "ok"]

    printed, _ = follow_grants(schema.url(), "again_owner", "again_app")
    for words in ("CREATE ROLE", "create roles", "OWNER TO"):
        assert words not in printed
    assert levels(as_app) == ["ok", "ok"]


def test_a_table_made_by_hand_can_be_adopted_by_the_new_owner(
    scratch_database: ScratchDatabase,
) -> None:
    schema = scratch_database.create_schema("handmade", CAMEL.ddl())
    schema.sql('CREATE TABLE user_profile (user_id text PRIMARY KEY REFERENCES "user")')
    for name in DEFAULT.names:
        schema.sql(f"ALTER TABLE user_profile ADD {name} text")
    _, as_app = follow_grants(schema.url(), "hand_owner", "hand_app")
    assert levels(as_app) == ["ok", "ok"]
    # The owner reads the ids of users, to find rows without one, and nothing else.
    with psycopg.connect(as_role_of(schema.url(), "hand_owner"), autocommit=True) as owner:
        owner.execute('SELECT id FROM "user"')
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute('SELECT email FROM "user"')


def test_what_one_role_made_is_handed_over_by_a_role_that_is_no_superuser(server: Postgres) -> None:
    site = create_roles(server.create_database("grants-later"), site="grants_later")
    with psycopg.connect(site.url, autocommit=True) as superuser:
        superuser.execute("ALTER ROLE grants_later CREATEROLE")
    with psycopg.connect(site.site_url, autocommit=True) as connection:
        connection.execute(CAMEL.ddl())
    assert alembic(site.site_url, "upgrade", "head").returncode == 0
    printed, as_app = follow_grants(site.site_url, "later_owner", "later_app")
    assert "OWNER TO" in printed
    assert levels(as_app) == ["ok", "ok"]
    with psycopg.connect(site.url) as superuser:
        is_member = "SELECT pg_has_role('grants_later', 'later_owner', 'SET')"
        assert superuser.execute(is_member).fetchone() == (False,)


def test_a_user_profile_of_the_main_sites_own_stays_as_it_is(server: Postgres) -> None:
    site = create_roles(server.create_database("grants-foreign"), site="grants_foreign")
    with psycopg.connect(site.site_url, autocommit=True) as connection:
        connection.execute(CAMEL.ddl())
        connection.execute(
            "CREATE TABLE user_profile (user_id text PRIMARY KEY, is_onboarded boolean)"
        )
    refused = alembic(site.site_url, "upgrade", "head")
    assert "doctor --grants" in refused.stdout
    for _ in range(2):
        printed, as_app = follow_grants(site.url, "foreign_owner", "foreign_app")
        assert levels(as_app) == ["ok", "ok"]
        assert "OWNER TO" not in printed
    with psycopg.connect(site.site_url, autocommit=True) as connection:
        connection.execute("""INSERT INTO "user" VALUES ('ada', 'Ada', 'ada@example.test')""")
        with psycopg.connect(as_app, autocommit=True) as app:
            insert_profile(app, "ada", some_answers())
        assert connection.execute("SELECT count(*) FROM user_profile").fetchone() == (0,)


def test_row_level_security_gets_the_policies_that_the_app_needs(
    scratch_database: ScratchDatabase,
) -> None:
    schema = scratch_database.create_schema("hidden", CAMEL.ddl())
    for table in ('"user"', "session"):
        schema.sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    _, as_app = follow_grants(schema.url(), "hidden_owner", "hidden_app")
    assert levels(as_app) == ["ok", "ok"]
    # Reading alone isn't enough there.
    schema.sql("""
        ALTER TABLE user_profile ENABLE ROW LEVEL SECURITY;
        CREATE POLICY reads ON user_profile FOR SELECT USING (true)
    """)
    assert levels(as_app) == ["fault", "ok"]
    printed, _ = follow_grants(schema.url(), "hidden_owner", "hidden_app")
    assert levels(as_app) == ["ok", "ok"]
    assert printed.count("CREATE POLICY") == 1


EXCESS = {
    "ALTER SCHEMA excess OWNER TO excess_app": "owns schema excess: it may drop user_profile",
    "GRANT TRIGGER ON user_profile TO excess_app": "may create triggers on user_profile",
    "GRANT SET ON PARAMETER session_replication_role TO excess_app": "may set session_replication_role",
    "ALTER ROLE excess_app CREATEROLE": "may create roles",
    "GRANT DELETE ON user_profile TO excess_app": "may DELETE user_profile",
    "GRANT TRUNCATE ON user_profile TO excess_app": "may TRUNCATE user_profile",
    'GRANT UPDATE (email) ON "user" TO excess_app': "may UPDATE excess.user",
    "GRANT SELECT (password) ON account TO excess_app": "may read excess.account.password",
    "GRANT excess_owner TO excess_app": "owns user_profile",
}


def test_each_right_that_the_app_does_not_need_is_a_warning(
    scratch_database: ScratchDatabase,
) -> None:
    schema = scratch_database.create_schema("excess", CAMEL.ddl())
    schema.sql("CREATE TABLE account (password text)")
    _, as_app = follow_grants(schema.url(), "excess_owner", "excess_app")
    before: set[str] = set()
    for statement, part in EXCESS.items():
        schema.sql(statement)
        found = run_check(rights.excessive, {"DATABASE_URL": as_app})
        assert {finding.level for finding in found} == {"warning"}
        (new,) = {finding.message for finding in found} - before
        assert new.startswith(f"excess_app {part}")
        before.add(new)
