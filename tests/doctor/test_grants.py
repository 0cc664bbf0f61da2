"""`flask doctor --grants`: run what it prints, and everything works with the least rights."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from devstack.postgres import Postgres
from devstack.processes import ROOT
from devstack.roles import as_role, share
from onboarding.doctor import rights
from onboarding.doctor.installation import Installation, Missing
from tests.betterauth.layouts import CAMEL, SNAKE_NAIVE, Layout
from tests.doctor.conftest import Clinic, follow, told_grants
from tests.places import Places, divided

ODD = Layout(
    id_type="uuid", snake_case=True, plugins=True, user='the "users"', session="sessions: all"
)
ODD_ENVIRON = {
    "BETTER_AUTH_USER_TABLE": ODD.user,
    "BETTER_AUTH_SESSION_TABLE": ODD.session,
    "BETTER_AUTH_SCHEMA": "auth",
}
PROFILE = """
    INSERT INTO user_profile (user_id, python_proficiency, developer_role)
    VALUES (%s, 'Beginner', 'None')
"""


@pytest.fixture(scope="module")
def places(server: Postgres) -> Iterator[Places]:
    with divided(server, "doctor-grants") as made:
        yield made


def test_the_documented_example_is_what_it_says_of_better_auths_default_layout(
    clinic: Clinic,
) -> None:
    assert f"```sql\n{clinic.told}\n```\n" in (ROOT / "docs" / "integrate.md").read_text()


@pytest.mark.parametrize(
    ("layout", "schema", "roles", "environ"),
    [
        pytest.param(CAMEL, "camel", ("grants_owner", "grants_app"), {}, id="camelCase"),
        pytest.param(SNAKE_NAIVE, "snake", ('the "owner"', "app; role"), {}, id="snake_case"),
        pytest.param(ODD, "auth", ("odd_owner", "odd_app"), ODD_ENVIRON, id="odd names, two schemas"),
    ],
)  # fmt: skip
def test_what_it_prints_gives_both_roles_all_that_they_need_and_no_more(
    layout: Layout, schema: str, roles: tuple[str, str], environ: dict[str, str], places: Places
) -> None:
    place = places.settle(schema, layout.ddl())
    # Our table in a schema of its own, where the main site's has one.
    url = places.settle("ours").url() if environ else place.url()
    passwords = dict.fromkeys(roles, "pass-phrase")
    follow(told_grants(url, *roles, **environ), url, passwords, **environ)

    as_app = as_role(url, roles[1], "pass-phrase")
    assert levels(as_app, environ) == ["ok", "ok"]
    user_id, _ = layout.sign_in(place)
    with psycopg.connect(as_app, autocommit=True) as app:
        app.execute(PROFILE, [user_id])
        for refused in ("DELETE FROM user_profile", "TRUNCATE user_profile"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(refused)
    # The main site deletes a user; the profile goes along, by the right of its owner.
    place.sql(layout.delete_everybody())
    with psycopg.connect(as_app) as app:
        assert app.execute("SELECT count(*) FROM user_profile").fetchone() == (0,)


def test_where_sessions_are_asked_for_over_http_the_app_reads_nothing_of_the_main_sites(
    places: Places,
) -> None:
    place = places.settle("http", CAMEL.ddl())
    roles, environ = ("http_owner", "http_app"), {"SESSION_SOURCE": "http"}
    told = told_grants(place.url(), *roles, **environ)
    assert "GRANT SELECT (" not in told
    follow(told, place.url(), dict.fromkeys(roles, "pass-phrase"), **environ)
    assert levels(as_role(place.url(), "http_app", "pass-phrase"), environ) == ["ok", "ok"]


def test_over_http_a_main_site_in_a_schema_of_its_own_can_still_be_found(places: Places) -> None:
    places.settle("hosted", CAMEL.ddl())
    url = places.settle("hosted_ours").url()
    environ = {"SESSION_SOURCE": "http", "BETTER_AUTH_SCHEMA": "hosted"}
    roles = ("hosted_owner", "hosted_app")
    follow(told_grants(url, *roles, **environ), url, dict.fromkeys(roles, "pass-phrase"), **environ)
    as_app = as_role(url, "hosted_app", "pass-phrase")
    assert levels(as_app, environ) == ["ok", "ok"]
    with psycopg.connect(as_app, autocommit=True) as app:
        assert app.execute("SELECT to_regclass('hosted.\"user\"') IS NOT NULL").fetchone() == (
            True,
        )
    # Without that right nothing can be told of the table, which its own condition says.
    places.owner.execute("REVOKE USAGE ON SCHEMA hosted FROM hosted_app")
    with pytest.raises(Missing, match="user table"):
        levels(as_app, environ)


def test_a_schema_that_is_the_users_own_is_named_to_both_roles(places: Places) -> None:
    places.owner.execute("CREATE ROLE site LOGIN SUPERUSER PASSWORD 'pass-phrase'")
    places.settle("site", CAMEL.ddl())
    url = as_role(places.url, "site", "pass-phrase")
    roles = ("site_owner", "site_app")
    follow(told_grants(url, *roles), url, dict.fromkeys(roles, "pass-phrase"))
    assert levels(as_role(url, "site_app", "pass-phrase"), {}) == ["ok", "ok"]


def test_said_again_it_makes_no_role_twice_and_leaves_the_owner(places: Places) -> None:
    place = places.settle("again", CAMEL.ddl())
    roles = ("again_owner", "again_app")
    passwords = dict.fromkeys(roles, "pass-phrase")
    follow(told_grants(place.url(), *roles), place.url(), passwords)
    place.sql('ALTER TABLE "user" ADD "isAnonymous" boolean')
    assert levels(as_role(place.url(), roles[1], "pass-phrase"), {}) == ["fault", "ok"]

    told = told_grants(place.url(), *roles)
    assert told.startswith(
        "-- Before alembic upgrade head, as the owner of the main site's tables:\nGRANT USAGE"
    )
    assert "CREATE ROLE" not in told
    assert "OWNER TO" not in told
    follow(told, place.url(), passwords)
    assert levels(as_role(place.url(), roles[1], "pass-phrase"), {}) == ["ok", "ok"]


def test_a_table_that_one_role_made_for_everything_is_handed_over(places: Places) -> None:
    place = places.settle("together", CAMEL.ddl())
    place.migrate()
    roles = ("split_owner", "split_app")
    follow(told_grants(place.url(), *roles), place.url(), dict.fromkeys(roles, "pass-phrase"))
    owners = place.sql("""
        SELECT DISTINCT CAST(relowner AS regrole)::text FROM pg_class
        WHERE oid IN ('user_profile'::regclass, 'onboarding_alembic_version'::regclass)
    """)
    assert owners == [("split_owner",)]
    assert levels(as_role(place.url(), roles[1], "pass-phrase"), {}) == ["ok", "ok"]


def test_a_table_that_was_made_by_hand_can_be_adopted_by_the_new_owner(places: Places) -> None:
    place = places.settle("handmade", CAMEL.ddl())
    place.sql("""
        CREATE TABLE user_profile (
            user_id text PRIMARY KEY REFERENCES "user", python_proficiency text, developer_role text
        )
    """)
    roles = ("hand_owner", "hand_app")
    follow(told_grants(place.url(), *roles), place.url(), dict.fromkeys(roles, "pass-phrase"))
    assert levels(as_role(place.url(), "hand_app", "pass-phrase"), {}) == ["ok", "ok"]
    # To adopt it the owner reads ids, and nothing else of the main site's.
    with psycopg.connect(
        as_role(place.url(), "hand_owner", "pass-phrase"), autocommit=True
    ) as owner:
        owner.execute('SELECT id FROM "user"')
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute('SELECT email FROM "user"')


def test_a_search_path_that_was_set_for_a_role_is_set_for_both(places: Places) -> None:
    place = places.settle("by role", CAMEL.ddl())
    place.places.owner.execute(
        sql.SQL("CREATE ROLE pathfinder LOGIN SUPERUSER PASSWORD 'pass-phrase'")
    )
    place.sql('ALTER ROLE pathfinder SET search_path = "by role"')
    told = told_grants(as_role(places.url, "pathfinder", "pass-phrase"), "path_owner", "path_app")
    assert told.count('SET search_path = "by role";') == 2


def test_the_main_sites_own_role_can_run_it_if_it_may_create_roles(server: Postgres) -> None:
    names = {"site": "grants_site", "owner": "by_site_owner", "app": "by_site_app"}
    shared = share(server.create_database("grants-by-site"), **names)
    with psycopg.connect(shared.url, autocommit=True) as superuser:
        superuser.execute("ALTER ROLE grants_site CREATEROLE")
    with psycopg.connect(shared.site_url, autocommit=True) as site:
        site.execute(CAMEL.ddl())
    roles = (shared.owner, shared.app)
    follow(
        told_grants(shared.site_url, *roles), shared.site_url, dict.fromkeys(roles, "pass-phrase")
    )
    assert levels(as_role(shared.url, shared.app, "pass-phrase"), {}) == ["ok", "ok"]


WAYS_AROUND = {
    "ALTER SCHEMA around OWNER TO around_app": "owns schema around: it may drop user_profile",
    "GRANT TRIGGER ON user_profile TO around_app": "may make triggers on user_profile",
    "GRANT SET ON PARAMETER session_replication_role TO around_app": "may set session_replication_",
    "ALTER ROLE around_app CREATEROLE": "may create roles",
    "GRANT DELETE ON user_profile TO around_app": "may DELETE user_profile",
    "GRANT TRUNCATE ON user_profile TO around_app": "may TRUNCATE user_profile",
    "GRANT around_owner TO around_app": "owns user_profile",
}


def test_each_way_around_a_final_profile_is_told(places: Places) -> None:
    place = places.settle("around", CAMEL.ddl())
    roles = ("around_owner", "around_app")
    follow(told_grants(place.url(), *roles), place.url(), dict.fromkeys(roles, "pass-phrase"))
    as_app = as_role(place.url(), roles[1], "pass-phrase")
    before = excess(as_app)
    assert before == []
    for statement, words in WAYS_AROUND.items():
        place.sql(statement)
        after = excess(as_app)
        [new] = set(after) - set(before)
        assert new.startswith(f"around_app {words}")
        before = after


def excess(url: str) -> list[str]:
    installation = Installation({"DATABASE_URL": url})
    try:
        found = rights.not_too_much(installation)
        return [finding.says for finding in found if finding.level == "warning"]
    finally:
        installation.close()


def levels(url: str, environ: dict[str, str]) -> list[str]:
    """Give how the doctor finds the rights of a role: enough, and not too much."""
    installation = Installation({"DATABASE_URL": url, **environ})
    try:
        return [
            finding.level
            for check in (rights.enough, rights.not_too_much)
            for finding in check(installation)
        ]
    finally:
        installation.close()
