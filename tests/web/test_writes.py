"""How often one person may write, and that nobody else can be made to pay for it."""

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from devstack import redis
from devstack.processes import free_port
from onboarding import create_app
from onboarding.values import MEMORY
from onboarding.web.writes import WriteLimit
from tests.visitor import Visitor, newcomer, page

Q1 = "/onboarding/python-proficiency"
Q2 = "/onboarding/developer-role"
DRAFT = {"python_proficiency": "Advanced", "developer_role": "None"}


@pytest.fixture
def strict_app(settings):
    """The app, where a person may write three times a minute."""
    app = create_app(replace(settings, writes_per_minute=3))
    yield app
    app.extensions["onboarding"].database.engine.dispose()


@pytest.fixture
def strict(strict_app, ada):
    return Visitor(strict_app, ada, {})


def counted(app) -> dict[str, int]:
    """Give how many writes of each person are remembered, by what they are called."""
    counters = app.extensions["onboarding"].writes._counters
    events = counters[MEMORY].storage.events if counters else {}
    return {key: len(times) for key, times in events.items()}


def test_one_too_many_is_refused_and_its_answer_kept(strict, stage, ada, log_lines):
    for _ in range(3):
        assert strict.post(Q1, {"python_proficiency": "Beginner"}).status_code == 303
    answer = strict.post(f"{Q2}?python_proficiency=Beginner", {"developer_role": "None"})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    html = page(answer)
    assert html.h1.text == "That was too often"
    # The form to send again, as it was.
    assert html.form["action"] == f"{Q2}?python_proficiency=Beginner"
    fields = {field["name"]: field["value"] for field in html.form.find_all("input")}
    assert fields["developer_role"] == "None"
    assert html.form.button.text == "Try again"
    assert stage.sql("SELECT 1 FROM user_profile WHERE user_id = %s", ada.user_id) == []
    (line,) = log_lines()
    assert line["status"] == 429
    assert line["request_id"] in html.main.text


def test_the_form_of_that_page_works_when_the_time_has_come(strict, visitor, ada, stage):
    for _ in range(3):
        strict.post(Q1, {"python_proficiency": "Beginner"})
    form = page(strict.post(f"{Q2}?python_proficiency=Beginner", {"developer_role": "None"})).form
    fields = {field["name"]: field["value"] for field in form.find_all("input")}
    assert visitor(ada).post(form["action"], fields).headers["Location"] == "/onboarding/review#h"


def test_a_call_gets_a_problem(strict):
    answers = [strict.put(DRAFT) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 429]
    assert answers[3].mimetype == "application/problem+json"
    assert answers[3].json["status"] == 429
    assert answers[3].json["detail"].startswith("This person has saved too often")
    assert int(answers[3].headers["Retry-After"]) > 0
    assert answers[3].headers["Cache-Control"] == "no-store"


def test_pages_and_calls_are_counted_together_and_reading_isnt(strict):
    for _ in range(20):
        assert strict.get(Q1).status_code == strict.get("/api/profile").status_code == 200
    strict.put(DRAFT)
    strict.post(Q1, {"python_proficiency": "Beginner"})
    strict.post(Q2, {"csrf_token": "wrong"})
    assert strict.put(DRAFT).status_code == 429
    assert strict.get(Q1).status_code == strict.get("/api/profile").status_code == 200


def test_one_persons_writes_are_no_other_persons(strict_app, strict, stage, settings):
    for _ in range(5):
        strict.put(DRAFT)
    other = newcomer(stage.database_url, settings.session_cookie)
    assert Visitor(strict_app, other, {}).put(DRAFT).status_code == 201


def test_all_sessions_of_a_person_count_as_one(strict_app, strict, ada, stage, settings):
    for _ in range(3):
        strict.put(DRAFT)
    stage.sql(
        'INSERT INTO session (id, token, "userId", "expiresAt", "updatedAt") '
        "VALUES (%s, %s, %s, now() + interval '1 hour', now())",
        f"second-{ada.user_id}",
        f"second-{ada.token}",
        ada.user_id,
    )
    token = f"second-{ada.token}"
    cookie = f"{settings.session_cookie.name}={token}.{settings.session_cookie.sign(token)}"
    second = Visitor(strict_app, replace(ada, cookie=cookie, token=token), {})
    assert second.get("/api/profile").status_code == 200
    assert second.put(DRAFT).status_code == 429


def test_who_has_no_live_session_is_not_counted(strict_app, ada, stage, settings):
    nobody, name = Visitor(strict_app, None, {}), settings.session_cookie.name
    for number in range(50):
        forged = f"{name}=token{number}.{'A' * 43}%3D"
        unknown = f"{name}=token{number}.{settings.session_cookie.sign(f'token{number}')}"
        for cookie in ("", forged, unknown):
            nobody.put(DRAFT, {"Cookie": cookie})
            nobody.post(Q1, {"csrf_token": "x"}, {"Cookie": cookie})
    assert counted(strict_app) == {}
    Visitor(strict_app, ada, {}).put(DRAFT)
    assert list(counted(strict_app).values()) == [1]


def test_another_sites_posts_are_not_the_visitors_writes(strict_app, strict):
    for _ in range(5):
        assert strict.post(Q1, {}, {"Sec-Fetch-Site": "same-site"}).status_code == 403
        assert strict.put(DRAFT, {"Origin": "https://evil.example"}).status_code == 403
    assert counted(strict_app) == {}


def test_what_is_remembered_holds_no_id_and_no_more_than_the_limit(strict_app, strict, ada):
    for _ in range(10):
        strict.put(DRAFT)
    ((key, times),) = counted(strict_app).items()
    assert ada.user_id not in key
    assert times == 3


def test_it_is_forgotten_after_the_minute(monkeypatch):
    limit, now = WriteLimit(2, MEMORY), [1_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    assert [limit.wait_s("ada") for _ in range(2)] == [0, 0]
    now[0] += 20
    assert limit.wait_s("ada") == 40
    now[0] += 40.1
    assert limit.wait_s("ada") == 0


def test_nobody_is_remembered_for_longer(monkeypatch):
    limit, now = WriteLimit(2, MEMORY), [1_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    for person in range(2000):
        now[0] += 1
        assert limit.wait_s(f"person {person}") == 0
        if person % 50 == 0:
            # The library tidies up in a thread of its own, which is at work already.
            limit._counters[MEMORY].storage.timer.join()
    assert 60 <= len(limit._counters[MEMORY].storage.events) < 600


class Slow(dict):
    """Takes its time between making a person's list and counting in it."""

    def setdefault(self, key, default):
        made = super().setdefault(key, default)
        time.sleep(0.1)
        return made


def test_who_is_counting_is_not_forgotten_meanwhile(monkeypatch):
    monkeypatch.setattr("onboarding.web.writes._TIDY_AT", 0)
    limit = WriteLimit(2, MEMORY)
    limit._counter(MEMORY).storage.events = Slow()
    with ThreadPoolExecutor(5) as writers:
        waits = [writers.submit(limit.wait_s, f"person {number}") for number in range(5)]
    assert [one.result() for one in waits] == [0] * 5


def test_zero_is_without_limit():
    limit = WriteLimit(0, MEMORY)
    assert {limit.wait_s("ada") for _ in range(1000)} == {0}
    assert limit._counters == {}


@pytest.fixture(scope="module")
def shared():
    with redis.temporary() as running:
        yield running


class TestShared:
    """A Redis that all processes count in."""

    def test_two_processes_count_together(self, shared):
        one, two = WriteLimit(3, shared.url), WriteLimit(3, shared.url)
        assert [one.wait_s("ada"), two.wait_s("ada"), one.wait_s("ada")] == [0, 0, 0]
        assert 0 < two.wait_s("ada") <= 60
        assert two.wait_s("grace") == 0

    def test_without_it_each_counts_for_itself_and_says_so_once(self, caplog):
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

    def test_a_frozen_one_is_waited_for_shortly_and_then_left_alone(self):
        now = [0.0]
        with socket.create_server(("127.0.0.1", 0)) as frozen:
            limit = WriteLimit(9, f"redis://127.0.0.1:{frozen.getsockname()[1]}", lambda: now[0])
            begun = time.perf_counter()
            assert limit.wait_s("ada") == 0
            once = time.perf_counter() - begun
            assert 0.2 < once < 2
            for _ in range(5):
                assert limit.wait_s("ada") == 0
            assert time.perf_counter() - begun < 2 * once + 0.5
