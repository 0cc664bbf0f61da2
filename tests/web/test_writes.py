"""How often one user may write, and that nobody else can be made to pay for it."""

import logging
import socket
import time

import pytest

from devstack import redis
from devstack.processes import free_port
from onboarding.setting_parsers import MEMORY
from onboarding.web.write_limit import WriteLimit
from tests.browser import Browser
from tests.questionnaires import some_answers
from tests.web.conftest import form_of, redirect_of

DRAFT = some_answers()


@pytest.fixture
def strict_app(make_app):
    return make_app(writes_per_minute=3)


@pytest.fixture
def strict(strict_app, default_site):
    return Browser(strict_app, default_site.user(), {})


def test_one_too_many_is_refused_and_its_form_works_when_the_time_has_come(
    strict, default_site, log_lines
):
    for _ in range(3):
        assert strict.post(default_site.question_urls[0], {}).status_code == 303
    response = strict.post(*default_site.last_form())
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 60
    (line,) = log_lines()
    assert line["status"] == 429
    assert line["request_id"] in response.text
    assert default_site.row(strict.user) is None
    again = Browser(default_site.app, strict.user, {}).post(*form_of(response))
    assert redirect_of(again)[0] == "/onboarding/review"
    assert default_site.row(strict.user) == {**DRAFT, "is_onboarded": False}


def test_pages_and_calls_are_counted_together_and_reading_is_not(strict, default_site):
    url = default_site.question_urls[0]
    for _ in range(20):
        assert strict.get(url).status_code == strict.get("/api/profile").status_code == 200
    assert strict.put(DRAFT).status_code == 201
    strict.post(url, {})
    strict.post(url, {"csrf_token": "wrong"})
    refused = strict.put(DRAFT)
    assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
    assert int(refused.headers["Retry-After"]) > 0
    assert strict.get(url).status_code == strict.get("/api/profile").status_code == 200


def test_writes_count_for_the_user_whatever_the_session_and_for_nobody_else(
    strict_app, strict, default_site
):
    for _ in range(3):
        strict.put(DRAFT)
    second = Browser(strict_app, default_site.new_session(strict.user), {})
    assert second.get("/api/profile").status_code == 200
    assert second.put(DRAFT).status_code == 429
    assert Browser(strict_app, default_site.user(), {}).put(DRAFT).status_code == 201


def test_what_others_send_in_a_users_name_is_not_counted(strict_app, strict, default_site):
    url, forged = default_site.question_urls[0], default_site.user("forged").cookie
    for _ in range(5):
        assert strict.post(url, {}, {"Sec-Fetch-Site": "same-site"}).status_code == 403
        assert strict.put(DRAFT, {"Origin": "https://evil.example"}).status_code == 403
        assert strict.put(DRAFT, {"Cookie": forged}).status_code == 401
    assert [strict.put(DRAFT).status_code for _ in range(4)] == [201, 200, 200, 429]


def test_it_is_forgotten_after_the_minute(monkeypatch):
    limit, now = WriteLimit(2, MEMORY), [1_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    assert [limit.wait_s("ada") for _ in range(2)] == [0, 0]
    now[0] += 20
    assert limit.wait_s("ada") == 40
    assert limit.wait_s("grace") == 0
    now[0] += 40.1
    assert limit.wait_s("ada") == 0
    assert {WriteLimit(0, MEMORY).wait_s("ada") for _ in range(100)} == {0}


def test_two_processes_that_share_a_redis_count_together():
    with redis.temporary() as shared:
        one, two = WriteLimit(3, shared.url), WriteLimit(3, shared.url)
        assert [one.wait_s("ada"), two.wait_s("ada"), one.wait_s("ada")] == [0, 0, 0]
        assert 0 < two.wait_s("ada") <= 60
        assert two.wait_s("grace") == 0


def test_without_that_redis_each_counts_by_itself_and_says_so_once(caplog):
    now = [0.0]
    url = f"redis://:a-password@127.0.0.1:{free_port()}/0"
    limit = WriteLimit(3, url, clock=lambda: now[0])
    waits = []
    for _ in range(5):
        waits.append(limit.wait_s("ada"))
        now[0] += 6
    assert waits[:3] == [0, 0, 0]
    assert all(waits[3:])
    (record,) = [one for one in caplog.records if "RATE_LIMIT_STORAGE" in one.getMessage()]
    assert record.levelno == logging.WARNING
    assert "a-password" not in str(vars(record))


def test_a_silent_redis_is_waited_for_once_and_then_left_alone():
    now, waits = [0.0], []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        limit = WriteLimit(99, f"redis://127.0.0.1:{silent.getsockname()[1]}", lambda: now[0])
        for _ in range(20):
            begun = time.perf_counter()
            assert limit.wait_s("ada") == 0
            waits.append(time.perf_counter() - begun)
    assert waits[0] > 0.2
    # Twenty that each waited would take twenty times as long.
    assert sum(waits[1:]) < 19 * 0.2
