"""`gunicorn wsgi:app` as an operator starts it: faults in the settings, a database that isn't there
yet or holds other tables, and what a client may send before the app ever sees it.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from flask import Flask

from devstack.app import App
from devstack.main_site import MainSite
from devstack.postgres import Postgres
from devstack.processes import ROOT, Child, free_port, wait_for
from onboarding.betterauth.cookie import SessionCookie
from tests.browser import Browser
from tests.questionnaires import DEFAULT
from tests.users import User, create_user

pytestmark = pytest.mark.slow

# No proxy of the environment's comes between us and our own machine, and nothing is left open.
DIRECT = httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

FIRST = f"/onboarding/{DEFAULT.questions[0].slug}"
GUNICORN = [sys.executable, "-m", "gunicorn", "wsgi:app"]


MALFORMED = {
    "DATABASE_URL": "mysql://app:pass-phrase@localhost/site",
    "BETTER_AUTH_SECRET": "too short a secret",
    "BETTER_AUTH_URL": "http://www.example.com",
    "APP_URL": "https://onboarding.example.com/path",
    "FORWARDED_PROXIES": "-1",
}


def test_faulty_settings_stop_the_start_with_one_line_each() -> None:
    ended = subprocess.run(
        GUNICORN,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "BIND": f"127.0.0.1:{free_port()}", **MALFORMED},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    lines = ended.stderr.splitlines()
    assert sorted(line.split()[0] for line in lines) == sorted([*MALFORMED, "SIGN_IN_URL"])
    for value in (*MALFORMED.values(), "pass-phrase"):
        assert value not in ended.stderr


def test_an_app_started_before_its_database_waits_for_it_and_says_what_is_missing(
    server: Postgres, tmp_path: Path
) -> None:
    app = an_app(server.url("not_yet_there"))
    token = secrets.token_hex(16)
    session_cookie = SessionCookie("better-auth.session_token", app.secret)
    cookie = f"{session_cookie.name}={quote(f'{token}.{session_cookie.sign(token)}', safe='')}"
    with started(app, tmp_path / "app.log") as log:
        (line,) = errors_in(log)
        assert "the database does not answer" in line
        assert 'database "not_yet_there" does not exist' in line

        assert DIRECT.get(f"{app.url}/healthz").json() == {"status": "alive"}
        assert not_ready(app) == ["the database does not answer"]
        page = DIRECT.get(f"{app.url}/profile", headers={"Cookie": cookie})
        assert page.status_code == 503
        assert page.headers["Retry-After"] == "2"
        assert page.headers["Content-Type"].startswith("text/html")
        assert "We can&#39;t reach your profile right now" in page.text
        assert "not_yet_there" not in page.text

        server.create_database("not_yet_there")
        assert_one_fault(app, "table user was not found")
        site = MainSite(free_port(), app.database_url, app.secret, app.url)
        site.migrate(tmp_path / "main-site-migrate.log")
        assert_one_fault(app, "table user_profile is missing: run alembic upgrade head")
        app.migrate(tmp_path / "app-migrate.log")
        assert DIRECT.get(f"{app.url}/readyz").json() == {"status": "ready", "faults": []}

        user = create_user(app.database_url, session_cookie)
        page = DIRECT.get(f"{app.url}{FIRST}", headers={"Cookie": user.cookie})
        assert page.status_code == 200
        assert "<form" in page.text

        text = log.read_text()
        from_start = [line for line in lines_of(log) if line["logger"] == "onboarding"]
        assert [line["level"] for line in from_start] == ["error"]  # not one for each worker
        assert "Traceback" not in text
        for secret in (app.secret, token, user.token, server.password):
            assert secret not in text
    server.drop_database("not_yet_there")


def test_a_large_cookie_header_is_read_and_a_huge_one_refused(served_app: str, user: User) -> None:
    statuses = {}
    for size in (20_000, 30_000, 40_000, 200_000):
        cookie = f"{user.cookie}; better-auth.session_data={'x' * size}"
        answer = DIRECT.get(f"{served_app}/onboarding/", headers={"Cookie": cookie})
        statuses[size] = answer.status_code
        if size < 32_000:
            assert answer.headers["Location"] == FIRST
    assert statuses[20_000] == statuses[30_000] == 303
    assert {statuses[40_000], statuses[200_000]} <= {400, 431}


def test_a_body_larger_than_any_form_is_refused(served_app: str, app: Flask, user: User) -> None:
    browser = Browser(app, user, {})
    browser.answer()
    headers = {
        "Cookie": user.cookie,
        "Origin": served_app,
        "Content-Type": "application/x-www-form-urlencoded",
    }

    def status(body: bytes | Iterator[bytes]) -> int:
        address = f"{served_app}/onboarding/review"
        return DIRECT.post(address, content=body, headers=headers).status_code

    # Under the limit it is read, and then refused for its missing token.
    assert status(b"a=" + b"x" * 16_000) == 403
    assert status(b"a=" + b"x" * 17_000) == 413
    assert status(b"a=" + b"x" * 5_000_000) == 413
    # In chunks, its size isn't known beforehand.
    assert status(iter([b"a=", b"x" * 16_000])) == 403
    assert status(iter([b"x" * 10_000, b"x" * 10_000])) == 413
    assert browser.get("/api/profile").json["is_onboarded"] is False


def an_app(database_url: str) -> App:
    site_url = f"http://localhost:{free_port()}"
    impatient = {"READ_BUDGET_SECONDS": "2"}
    return App(free_port(), database_url, secrets.token_urlsafe(32), site_url, 2, impatient)


@contextmanager
def started(app: App, log: Path) -> Iterator[Path]:
    """Run the app whether its database is there or not; return its log."""
    with Child("the app", GUNICORN, log=log, environment=app.environment()) as child:
        wait_for(child, lambda: unanswered(f"{app.url}/healthz"))
        yield log


def unanswered(url: str) -> str | None:
    try:
        DIRECT.get(url)
    except httpx.TransportError as error:
        return str(error)
    return None


def lines_of(log: Path) -> list[dict[str, str]]:
    """Return every line of a log, gunicorn's own too: each is JSON."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def errors_in(log: Path) -> list[str]:
    """Return what all lines but the usual reports say."""
    return [line["event"] for line in lines_of(log) if line["level"] != "info"]


def not_ready(app: App) -> list[str]:
    answer = DIRECT.get(f"{app.url}/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "not ready"
    return answer.json()["faults"]


def assert_one_fault(app: App, words: str) -> None:
    """Ask until it is `words`: for half a second after a failure the database isn't asked again."""
    deadline = time.monotonic() + 10
    while not all(words in fault for fault in not_ready(app)):
        assert time.monotonic() < deadline, not_ready(app)
        time.sleep(0.1)
