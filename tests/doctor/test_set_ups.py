"""The report on a healthy installation, and on one broken set-up after another.

Three whole reports are in `snapshots/`, for people to read. Rewrite them after a change of the wording
with `make test ARGS="tests/doctor --rewrite-snapshots"`, and review the difference.
"""

from pathlib import Path

import pytest

from devstack.roles import as_role
from tests.doctor.conftest import DATABASE, HealthyInstallation, examine

pytestmark = pytest.mark.slow

SNAPSHOTS = Path(__file__).parent / "snapshots"
# Of the values below, what is secret or might be.
HIDDEN = ("yet long enough", "too short a", "pass-phrase", "secret=none")
IDS_OF_TWO_TYPES = """
    ALTER TABLE session DROP CONSTRAINT "session_userId_fkey",
        ALTER "userId" TYPE character(80)
"""
FOREIGN_TABLE = """
    DROP TABLE user_profile;
    CREATE TABLE user_profile (user_id text PRIMARY KEY, learning_goal text NOT NULL)
"""
RENAMED = 'ALTER TABLE session RENAME "expiresAt" TO valid_until'
TOO_FEW_RIGHTS = """
    REVOKE SELECT (email) ON "user" FROM onboarding_app;
    REVOKE SELECT ("expiresAt") ON session FROM onboarding_app;
    REVOKE UPDATE ON user_profile FROM onboarding_app;
    REVOKE SELECT ON onboarding_alembic_version FROM onboarding_app;
"""
NOT_SHARED = """
    DROP TABLE session;
    REVOKE SELECT (id, name, email) ON "user" FROM onboarding_app;
"""

# SQL that breaks the database, variables that are changed, and the problems: a part of each one's fix.
SET_UPS = {
    "healthy": ("", {}, {}),
    "missing settings": ("", {"APP_URL": "", "SIGN_IN_URL": "", "EMBED_ORIGINS": "*"}, {"fault settings": "docs/configuration.md"}),
    "misspelled setting": ("", {"EMBED_ORIGINS": "", "EMBED_ORIGIN": "{site}"}, {"warning settings": "EMBED_ORIGINS"}),
    "example secret": ("", {"BETTER_AUTH_SECRET": "a secret-key: change-me in production"}, {
        "warning secret": "32 random characters",
        **dict.fromkeys(("fault fingerprint", "fault same secret", "fault cookie"), "secret"),
    }),
    "wrong secret": ("", {"BETTER_AUTH_SECRET": "not the main site's, yet long enough"}, {
        "fault fingerprint": "copy the main site's secret",
        "fault same secret": "the main site's secret, letter for letter",
        "fault cookie": "the main site's secret, letter for letter",
    }),
    "secure cookies over plain http": ("", {"BETTER_AUTH_SECURE_COOKIES": "true"}, {
        "warning cookie name": "https",
        "fault site cookie": "unset BETTER_AUTH_SECURE_COOKIES",
        "fault cookie": "unset BETTER_AUTH_SECURE_COOKIES",
    }),
    "two names of this machine": ("", {"APP_URL": "http://127.0.0.1:{app_port}"}, {
        "fault hosts": "localhost",
        "warning embedding": "on the main site's own domain",
        "fault trusted origin": 'add "http://127.0.0.1:',
    }),
    "database down": ("", {"DATABASE_URL": "postgresql://app:pass-phrase@127.0.0.1:{closed_port}/site"}, {"fault database": "check DATABASE_URL"}),
    "sessions elsewhere": ("DELETE FROM session", {}, {
        "warning look-up": "SESSION_SOURCE=http",
        "fault cookie": "DATABASE_URL isn't the main site's",
    }),
    "other names": ('ALTER TABLE "user" RENAME TO users; ALTER TABLE session RENAME TO auth_session', {}, {
        "fault user table": "BETTER_AUTH_USER_TABLE=users",
        "fault session table": "BETTER_AUTH_SESSION_TABLE=auth_session",
    }),
    "views": ('ALTER TABLE "user" RENAME TO users; CREATE VIEW "user" AS TABLE users', {}, {"fault user table": "BETTER_AUTH_USER_TABLE=users"}),
    "two sets of tables": ('CREATE TABLE better_auth_session (LIKE session); CREATE TABLE better_auth_user (LIKE "user")', {}, {
        "warning session table": "set BETTER_AUTH_USER_TABLE=better_auth_user BETTER_AUTH_SESSION_TABLE=better_auth_session",
    }),
    "guests by another name": ('ALTER TABLE "user" ADD anonymous boolean; GRANT SELECT (anonymous) ON "user" TO onboarding_app', {}, {"warning plugins": "BETTER_AUTH_USER_FIELDS=isAnonymous="}),
    "guests by a name that means something else": ('ALTER TABLE "user" ADD anonymous boolean', {"BETTER_AUTH_USER_FIELDS": "isAnonymous="}, {}),
    "a read-only database": ("ALTER ROLE onboarding_app IN DATABASE {copy} SET default_transaction_read_only = on", {}, {"fault database": "primary"}),
    "rights of everybody": ("GRANT UPDATE ON user_profile TO PUBLIC", {}, {"warning excess rights": "FROM PUBLIC"}),
    "another table of that name": (FOREIGN_TABLE, {}, {
        "fault user_profile": "doctor --grants",
        "fault rights": "doctor --grants",
    }),
    "no session table": ("DROP TABLE session", {}, {"fault session table": "BETTER_AUTH_SESSION_TABLE"}),
    "ids of two types": (IDS_OF_TWO_TYPES, {}, {}),
    "renamed column": (RENAMED, {"BETTER_AUTH_SESSION_FIELDS": "expiresAt=valid_until"}, {}),
    "renamed column that nobody named": (RENAMED, {}, {"fault session table": "BETTER_AUTH_SESSION_FIELDS"}),
    "no migration": ("DROP TABLE user_profile, onboarding_alembic_version", {}, {
        "fault user_profile": "alembic upgrade head",
        "fault migrations": "alembic upgrade head",
    }),
    "no trigger": ("DROP TRIGGER user_profile_is_final ON user_profile", {}, {"fault user_profile": "alembic stamp base, then alembic upgrade head"}),
    "too few rights": (TOO_FEW_RIGHTS, {}, {"fault rights": "doctor --grants", "fault look-up": "rights"}),
    "no right to the schema": ("REVOKE USAGE ON SCHEMA public FROM onboarding_app, PUBLIC", {}, {
        "fault user table": "BETTER_AUTH_SCHEMA",
        "fault session table": "BETTER_AUTH_SESSION_TABLE",
        "fault rights": "doctor --grants",
    }),
    "rows hidden": ("ALTER TABLE session ENABLE ROW LEVEL SECURITY", {}, {
        "fault rights": "doctor --grants",
        "warning look-up": "SESSION_SOURCE=http",
        "fault cookie": "DATABASE_URL",
    }),
    "rows shown": ("ALTER TABLE session ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON session USING (true)", {}, {}),
    "rows filtered": ("ALTER TABLE session ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON session USING (token > '')", {}, {"warning rights": "a policy shows it all rows"}),
    "superuser": ("", {"DATABASE_URL": "{superuser}"}, {"warning excess rights": "a role of its own"}),
    "wrong paths": ("", {"SIGN_IN_URL": "{site}/log-in?secret=none", "BETTER_AUTH_URL": "{site}/auth"}, {
        "fault sign-in page": "SIGN_IN_URL",
        "warning get-session": "BETTER_AUTH_URL",
    }),
    "main site down": ("", {"BETTER_AUTH_URL": "{down}", "SIGN_IN_URL": "{down}/sign-in"}, {
        f"warning {condition}": "in a browser" for condition in ("same secret", "site cookie", "sign-in page", "get-session", "trusted origin")
    }),
    "sessions over http": (NOT_SHARED, {"SESSION_SOURCE": "http", "BETTER_AUTH_SECRET": ""}, {}),
    "sessions over http, wrong path": (NOT_SHARED, {"SESSION_SOURCE": "http", "SESSION_URL": "{site}/api/session"}, {
        "fault get-session": "SESSION_URL",
        "fault cookie": "get-session",
    }),
    "sessions over http, main site down": ("", {"SESSION_SOURCE": "http", "BETTER_AUTH_URL": "{down}"}, {
        "warning same secret": "in a browser",
        "warning site cookie": "in a browser",
        "fault cookie": "get-session",
        "fault get-session": "can reach it",
        "warning trusted origin": "in a browser",
    }),
}  # fmt: skip


@pytest.mark.parametrize("name", SET_UPS)
def test_the_report_names_each_problem_and_its_fix(
    name: str, healthy: HealthyInstallation, request: pytest.FixtureRequest
) -> None:
    sql, environ, expected = SET_UPS[name]
    superuser = healthy.environment.server.url(DATABASE)
    values = {
        "site": healthy.environment.main_site.url,
        "app_port": healthy.environment.app_server.port,
        "closed_port": healthy.closed_port,
        "down": f"http://localhost:{healthy.closed_port}",
        "superuser": superuser,
        "wrong_password": as_role(superuser, healthy.roles.app, "pass-phrase"),
    }
    changed = {variable: text.format(**values) for variable, text in environ.items()}
    user = healthy.user_of_main_site if "SESSION_SOURCE" in environ else healthy.user
    report = examine(
        healthy.environ(healthy.broken_copy(sql) if sql else DATABASE, **changed),
        cookie=f"theme=dark; {user.cookie}",
        fingerprint=healthy.fingerprint.upper(),
    )

    fixes = {
        f"{found.level} {condition}": found.fix
        for condition, found in report.findings
        if found.level in ("fault", "warning")
    }
    assert {problem: part in fixes.get(problem, "") for problem, part in expected.items()} == (
        dict.fromkeys(fixes, True)
    )
    assert report.has_fault is any(problem.startswith("fault") for problem in expected)
    for hidden in [*healthy.secrets, *HIDDEN]:
        assert hidden not in report.text() + report.json()

    snapshot = SNAPSHOTS / f"{name.replace(' ', '-')}.txt"
    if snapshot.exists():
        text = f"{healthy.normalize(report.text())}\n"
        if request.config.getoption("--rewrite-snapshots"):
            snapshot.write_text(text)
        assert text == snapshot.read_text()


def test_a_session_that_the_main_site_does_not_know_is_a_fault(
    healthy: HealthyInstallation,
) -> None:
    report = examine(healthy.environ(SESSION_SOURCE="http"), cookie=healthy.user.cookie)
    assert [name for name, found in report.findings if found.level == "fault"] == ["cookie"]
