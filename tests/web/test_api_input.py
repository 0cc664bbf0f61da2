"""Bodies, types and methods that the API refuses, each by its own status and field by field."""

import gc
import json

from werkzeug.test import TestResponse

from tests.questionnaires import some_answers
from tests.web.conftest import Site

PROBLEM = "application/problem+json"
CHUNKED = {"Transfer-Encoding": "chunked"}
# How a server says that it takes the chunks apart.
TERMINATED = {"environ_overrides": {"wsgi.input_terminated": True}}


def body_of(site: Site) -> bytes:
    return json.dumps(some_answers(site.questionnaire)).encode()


def fields(response: TestResponse) -> dict[str, str]:
    return {error["field"]: error["message"] for error in response.json["errors"]}


# What becomes of a right body.
NOT_JSON = {
    "no JSON": lambda body: b"answer=yes",
    "half": lambda body: body[:-1],
    "twice": lambda body: body + body,
    "a comment": lambda body: b"/* */" + body,
    "a comma too many": lambda body: body[:-1] + b",}",
    "not a number": lambda body: b'{"is_onboarded": NaN}',
    "infinity": lambda body: b'{"is_onboarded": -Infinity}',
    "many digits": lambda body: b'{"is_onboarded": ' + b"9" * 9000 + b"}",
    "deep": lambda body: b"[" * 16_000,
    "a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "latin-1": lambda body: b'{"a": "\xe9"}',
    "UTF-16": lambda body: body.decode().encode("utf-16"),
    "a raw NUL": lambda body: b'{"a": "\0"}',
    "a raw surrogate": lambda body: b'{"a": "\xed\xa0\x80"}',
}


def test_what_is_no_json_is_refused(site):
    window, body = site.browser(), body_of(site)
    # What earlier tests left would be finalized at the recursion's limit.
    gc.collect()
    for kind, change in NOT_JSON.items():
        response = window.put(change(body))
        assert (response.status_code, response.mimetype) == (400, PROBLEM), kind
    assert window.put(b" " * 16_384 + body).status_code == 413
    # How deep is too deep to be read depends on the Python.
    assert window.put(b'{"a":' * 2500 + b"1" + b"}" * 2500).status_code in (400, 422)
    assert site.row(window.user) is None


def bad_fields(site: Site) -> list[tuple[object, set[str]]]:
    """Return bodies that are no profile, each with the fields that are wrong."""
    good, names = some_answers(site.questionnaire), {*site.questionnaire.names}
    body, name = body_of(site), site.questionnaire.names[-1]
    value = good[name]
    quoted = json.dumps({name: value})[1:-1].encode()
    escaped = quoted.replace(name[0].encode(), f"\\u{ord(name[0]):04x}".encode(), 1)
    wrong_values = (None, f" {value}", f"{value}\0", "\ud800", 1, [value], {value: 1})
    return [
        *((whole, {""}) for whole in (b"[]", b'"text"', b"null", b"1")),
        (b"{}", names),
        ({name: value, "is_onboarded": 1}, names - {name} | {"is_onboarded"}),
        *(({**good, name: wrong}, {name}) for wrong in wrong_values),
        (b'{"%s": 1e999}' % name.encode(), names),
        (b'{"\\ud800": 1}', {"\ud800", *names}),
        *(({**good, "is_onboarded": wrong}, {"is_onboarded"}) for wrong in ("true", 1, None)),
        ({**good, "user_id": "1"}, {"user_id"}),
        ({**good, "missing": []}, {"missing"}),
        ({**good, "created_at": "2000-01-01T00:00:00Z"}, {"created_at"}),
        ({**good, "x" * 9000: 1}, {"x" * 100}),
        ({"is_onboarded": 0, "a": 1}, {*names, "is_onboarded", "a"}),
        # Of two members of one name each reader takes another.
        (body[:-1] + b", " + quoted + b"}", {name}),
        (body[:-1] + b", " + escaped + b"}", {name}),
        (b'{"a": [{"b": 1, "b": 1}]}', {"b"}),
    ]


def test_json_that_is_no_profile_is_refused_field_by_field(site):
    window = site.browser()
    for body, named in bad_fields(site):
        response = window.put(body)
        assert (response.status_code, response.mimetype) == (422, PROBLEM), body
        assert set(fields(response)) == named, body
        assert all(fields(response).values())
    # The wizard's own words.
    messages = {question.name: question.problem["en"] for question in site.questionnaire}
    assert fields(window.put({})) == messages
    assert site.row(window.user) is None


TYPES = ["text/plain", "application/x-www-form-urlencoded", "application/merge-patch+json"]
TYPES += [f"application/json{end}" for end in ("; charset=utf-16", "; boundary=x", ", text/plain")]


def test_the_type_is_json_however_it_is_spelled_and_nothing_else(default_site):
    window, body = default_site.browser(), body_of(default_site)
    for headers in (*({"Content-Type": one} for one in TYPES), {"Content-Encoding": "gzip"}):
        response = window.put(body, headers)
        assert (response.status_code, response.mimetype) == (415, PROBLEM), headers
    assert default_site.row(window.user) is None
    for ending in (";charset=UTF-8", '; charset="utf-8"'):
        kind = {"Content-Type": f"Application/JSON{ending}"}
        assert window.put(body, kind).status_code in (200, 201)


def test_another_method_is_refused(default_site):
    window = default_site.browser()
    for method in ("POST", "PATCH", "DELETE", "TRACE", "PROPFIND"):
        response = window.request(method, "/api/profile", {"Origin": window.origin})
        assert (response.status_code, response.mimetype) == (405, PROBLEM)
        assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "PUT"}


def test_a_body_in_chunks_is_read_up_to_16_kb(default_site):
    window, body = default_site.browser(), body_of(default_site)
    for padding, status in ((16 * 1024 + 1, 413), (16 * 1024, 201), (0, 200)):
        assert window.put(body.ljust(padding), CHUNKED, **TERMINATED).status_code == status
    assert window.put(b"").status_code == 400
