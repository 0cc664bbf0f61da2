"""What the doctor says about a healthy installation, and about one broken set-up after another.

Each report stands in `snapshots/`, to be read by people: the healthy one whole, of the others the lines
that differ from it. After a change of the wording rewrite them by
`make test ARGS="tests/doctor --rewrite-snapshots"`, and read the difference before you keep it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.doctor.conftest import APP, Clinic, examined
from tests.visitor import Person

HEALTHY = "healthy"
# Of the values below, what is or might be secret.
HIDDEN = ("another secret, which", "too short a", "pass-phrase", "secret=none")
SNAPSHOTS = Path(__file__).parent / "snapshots"

NAIVE = """
    ALTER TABLE session ALTER "expiresAt" TYPE timestamp USING timezone('utc', "expiresAt"),
        ALTER "createdAt" TYPE timestamp USING timezone('utc', "createdAt");
    GRANT SELECT ("createdAt") ON session TO onboarding_app;
"""

RENAMED = 'ALTER TABLE session RENAME "expiresAt" TO valid_until'
NOT_SHARED = """
    DROP TABLE session;
    REVOKE SELECT (id, name, email) ON "user" FROM onboarding_app;
"""


@dataclass(frozen=True)
class SetUp:
    """One way to break an installation: its database by SQL, its settings, and what is brought."""

    spoil: str = ""
    environ: Callable[[Clinic], dict[str, str]] = lambda _: {}
    brought: Callable[[Clinic], dict[str, object]] = lambda clinic: right_things(clinic)
    faults: set[str] = field(default_factory=set)
    warnings: set[str] = field(default_factory=set)


def difference(said: str, healthy: str) -> str:
    """Give the lines that the healthy report hasn't, and the last one."""
    known = healthy.splitlines()
    return "\n".join(line for line in said.splitlines() if not line or line not in known)


def slug(name: str) -> str:
    return re.sub(r"\W+", "-", name)


def right_things(clinic: Clinic) -> dict[str, object]:
    """What an operator brings along who compares everything."""
    return {
        "cookie": f"theme=dark; {clinic.ada.cookie}",
        "fingerprint": clinic.fingerprint.upper(),
        "asks_main_site": True,
    }


SET_UPS = {
    "healthy": SetUp(),
    "nothing brought": SetUp(brought=lambda _: {}),
    "missing settings": SetUp(
        environ=lambda _: {"APP_URL": "", "SIGN_IN_URL": "", "EMBED_ORIGINS": "*"},
        faults={"settings"},
    ),
    "short secret": SetUp(
        environ=lambda _: {"BETTER_AUTH_SECRET": "too short a secret"},
        faults={"secret"},
    ),
    "wrong secret": SetUp(
        environ=lambda _: {"BETTER_AUTH_SECRET": "another secret, which is long enough"},
        faults={"fingerprint", "same secret", "cookie"},
    ),
    "database down": SetUp(
        environ=lambda clinic: {
            "DATABASE_URL": clinic.url(APP).replace(
                f":{clinic.stage.server.port}/", f":{clinic.nowhere}/"
            )
        },
        faults={"database"},
    ),
    "wrong database password": SetUp(
        environ=lambda clinic: {
            "DATABASE_URL": clinic.url(APP).replace("pass-phrase-", "pass-phrase-wrong-")
        },
        faults={"database"},
    ),
    "another database": SetUp(
        spoil="DELETE FROM session",
        faults={"cookie"},
    ),
    "no session table": SetUp(spoil="DROP TABLE session", faults={"session table"}),
    "unreadable column type": SetUp(
        spoil='ALTER TABLE session ALTER "expiresAt" TYPE text', faults={"session table"}
    ),
    "ids of two types": SetUp(
        spoil="""
            ALTER TABLE session DROP CONSTRAINT "session_userId_fkey",
                ALTER "userId" TYPE uuid USING gen_random_uuid()
        """,
        faults={"look-up"},
    ),
    "naive times in the future": SetUp(
        spoil=f"""{NAIVE}
            UPDATE session SET "createdAt" = timezone('Asia/Tokyo', now()) + interval '30 seconds'
        """,  # noqa: S608  (all of it stands here)
        faults={"times"},
    ),
    "naive times": SetUp(
        spoil=NAIVE,
        warnings={"times"},
    ),
    "no user_profile": SetUp(
        spoil="DROP TABLE user_profile, onboarding_alembic_version",
        faults={"user_profile", "migrations"},
    ),
    "no trigger": SetUp(
        spoil="DROP TRIGGER user_profile_is_final ON user_profile", faults={"user_profile"}
    ),
    "no check": SetUp(
        spoil="ALTER TABLE user_profile DROP CONSTRAINT ck_user_profile_developer_role",
        faults={"user_profile"},
    ),
    "key without cascade": SetUp(
        spoil="""
            ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey,
                ADD FOREIGN KEY (user_id) REFERENCES "user" (id)
        """,
        faults={"user_profile"},
    ),
    "too few rights": SetUp(
        spoil="""
            REVOKE SELECT (email) ON "user" FROM onboarding_app;
            REVOKE SELECT ("expiresAt") ON session FROM onboarding_app;
            REVOKE UPDATE ON user_profile FROM onboarding_app;
            REVOKE SELECT ON onboarding_alembic_version FROM onboarding_app;
        """,
        faults={"rights", "look-up"},
    ),
    "no right to the schema": SetUp(
        spoil="REVOKE USAGE ON SCHEMA public FROM onboarding_app, PUBLIC",
        faults={"user table", "session table", "rights"},
    ),
    "too many rights": SetUp(
        spoil="""
            GRANT DELETE, TRUNCATE ON user_profile TO onboarding_app;
            GRANT UPDATE ("expiresAt") ON session TO onboarding_app;
            GRANT DELETE ON "user" TO onboarding_app;
            GRANT SELECT ON account TO onboarding_app;
        """,
        warnings={"excess rights"},
    ),
    "rows hidden": SetUp(
        spoil="ALTER TABLE session ENABLE ROW LEVEL SECURITY",
        faults={"cookie"},
        warnings={"rights"},
    ),
    "superuser": SetUp(
        environ=lambda clinic: {"DATABASE_URL": clinic.stage.server.url("doctor")},
        warnings={"excess rights"},
    ),
    "different sites": SetUp(
        environ=lambda _: {
            "APP_URL": "https://onboarding.example.org",
            "EMBED_ORIGINS": "https://www.example.com,http://localhost:3000",
        },
        faults={"hosts", "trusted origin"},
        warnings={"embedding"},
    ),
    "public suffix": SetUp(
        environ=lambda _: {
            "APP_URL": "https://onboarding.fly.dev",
            "BETTER_AUTH_URL": "https://site.fly.dev",
            "SIGN_IN_URL": "https://site.fly.dev/sign-in",
            "EMBED_ORIGINS": "https://site.fly.dev",
        },
        faults={"hosts", "cookie"},
        warnings={"embedding", "same secret", "sign-in page", "get-session", "trusted origin"},
    ),
    "two names of this machine": SetUp(
        environ=lambda clinic: {"APP_URL": f"http://127.0.0.1:{clinic.stage.app.port}"},
        faults={"hosts", "trusted origin"},
        warnings={"embedding"},
    ),
    "secure cookies over plain http": SetUp(
        environ=lambda _: {"BETTER_AUTH_SECURE_COOKIES": "true"},
        faults={"cookie"},
        warnings={"cookie name"},
    ),
    "untrusted origin": SetUp(
        environ=lambda _: {"APP_URL": "http://localhost:8000"}, faults={"trusted origin"}
    ),
    "sign-in page missing, base path wrong": SetUp(
        environ=lambda clinic: {
            "SIGN_IN_URL": f"{clinic.stage.site.url}/log-in?secret=none",
            "BETTER_AUTH_URL": f"{clinic.stage.site.url}/auth",
        },
        faults={"sign-in page"},
        warnings={"get-session"},
    ),
    "renamed columns": SetUp(
        spoil=RENAMED,
        environ=lambda _: {"BETTER_AUTH_SESSION_FIELDS": "expiresAt=valid_until"},
    ),
    "renamed columns that nobody named": SetUp(spoil=RENAMED, faults={"session table"}),
    "sessions over http": SetUp(
        spoil=NOT_SHARED,
        environ=lambda _: {"SESSION_SOURCE": "http", "BETTER_AUTH_SECRET": ""},
        brought=lambda clinic: {"cookie": clinic.bob.cookie},
    ),
    "sessions over http, asked in the wrong place": SetUp(
        spoil=NOT_SHARED,
        environ=lambda clinic: {
            "SESSION_SOURCE": "http",
            "SESSION_URL": f"{clinic.stage.site.url}/api/session",
        },
        brought=lambda clinic: {"cookie": clinic.bob.cookie},
        faults={"get-session", "cookie"},
    ),
    "sessions over http, main site down": SetUp(
        environ=lambda clinic: {
            "SESSION_SOURCE": "http",
            "BETTER_AUTH_URL": f"http://localhost:{clinic.nowhere}",
        },
        faults={"get-session", "cookie"},
        warnings={"same secret", "trusted origin"},
    ),
    "sessions over http, of somebody else": SetUp(
        environ=lambda _: {"SESSION_SOURCE": "http"},
        faults={"cookie"},
    ),
    "main site down": SetUp(
        environ=lambda clinic: {
            "BETTER_AUTH_URL": f"http://localhost:{clinic.nowhere}",
            "SIGN_IN_URL": f"http://localhost:{clinic.nowhere}/sign-in",
        },
        warnings={"same secret", "sign-in page", "get-session", "trusted origin"},
    ),
}


@pytest.mark.parametrize("name", SET_UPS)
def test_the_report_of(
    name: str, clinic: Clinic, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up = SET_UPS[name]
    # Requests to other machines end here, and at once.
    for variable in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{clinic.nowhere}")
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    brought = set_up.brought(clinic)
    database = clinic.spoilt(set_up.spoil) if set_up.spoil else "doctor"
    report = examined(clinic.environ(database, **set_up.environ(clinic)), **brought)

    said = clinic.steady(report.text())
    for hidden in [*clinic.hidden(), *HIDDEN]:
        assert hidden not in report.text() + report.json()
    if name != HEALTHY:
        said = difference(said, (SNAPSHOTS / f"{HEALTHY}.txt").read_text())
    snapshot = SNAPSHOTS / f"{slug(name)}.txt"
    if request.config.getoption("--rewrite-snapshots"):
        snapshot.write_text(f"{said}\n")
    assert f"{said}\n" == snapshot.read_text()
    for level, conditions in (("fault", set_up.faults), ("warning", set_up.warnings)):
        assert {x.condition for x in report.lines if x.finding.level == level} == conditions
    assert report.has_fault is bool(set_up.faults)


def test_every_snapshot_is_of_a_set_up() -> None:
    assert {snapshot.stem for snapshot in SNAPSHOTS.iterdir()} == set(map(slug, SET_UPS))


def test_a_real_cookie_of_the_main_site_is_told_from_a_wrong_one(
    clinic: Clinic, real_ada: Person
) -> None:
    environ = clinic.environ(DATABASE_URL=clinic.stage.app.database_url)
    (right,) = of("cookie", examined(environ, cookie=real_ada.cookie))
    assert (right.level, right.says) == ("ok", "signed in, verified")

    other = environ | {"BETTER_AUTH_SECRET": "another secret, which is long enough"}
    (wrong,) = of("cookie", examined(other, cookie=real_ada.cookie))
    assert (wrong.level, wrong.says) == (
        "fault",
        "the signature doesn't verify: the main site signs with another secret",
    )


def of(condition: str, report):
    return [line.finding for line in report.lines if line.condition == condition]
