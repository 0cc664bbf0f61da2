"""The app beside a main site that shares neither its sessions nor its secret, but answers."""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import httpx
import pytest
from flask import Flask

from devstack.main_site import MainSite
from devstack.processes import free_port
from onboarding import create_app
from onboarding.betterauth.cookie import ForwardedCookie
from onboarding.betterauth.get_session import GetSession
from onboarding.config import Settings
from onboarding.database import SchemaChanged, Unavailable
from onboarding.identity import MainSiteUnavailable, Standing
from onboarding.resilience import Within, seconds_left
from onboarding.sources.http import MainSite as MainSiteSource
from tests.conftest import Stage
from tests.places import engine_url, opened
from tests.visitor import Person, Visitor, page


@contextmanager
def app_with(stage: Stage, **environ: str) -> Iterator[Flask]:
    """An app in this process that asks the stage's main site and knows no secret of it."""
    variables = {**stage.app.environment(), "SESSION_SOURCE": "http", **environ}
    del variables["BETTER_AUTH_SECRET"]
    app = create_app(Settings.from_environ(variables))
    yield app
    parts = app.extensions["onboarding"]
    parts.database.engine.dispose()
    parts.identities._get_session.close()


@pytest.fixture(scope="module")
def asking_app(stage: Stage) -> Iterator[Flask]:
    """No answer is kept, so that what changes is felt at once."""
    with app_with(stage, SESSION_CACHE_SECONDS="0") as app:
        yield app


@pytest.fixture
def asking(asking_app: Flask) -> Callable[..., Visitor]:
    return lambda person=None, **headers: Visitor(asking_app, person, headers)


def test_the_whole_way_needs_no_session_table_and_no_secret(
    asking: Callable[..., Visitor], real_ada: Person, stage: Stage
) -> None:
    visitor = asking(real_ada)
    assert visitor.get("/profile").headers["Location"].startswith("/onboarding/")
    review = visitor.get(visitor.answer().headers["Location"])
    assert real_ada.email in page(review).main.get_text()
    assert visitor.finish("Advanced", "Backend Developer").headers["Location"] == "/profile"
    assert "Advanced" in page(visitor.get("/profile")).main.get_text()
    signed_out = httpx.post(
        f"{stage.site.url}/api/auth/sign-out",
        json={},
        headers={"Cookie": real_ada.cookie, "Origin": stage.site.url},
    )
    assert signed_out.status_code == 200
    assert visitor.get("/profile").headers["Location"].startswith(f"{stage.site.url}/sign-in")


def test_a_deleted_user_is_signed_out_and_leaves_no_row(
    asking: Callable[..., Visitor], real_ada: Person, stage: Stage
) -> None:
    visitor = asking(real_ada)
    visitor.finish()
    stage.sql('DELETE FROM "user" WHERE id = %s', real_ada.user_id)
    assert visitor.get("/profile").headers["Location"].startswith(f"{stage.site.url}/sign-in")
    assert stage.sql("SELECT FROM user_profile WHERE user_id = %s", real_ada.user_id) == []


def test_a_user_deleted_while_an_answer_is_kept_is_signed_out_by_the_save(
    stage: Stage, real_ada: Person
) -> None:
    with app_with(stage, SESSION_CACHE_SECONDS="60") as app:
        visitor = Visitor(app, real_ada, {})
        visitor.answer()
        stage.sql('DELETE FROM "user" WHERE id = %s', real_ada.user_id)
        assert visitor.get("/onboarding/review").status_code == 303
        saved = visitor.finish()
        assert saved.headers["Location"].startswith("/signed-out")


def test_the_api_knows_the_same_people(
    asking: Callable[..., Visitor], real_ada: Person, stage: Stage
) -> None:
    visitor, final = asking(real_ada), {"python_proficiency": "Advanced", "developer_role": "None"}
    assert asking().get("/api/profile").json["reason"] == "signed-out"
    assert visitor.get("/api/profile").json["user_id"] == real_ada.user_id
    saved = visitor.put({**final, "is_onboarded": True})
    assert saved.status_code == 201
    known = {"If-None-Match": saved.headers["ETag"]}
    assert visitor.get("/api/profile", known).status_code == 304
    assert visitor.get("/profile").status_code == 200


def test_the_api_signs_out_who_was_deleted_while_an_answer_is_kept(
    stage: Stage, real_ada: Person
) -> None:
    with app_with(stage, SESSION_CACHE_SECONDS="60") as app:
        visitor = Visitor(app, real_ada, {})
        assert visitor.get("/api/profile").status_code == 200
        stage.sql('DELETE FROM "user" WHERE id = %s', real_ada.user_id)
        refused = visitor.put({"python_proficiency": "Advanced", "developer_role": "None"})
    assert (refused.status_code, refused.json["reason"]) == (401, "signed-out")


def test_a_page_costs_one_question_and_one_query_and_the_next_one_only_the_query(
    stage: Stage, real_ada: Person
) -> None:
    with app_with(stage) as app:
        visitor = Visitor(app, real_ada, {})
        visitor.finish()
        before = stage.server.log_size()
        for _ in range(3):
            assert visitor.get("/profile").status_code == 200
        asked = stage.server.statements(after=before)
    ours = [statement for statement in asked if "user_profile" in statement]
    theirs = [statement for statement in asked if '"session"' in statement]
    assert len(ours) == 3
    # finish() asked already; nothing was asked again.
    assert theirs == []


def test_a_forged_cookie_costs_a_question_and_no_query(
    asking: Callable[..., Visitor], real_ada: Person, stage: Stage
) -> None:
    forged = replace(real_ada, cookie=f"better-auth.session_token=t.{'A' * 43}%3D")
    before = stage.server.log_size()
    assert asking(forged).get("/profile").headers["Location"].startswith(stage.site.url)
    assert asking().get("/profile").headers["Location"].startswith(stage.site.url)
    assert stage.server.statements(after=before) == []


def test_with_the_secret_a_forged_cookie_costs_nothing_at_all(
    stage: Stage, real_ada: Person
) -> None:
    variables = {**stage.app.environment(), "SESSION_SOURCE": "http"}
    nowhere = f"http://localhost:{free_port()}/api/auth/get-session"
    app = create_app(Settings.from_environ({**variables, "SESSION_URL": nowhere}))
    forged = replace(real_ada, cookie=f"better-auth.session_token=t.{'A' * 43}%3D")
    answer = Visitor(app, forged, {}).get("/profile")
    assert "reason=unverified" in answer.headers["Location"]
    assert Visitor(app, real_ada, {}).get("/profile").status_code == 503
    app.extensions["onboarding"].identities._get_session.close()
    app.extensions["onboarding"].database.engine.dispose()


@pytest.fixture(scope="module")
def deserted_app(stage: Stage) -> Iterator[Flask]:
    with app_with(stage, SESSION_URL=f"http://localhost:{free_port()}/get-session") as app:
        yield app


def test_a_main_site_that_is_down_signs_nobody_out_and_loses_no_answer(
    deserted_app: Flask, real_ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = Visitor(deserted_app, real_ada, {})
    asked = visitor.get("/profile")
    assert asked.status_code == 503
    assert asked.headers["Retry-After"] == "2"
    assert "cannot find out who you are" in page(asked).h1.get_text()
    sent = visitor.post("/onboarding/python-proficiency", {"python_proficiency": "Advanced"})
    assert sent.status_code == 503
    form = page(sent).form
    assert form.find(attrs={"name": "python_proficiency"})["value"] == "Advanced"
    assert form.button.get_text() == "Try again"
    for call in (visitor.get("/api/profile"), visitor.put({})):
        assert (call.status_code, call.mimetype) == (503, "application/problem+json")
        assert call.headers["Retry-After"] == "2"
    assert real_ada.token not in caplog.text
    assert "ConnectError" in caplog.text


def test_readiness_names_a_main_site_that_is_down(
    deserted_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Visitor(deserted_app, None, {}).get("/readyz")
    assert answer.status_code == 503
    # Where it is asked is nobody's business; the log says it.
    assert answer.json["faults"] == ["the main site does not tell who is signed in"]
    assert "get-session: ConnectError" in caplog.text


def test_whoever_hangs_is_named_and_the_other_found_out_about(
    stage: Stage,
) -> None:
    variables = {**stage.app.environment(), "SESSION_SOURCE": "http"}
    tables = Settings.from_environ(variables).database.tables
    cookie = ForwardedCookie("better-auth.session_token")
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        address = f"http://127.0.0.1:{hangs.getsockname()[1]}/get-session"
        with (
            opened(engine_url(stage.app.database_url)) as database,
            closing(GetSession(address, cookie, 0)) as get_session,
            Within(1),
        ):
            faults = MainSiteSource(get_session, database, tables).check()
    assert faults == ["the main site does not tell who is signed in"]


def test_a_database_that_hangs_leaves_the_main_site_its_time(stage: Stage) -> None:
    variables = {**stage.app.environment(), "SESSION_SOURCE": "http"}
    settings = Settings.from_environ(variables)
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        url = settings.database.url.set(port=hangs.getsockname()[1])
        with (
            opened(url) as database,
            closing(GetSession(settings.session_url, settings.session_cookie, 0)) as get_session,
            Within(1),
        ):
            with pytest.raises(Unavailable):
                MainSiteSource(get_session, database, settings.database.tables).check()
            assert seconds_left() > 0.2


def test_readiness_is_fine_with_a_main_site_that_answers(asking: Callable[..., Visitor]) -> None:
    assert asking().get("/readyz").json == {"status": "ready", "faults": []}


def test_an_app_that_is_not_ready_says_so_at_its_start(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.ERROR),
        app_with(stage, BETTER_AUTH_USER_TABLE="people"),
    ):
        pass
    assert "not ready: table people was not found" in caplog.text


def test_user_ids_of_another_database_are_no_sign_out(stage: Stage, real_ada: Person) -> None:
    url = stage.server.create_database("numbered")
    cookie = ForwardedCookie("better-auth.session_token")
    get_session = GetSession(f"{stage.site.url}/api/auth/get-session", cookie, 0)
    with opened(engine_url(url)) as database, closing(get_session):
        source = MainSiteSource(
            get_session, database, Settings.from_environ(stage.app.environment()).database.tables
        )
        database.run(
            lambda connection: connection.exec_driver_sql(
                "CREATE TABLE user_profile (user_id integer, python_proficiency text,"
                " developer_role text, is_onboarded boolean, created_at timestamp,"
                " updated_at timestamp)"
            )
        )
        token = cookie.token(real_ada.cookie)
        with pytest.raises(SchemaChanged, match="user ids don't fit"):
            source.of(token)


def test_better_auths_own_rate_limit_is_a_moments_patience(stage: Stage, real_ada: Person) -> None:
    """In production Better-Auth answers 100 questions in 10 seconds from one address, then 429."""
    site = MainSite(
        free_port(),
        stage.site.database_url,
        stage.site.secret,
        stage.app.url,
        settings={"NODE_ENV": "production"},
    )
    cookie = ForwardedCookie("better-auth.session_token")
    tables = Settings.from_environ(stage.app.environment()).database.tables
    url = f"{site.url}/api/auth/get-session"
    with (
        site.start(stage.logs / "production-site.log"),
        opened(engine_url(stage.app.database_url)) as database,
        closing(GetSession(url, cookie, 0)) as asks_always,
        closing(GetSession(url, cookie, 10)) as remembers,
    ):
        token = cookie.token(real_ada.cookie)
        remembered = MainSiteSource(remembers, database, tables)
        assert remembered.of(token).standing is Standing.NOT_ONBOARDED
        source = MainSiteSource(asks_always, database, tables)

        def ask_often() -> None:
            for _ in range(150):
                assert source.of(token).standing is Standing.NOT_ONBOARDED

        with pytest.raises(MainSiteUnavailable, match="429") as limited:
            ask_often()
        assert 1 <= limited.value.retry_after_s <= 10
        # Whose answer is kept notices nothing of it.
        assert remembered.of(token).standing is Standing.NOT_ONBOARDED
