"""The app beside a main site that shares neither its sessions nor its secret, but answers."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import httpx
import psycopg
import pytest
from flask import Flask

from devstack.processes import free_port
from onboarding import create_app
from onboarding.betterauth.cookie import ForwardedCookie
from onboarding.betterauth.get_session import GetSession
from onboarding.betterauth.schema import TableNames
from onboarding.database import SchemaMismatch
from onboarding.deadline import time_limit
from onboarding.identity import MainSiteIdentities
from onboarding.profiles import ProfileStore
from onboarding.settings import Settings
from tests.browser import Browser, page
from tests.conftest import Environment
from tests.questionnaires import DEFAULT, other_answers
from tests.schemas import engine_url, open_database

pytestmark = pytest.mark.slow

COOKIE = ForwardedCookie("better-auth.session_token")
FORGED = f"better-auth.session_token=t.{'A' * 43}%3D"
SILENT = "the main site does not answer who is signed in"


@contextmanager
def app_with(environment: Environment, *, secret: str = "", **environ: str) -> Iterator[Flask]:
    """Make an app that asks the environment's main site, without its secret unless it is given."""
    variables = {**environment.app_server.environment(), "SESSION_SOURCE": "http", **environ}
    app = create_app(Settings.from_environ({**variables, "BETTER_AUTH_SECRET": secret}))
    yield app
    services = app.extensions["onboarding"]
    services.database.engine.dispose()
    services.identities._get_session.close()


@contextmanager
def identities_at(url: str, database_url: str, cache_s: int = 0) -> Iterator[MainSiteIdentities]:
    """Make an identity source that asks `url`."""
    with (
        open_database(engine_url(database_url)) as database,
        closing(GetSession(url, COOKIE, cache_s)) as get_session,
    ):
        store = ProfileStore(database, DEFAULT)
        yield MainSiteIdentities(get_session, database, TableNames(), store)


@pytest.fixture(scope="module")
def uncached_app(environment) -> Iterator[Flask]:
    """An app that keeps no answer of the main site."""
    with app_with(environment, SESSION_CACHE_SECONDS="0") as app:
        yield app


def test_the_whole_way_needs_no_session_table_and_no_secret(
    environment, uncached_app, signed_up_user
):
    browser = Browser(uncached_app, signed_up_user, {})
    assert browser.get("/profile").headers["Location"].startswith("/onboarding/")
    review = browser.get(browser.answer().headers["Location"])
    assert signed_up_user.email in page(review).main.get_text()
    assert browser.finish().headers["Location"] == "/profile"
    assert browser.get("/profile").status_code == 200
    signed_out = httpx.post(
        f"{environment.main_site.url}/api/auth/sign-out",
        json={},
        headers={"Cookie": signed_up_user.cookie, "Origin": environment.main_site.url},
    )
    assert signed_out.status_code == 200
    assert "reason=session-ended" in browser.get("/profile").headers["Location"]


def test_a_user_deleted_while_an_answer_is_kept_is_signed_out_by_the_save(
    environment, signed_up_user
):
    with app_with(environment, SESSION_CACHE_SECONDS="60") as app:
        browser = Browser(app, signed_up_user, {})
        browser.answer()
        environment.sql('DELETE FROM "user" WHERE id = %s', signed_up_user.id)
        assert browser.get("/onboarding/review").status_code == 303
        assert browser.finish().headers["Location"].startswith("/signed-out")
        assert browser.put(other_answers()).status_code == 401


def test_a_forged_cookie_is_nobody_s_and_costs_no_query(environment, uncached_app, signed_up_user):
    forged = Browser(uncached_app, replace(signed_up_user, cookie=FORGED), {})
    before = environment.server.log_size()
    assert forged.get("/profile").status_code == 303
    sign_in = Browser(uncached_app, None, {}).get("/profile").headers["Location"]
    assert sign_in.startswith(f"{environment.main_site.url}/sign-in")
    assert environment.server.statements("onboarding", after=before) == []


@pytest.fixture(scope="module")
def app_without_main_site(environment) -> Iterator[Flask]:
    with app_with(environment, SESSION_URL=f"http://localhost:{free_port()}/get-session") as app:
        yield app


def test_a_main_site_that_is_down_signs_nobody_out_and_loses_no_answer(
    app_without_main_site, signed_up_user, caplog
):
    browser = Browser(app_without_main_site, signed_up_user, {})
    question, answers = DEFAULT.questions[0], other_answers()
    form = {question.name: answers[question.name]}
    got, posted = browser.get("/profile"), browser.post(f"/onboarding/{question.slug}", form)
    for response in (got, posted, browser.get("/api/profile"), browser.put(answers)):
        assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    kept = page(posted).form.find(attrs={"name": question.name})
    assert kept["value"] == form[question.name]
    assert signed_up_user.token not in caplog.text
    assert "ConnectError" in caplog.text


def test_readiness_names_a_main_site_that_is_down_and_not_where_it_is(
    app_without_main_site, caplog
):
    response = Browser(app_without_main_site, None, {}).get("/readyz")
    assert (response.status_code, response.json["faults"]) == (503, [SILENT])
    assert "get-session: ConnectError" in caplog.text


def test_a_main_site_that_hangs_is_named_in_time(environment):
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        url = f"http://127.0.0.1:{hangs.getsockname()[1]}/get-session"
        with identities_at(url, environment.app_server.database_url) as identities, time_limit(1):
            assert identities.problems() == [SILENT]


def test_user_ids_of_another_database_are_no_sign_out(environment, signed_up_user):
    database_url = environment.server.create_database("numbered")
    url = f"{environment.main_site.url}/api/auth/get-session"
    with psycopg.connect(database_url, autocommit=True) as connection:
        answers = ", ".join(f"{name} text" for name in DEFAULT.names)
        connection.execute(
            f"CREATE TABLE user_profile (user_id integer, {answers},"
            " is_onboarded boolean, created_at timestamp, updated_at timestamp)"
        )
    with (
        identities_at(url, database_url) as identities,
        pytest.raises(SchemaMismatch, match="user ids don't fit"),
    ):
        identities.identify(COOKIE.token(signed_up_user.cookie))
