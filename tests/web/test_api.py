"""The API for the main site: the shapes, the conditions, who may call, and what is refused."""

import gc
import json
import socket
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from onboarding import create_app
from tests.visitor import Visitor
from tests.web.conftest import STATES

ONE = {"python_proficiency": "Advanced", "developer_role": "None"}
OTHER = {"python_proficiency": "Beginner", "developer_role": "Backend Developer"}
FINAL = {"is_onboarded": True}
NOBODY_ELSE = "A profile has no such field."


@pytest.fixture
def row(stage):
    """Give a person's row as it stands, None where there is none."""

    def row(person):
        rows = stage.sql("SELECT * FROM user_profile WHERE user_id = %s", person.user_id)
        return rows[0] if rows else None

    return row


def fields(answer) -> dict[str, str]:
    return {error["field"]: error["message"] for error in answer.json["errors"]}


# Shapes


def test_somebody_without_a_row_has_a_profile_of_nulls(visitor, ada):
    answer = visitor(ada).get("/api/profile")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert list(answer.json.items()) == [
        ("user_id", ada.user_id),
        ("is_onboarded", False),
        ("python_proficiency", None),
        ("developer_role", None),
        ("created_at", None),
        ("updated_at", None),
    ]


def test_what_was_answered_in_the_wizard_is_read_here(visitor, ada, row):
    visitor(ada).finish("Advanced", "Full Stack Developer")
    profile = visitor(ada).get("/api/profile").json
    created, updated = row(ada)[4:6]
    assert profile == {
        "user_id": ada.user_id,
        "is_onboarded": True,
        "python_proficiency": "Advanced",
        "developer_role": "Full Stack Developer",
        "created_at": f"{created:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{updated:%Y-%m-%dT%H:%M:%SZ}",
    }
    age = datetime.now(UTC) - datetime.fromisoformat(profile["updated_at"])
    assert abs(age.total_seconds()) < 60


def test_a_draft_is_saved_then_changed_then_completed_for_good(visitor, ada, row):
    window = visitor(ada)
    answers = [
        window.put(ONE),
        window.put({**OTHER, "is_onboarded": False}),
        window.put({**OTHER, **FINAL}),
        window.put({**OTHER, **FINAL}),
        window.put(OTHER),
        window.put({**ONE, **FINAL}),
        window.put(ONE),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200, 409, 409]
    assert [answer.json.get("is_onboarded") for answer in answers[:5]] == [
        False,
        False,
        *[True] * 3,
    ]
    final = window.get("/api/profile").json
    assert final == answers[2].json == answers[4].json == answers[5].json["profile"]
    assert row(ada)[1:4] == ("Beginner", "Backend Developer", True)
    assert window.get("/profile").status_code == 200


def test_one_call_is_enough(visitor, ada):
    answer = visitor(ada).put({**ONE, **FINAL})
    assert (answer.status_code, answer.json["is_onboarded"]) == (201, True)


# Versions


def test_a_known_version_is_not_sent_again(visitor, ada, stage):
    window = visitor(ada)
    for save in (dict, lambda: window.put(ONE), lambda: window.put({**ONE, **FINAL})):
        save()
        etag = window.get("/api/profile").headers["ETag"]
        for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            answer = window.get("/api/profile", {"If-None-Match": known})
            assert (answer.status_code, answer.data) == (304, b"")
            assert answer.headers["ETag"] == etag
            assert answer.headers["Cache-Control"] == "private, no-cache"
            assert answer.headers["Vary"] == "Cookie, Origin"
        assert window.get("/api/profile", {"If-None-Match": '"other"'}).status_code == 200


def test_every_state_and_every_person_has_a_version_of_its_own(in_state, plugin_app):
    people = [in_state(state) for state in ("no row", "no row", "draft", "onboarded")]
    tags = [window.get("/api/profile").headers["ETag"] for window in people]
    saved = [window.put(ONE).headers["ETag"] for window in people[:3]]
    assert len({*tags, *saved}) == len(tags) + len(saved)


def test_a_save_gives_the_version_that_reading_gives(visitor, ada):
    window = visitor(ada)
    assert window.put(ONE).headers["ETag"] == window.get("/api/profile").headers["ETag"]


def version(window: Visitor, named: str) -> str:
    etag = window.get("/api/profile").headers["ETag"]
    return {"this": etag, "weak": f"W/{etag}", "other": '"other"', "*": "*", "bare": etag[1:-1]}[
        named
    ]


@pytest.mark.parametrize(
    ("condition", "named", "without_a_row", "with_a_row"),
    [
        ("If-Match", "this", 201, 200),
        ("If-Match", "*", 412, 200),
        ("If-Match", "other", 412, 412),
        # RFC 9110, 13.1.1: strong comparison.
        ("If-Match", "weak", 412, 412),
        ("If-None-Match", "this", 412, 412),
        ("If-None-Match", "weak", 412, 412),
        ("If-None-Match", "*", 201, 412),
        ("If-None-Match", "other", 201, 200),
    ],
)
def test_a_condition_is_kept(
    visitor, ada, row, condition, named, without_a_row, with_a_row, sign_up, stage, settings
):
    window = visitor(ada)
    answer = window.put(ONE, {condition: version(window, named)})
    assert answer.status_code == without_a_row
    window.put(ONE)
    before = row(ada)
    answer = window.put(OTHER, {condition: version(window, named)})
    assert answer.status_code == with_a_row
    if with_a_row == 412:
        assert answer.mimetype == "application/problem+json"
        assert row(ada) == before
    else:
        assert row(ada)[1] == "Beginner"


@pytest.mark.parametrize("header", ["", '""', ",", '"unfinished', "\u00e9"])
def test_a_condition_that_names_nothing_is_not_met(visitor, ada, row, header):
    assert visitor(ada).put(ONE, {"If-Match": header}).status_code == 412
    assert row(ada) is None


def test_a_save_whose_answer_got_lost_may_be_sent_again_with_its_condition(visitor, ada, row):
    window = visitor(ada)
    condition = {"If-Match": version(window, "this")}
    assert window.put({**ONE, **FINAL}, condition).status_code == 201
    before = row(ada)
    again = window.put({**ONE, **FINAL}, condition)
    assert (again.status_code, again.json["is_onboarded"]) == (200, True)
    assert row(ada) == before
    assert window.put({**OTHER, **FINAL}, condition).status_code == 412


# What it costs


def test_what_it_costs(stage, app, visitor, ada):
    window = visitor(ada)
    assert app.extensions["onboarding"].identities.check() == []

    def cost(do) -> list[str]:
        before = stage.server.log_size()
        do()
        said = stage.server.statements("onboarding", after=before)
        return [statement.split()[0] for statement in said]

    etag = window.get("/api/profile").headers["ETag"]
    assert cost(lambda: window.get("/api/profile")) == ["SELECT"]
    assert cost(lambda: window.get("/api/profile", {"If-None-Match": etag})) == ["SELECT"]
    assert cost(lambda: window.put({})) == ["SELECT"]
    assert cost(lambda: window.put(ONE, {"Origin": "https://evil.example"})) == []
    assert cost(lambda: window.put(OTHER, {"If-Match": etag})) == ["SELECT", "INSERT"]
    assert cost(lambda: window.put(ONE)) == ["SELECT", "INSERT"]
    condition = {"If-Match": version(window, "this")}
    assert cost(lambda: window.put({**ONE, **FINAL}, condition)) == ["SELECT", "UPDATE"]
    assert cost(lambda: window.put({**ONE, **FINAL})) == ["SELECT"]
    assert cost(lambda: window.get("/api/openapi.json")) == []
    assert cost(lambda: window.request("OPTIONS", "/api/profile")) == []


# Who


@pytest.mark.parametrize("state", STATES)
def test_who_is_out_is_told_why(in_state, state):
    reasons = {"forged": "unverified", "banned": "banned", "anonymous": "anonymous"}
    out = {**dict.fromkeys(("signed out", "expired", "revoked"), "signed-out"), **reasons}
    window = in_state(state)
    for answer in (window.get("/api/profile"), window.put({**ONE, **FINAL})):
        if state in out:
            assert answer.status_code == 401
            assert answer.mimetype == "application/problem+json"
            assert answer.json["reason"] == out[state]
            assert answer.headers["Cache-Control"] == "no-store"
        else:
            assert answer.status_code != 401


def test_an_administrator_may_look_but_not_answer(in_state):
    window = in_state("impersonated")
    assert window.get("/api/profile").status_code == 200
    refused = window.put(ONE)
    assert (refused.status_code, refused.mimetype) == (403, "application/problem+json")
    assert "administrator" in refused.json["detail"]
    assert window.get("/api/profile").json["python_proficiency"] is None


def test_two_people_s_cookies_are_nobody_s(visitor, ada, sign_up):
    other = sign_up()
    answer = visitor().get("/api/profile", {"Cookie": f"{ada.cookie}; {other.cookie}"})
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


def test_answers_for_somebody_else_are_refused(visitor, ada, row):
    answer = visitor(ada).put({**ONE, "user_id": "somebody else"})
    assert (answer.status_code, fields(answer)) == (422, {"user_id": NOBODY_ELSE})
    assert row(ada) is None


def test_a_user_who_was_deleted_meanwhile_is_signed_out(visitor, ada, stage, app, monkeypatch):
    def deleted_first(database, user_id, *rest):
        stage.sql('DELETE FROM "user" WHERE id = %s', user_id)
        return real(database, user_id, *rest)

    from onboarding.web import api

    real = api.save_draft
    monkeypatch.setattr(api, "save_draft", deleted_first)
    answer = visitor(ada).put(ONE)
    assert (answer.status_code, answer.json["reason"]) == (401, "signed-out")


# Origins


@pytest.fixture
def listed(settings):
    """The app with a further origin in EMBED_ORIGINS."""
    app = create_app(replace(settings, embed_origins=("https://docs.example.com",)))
    yield app
    app.extensions["onboarding"].database.engine.dispose()


def test_pages_of_the_listed_origins_may_read_and_save(listed, ada, settings):
    window = Visitor(listed, ada, {})
    for origin in ("https://docs.example.com", settings.site_origin, settings.app_origin):
        for answer in (
            window.get("/api/profile", {"Origin": origin}),
            window.put(ONE, {"Origin": origin, "Sec-Fetch-Site": "cross-site"}),
            window.put({}, {"Origin": origin}),
            window.get("/api/nowhere", {"Origin": origin}),
            window.request("DELETE", "/api/profile", {"Origin": origin}),
        ):
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert answer.headers["Access-Control-Allow-Credentials"] == "true"
            assert answer.headers["Vary"] == "Cookie, Origin"
            assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert window.get("/api/profile").json["python_proficiency"] == "Advanced"


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "*",
        "https://evil.example",
        "https://docs.example.com.evil.example",
        "http://docs.example.com",
        "https://docs.example.com:8443",
        "https://docs.example.com/",
        "https://docs.example.com, https://docs.example.com",
        "HTTPS://DOCS.EXAMPLE.COM",
    ],
)
def test_pages_of_other_origins_may_neither_read_nor_save(listed, ada, row, origin):
    window = Visitor(listed, ada, {})
    answers = [
        window.get("/api/profile", {"Origin": origin}),
        window.put({**ONE, **FINAL}, {"Origin": origin, "Sec-Fetch-Site": "same-origin"}),
        window.request("OPTIONS", "/api/profile", {"Origin": origin}),
    ]
    assert [answer.status_code for answer in answers] == [200, 403, 200]
    assert answers[1].mimetype == "application/problem+json"
    for answer in answers:
        assert not any(name.startswith("Access-Control") for name in dict(answer.headers))
        assert answer.headers["Vary"] == "Cookie, Origin"
    assert row(ada) is None


def test_a_preflight_needs_no_cookie(visitor, settings):
    asks = {
        "Origin": settings.site_origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,if-match",
    }
    answer = visitor().request("OPTIONS", "/api/profile", asks)
    assert (answer.status_code, answer.data) == (200, b"")
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Methods"] == answer.headers["Allow"]
    assert {"Content-Type", "If-Match", "If-None-Match"} == set(
        answer.headers["Access-Control-Allow-Headers"].split(", ")
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/profile", 200),
        ("OPTIONS", "/api/profile", 200),
        ("DELETE", "/api/profile", 405),
        ("GET", "/api/openapi.json", 200),
        ("GET", "/api/nowhere", 404),
    ],
)
def test_slashes_before_an_address_change_nothing(visitor, ada, stage, method, path, status):
    window = visitor(ada, Origin=stage.site.url)

    def told(path):
        answer = window.request(method, path)
        return answer.status_code, sorted(answer.headers.items())

    plain = told(path)
    assert plain[0] == status
    assert ("Access-Control-Allow-Origin", stage.site.url) in plain[1]
    assert told(f"/{path}") == told(f"//{path}") == plain


def test_pages_are_as_closed_to_other_origins_as_before(visitor, ada, settings):
    for path in ("/profile", "/onboarding/review", "/healthz", "/signed-out"):
        answer = visitor(ada).get(path, {"Origin": settings.site_origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
    answer = visitor(ada).post("/onboarding/review", {}, {"Origin": settings.site_origin})
    assert answer.status_code == 403


# Bad input

BODY = json.dumps(ONE).encode()
JSON = {"Content-Type": "application/json"}

BAD_BODIES = {
    "no JSON": (b"python_proficiency=Advanced", 400),
    "half": (BODY[:-1], 400),
    "twice": (BODY + BODY, 400),
    "a comment": (b"/* */" + BODY, 400),
    "a comma too many": (BODY[:-1] + b",}", 400),
    "single quotes": (BODY.replace(b'"', b"'"), 400),
    "not a number": (b'{"is_onboarded": NaN}', 400),
    "infinity": (b'{"is_onboarded": -Infinity}', 400),
    "a number of many digits": (b'{"is_onboarded": ' + b"9" * 9000 + b"}", 400),
    "deep": (b"[" * 16_000, 400),
    "a byte order mark": (b"\xef\xbb\xbf" + BODY, 400),
    "latin-1": (b'{"developer_role": "\xe9"}', 400),
    "UTF-16": (json.dumps(ONE).encode("utf-16"), 400),
    "a raw NUL": (b'{"developer_role": "\0"}', 400),
    "a raw surrogate": (b'{"developer_role": "\xed\xa0\x80"}', 400),
    "too much": (b" " * 16_384 + BODY, 413),
}


@pytest.mark.parametrize("body", BAD_BODIES)
def test_what_is_no_json_is_refused(visitor, ada, row, body):
    data, status = BAD_BODIES[body]
    if body == "deep":
        # What earlier tests left would be finalized down there, at the recursion's limit.
        gc.collect()
    answer = visitor(ada).put(data)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert row(ada) is None


BAD_FIELDS = {
    "a list": (b"[]", {""}),
    "a text": (b'"Advanced"', {""}),
    "null": (b"null", {""}),
    "nothing in it": (b"{}", {"python_proficiency", "developer_role"}),
    "one answer": (b'{"developer_role": "None"}', {"python_proficiency"}),
    "null for the role": ({**ONE, "developer_role": None}, {"developer_role"}),
    "another case": ({**ONE, "python_proficiency": "advanced"}, {"python_proficiency"}),
    "a space": ({**ONE, "python_proficiency": " Advanced"}, {"python_proficiency"}),
    "a number": ({**ONE, "python_proficiency": 1}, {"python_proficiency"}),
    "a huge number": (b'{"python_proficiency": 1e999}', {"python_proficiency", "developer_role"}),
    "a list of one": ({**ONE, "developer_role": ["None"]}, {"developer_role"}),
    "an object": ({**ONE, "developer_role": {"None": 1}}, {"developer_role"}),
    "NUL": ({**ONE, "developer_role": "None\0"}, {"developer_role"}),
    "a surrogate": ({**ONE, "developer_role": "\ud800"}, {"developer_role"}),
    "a surrogate's name": (b'{"\\ud800": 1}', {"\ud800", "python_proficiency", "developer_role"}),
    "a text for true": ({**ONE, "is_onboarded": "true"}, {"is_onboarded"}),
    "one for true": ({**ONE, "is_onboarded": 1}, {"is_onboarded"}),
    "null for true": ({**ONE, "is_onboarded": None}, {"is_onboarded"}),
    "somebody's id": ({**ONE, "user_id": "1"}, {"user_id"}),
    "a time": ({**ONE, "created_at": "2000-01-01T00:00:00Z"}, {"created_at"}),
    "a long name": ({**ONE, "x" * 9000: 1}, {"x" * 100}),
    "all wrong": ({"is_onboarded": 0, "a": 1}, {*ONE, "is_onboarded", "a"}),
    "an answer twice": (BODY[:-1] + b', "developer_role": "None"}', {"developer_role"}),
    "twice, escaped": (BODY[:-1] + b', "developer\\u005frole": "None"}', {"developer_role"}),
    "twice, deep inside": (b'{"a": [{"b": 1, "b": 1}]}', {"b"}),
}


@pytest.mark.parametrize("body", BAD_FIELDS)
def test_json_that_is_no_profile_is_refused_field_by_field(visitor, ada, row, body):
    sent, named = BAD_FIELDS[body]
    answer = visitor(ada).put(sent)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert set(fields(answer)) == named
    assert all(fields(answer).values())
    assert row(ada) is None


def test_a_question_is_refused_in_the_wizard_s_own_words(visitor, ada):
    assert fields(visitor(ada).put({}))["developer_role"] == "Choose your developer role"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": None},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/merge-patch+json"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json; boundary=x"},
        {"Content-Type": "application/json, text/plain"},
        {"Content-Encoding": "gzip"},
    ],
    ids=str,
)
def test_another_type_is_refused(visitor, ada, row, headers):
    answer = visitor(ada).put(BODY, headers)
    assert (answer.status_code, answer.mimetype) == (415, "application/problem+json")
    assert row(ada) is None


@pytest.mark.parametrize(
    "kind", ["application/json;charset=UTF-8", 'Application/JSON; charset="utf-8"']
)
def test_the_type_may_be_written_in_other_ways(visitor, ada, kind):
    assert visitor(ada).put(BODY, {"Content-Type": kind}).status_code == 201


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_another_method_is_refused(visitor, ada, row, method):
    answer = visitor(ada).request(method, "/api/profile", {"Origin": visitor().origin, **JSON})
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert {"GET", "HEAD", "OPTIONS", "PUT"} == set(answer.headers["Allow"].split(", "))
    assert row(ada) is None


def test_a_body_of_unknown_length_is_refused(visitor, ada, row):
    chunked = visitor(ada).put(BODY, {"Transfer-Encoding": "chunked"})
    # The client names no length for nothing.
    nothing = visitor(ada).put(b"")
    for answer in (chunked, nothing):
        assert (answer.status_code, answer.mimetype) == (411, "application/problem+json")
    assert row(ada) is None


def test_depth_alone_breaks_nothing(visitor, ada, row):
    # How deep is too deep to be read depends on the Python.
    answer = visitor(ada).put(b'{"a":' * 2500 + b"1" + b"}" * 2500)
    assert answer.status_code in (400, 422)
    assert row(ada) is None


def test_a_method_in_a_header_or_the_query_counts_for_nothing(visitor, ada, row):
    for path, headers in (
        ("/api/profile", {"X-HTTP-Method-Override": "PUT"}),
        ("/api/profile?_method=PUT", {}),
    ):
        assert visitor(ada).request("GET", path, headers, data=BODY).status_code == 200
    assert row(ada) is None


def test_head_says_what_get_says(visitor, ada):
    window = visitor(ada)
    said, asked = window.request("HEAD", "/api/profile"), window.get("/api/profile")
    assert (said.status_code, said.data) == (200, b"")
    for name in ("ETag", "Content-Length", "Content-Type", "Cache-Control", "Vary"):
        assert said.headers[name] == asked.headers[name]
    known = {"If-None-Match": said.headers["ETag"]}
    assert window.request("HEAD", "/api/profile", known).status_code == 304


def test_a_chunked_body_without_end_is_refused_before_its_end(served_app, ada, row):
    host, _, port = served_app.partition("//")[2].partition(":")
    head = (
        f"PUT /api/profile HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {served_app}\r\n"
        f"Cookie: {ada.cookie}\r\nContent-Type: application/json\r\n"
    )
    for rest, status in (
        ("Transfer-Encoding: chunked\r\n\r\n5\r\n[[[[[\r\n", 411),
        ("\r\n", 411),
        ("Content-Length: 0\r\n\r\n", 400),
        ("Content-Length: 99999999\r\n\r\n[[[[[", 413),
    ):
        with socket.create_connection(("127.0.0.1", int(port)), timeout=5) as connection:
            connection.sendall((head + rest).encode())
            assert connection.recv(4096).startswith(f"HTTP/1.1 {status} ".encode()), rest
    assert row(ada) is None
