"""The API under generated calls: every answer is one that the OpenAPI document tells of, and no 5xx.

schemathesis makes calls from the document, right ones and wrong ones; hypothesis makes what no
document has words for. Every call comes with a valid session, to a profile in a state of its own,
and how often each status came shows how deep the calls went.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import openapi_spec_validator
import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from openapi_spec_validator.validation import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from werkzeug.test import TestResponse

from onboarding import create_app
from tests.visitor import Visitor, newcomer
from tests.web.test_api import ONE, OTHER

STATES = ("no row", "draft", "final")
# The least share of each status among the generated calls of a method.
DEPTH = {
    "GET": {200: 0.2, 304: 0.02},
    "PUT": {200: 0.02, 201: 0.05, 400: 0.05, 403: 0.003, 409: 0.01, 412: 0.05, 422: 0.02},
}
RAW_DEPTH = {201: 0.01, 400: 0.03, 412: 0.01, 415: 0.02, 422: 0.1}


@pytest.fixture(scope="module")
def app(settings):
    """The app without a limit on writes: each person here makes hundreds a minute."""
    made = create_app(replace(settings, writes_per_minute=0))
    yield made
    made.extensions["onboarding"].database.engine.dispose()


@pytest.fixture(scope="module")
def document(app):
    return app.test_client().get(
        "/api/openapi.json", headers={"Host": _host(app), "Origin": "https://anybody.example"}
    )


def _host(app) -> str:
    return app.extensions["onboarding"].settings.app_origin.partition("//")[2]


@pytest.fixture(scope="module")
def operations(document):
    api = schemathesis.openapi.from_dict(document.json)
    return {method: api["/api/profile"][method] for method in ("GET", "PUT")}


class Windows:
    """A window of somebody in each state, who is put back into it when a call has moved them."""

    def __init__(self, owner: psycopg.Connection, windows: list[Visitor]) -> None:
        self._owner = owner
        self._windows = dict(zip(STATES, windows, strict=True))
        self._rows = {}
        self._version = {}
        for state in STATES:
            self._put_back(state)

    def call(self, state: str, method: str, headers: dict, **more) -> TestResponse:
        """Call as that person; a refusal must leave their row as it was."""
        answer = self._windows[state].request(method, "/api/profile", headers, **more)
        if method == "PUT":
            if answer.status_code >= 400:
                assert self._row(state) == self._rows[state]
            elif state != "final":
                self._put_back(state)
        return answer

    def conditions(self, draw: Callable, state: str) -> dict[str, str]:
        """Some conditions, often on the version that the profile has."""
        version = self._version[state]
        some = st.sampled_from([version, version, "*", '"other"', f"W/{version}"])
        names = draw(st.sampled_from([[], ["If-Match"], ["If-None-Match"]]))
        return {name: draw(some) for name in names}

    def _put_back(self, state: str) -> None:
        window = self._windows[state]
        self._sql("DELETE FROM user_profile WHERE user_id = %s RETURNING 1", state)
        if state != "no row":
            assert window.put({**ONE, "is_onboarded": state == "final"}).status_code == 201
        self._version[state] = window.get("/api/profile").headers["ETag"]
        self._rows[state] = self._row(state)

    def _row(self, state: str) -> list[tuple]:
        return self._sql("SELECT * FROM user_profile WHERE user_id = %s", state)

    def _sql(self, query: str, state: str) -> list[tuple]:
        return self._owner.execute(query, [self._windows[state].person.user_id]).fetchall()


@pytest.fixture(scope="module")
def windows(app, stage, settings):
    with psycopg.connect(stage.database_url, autocommit=True) as owner:
        people = [newcomer(stage.database_url, settings.session_cookie) for _ in STATES]
        yield Windows(owner, [Visitor(app, person, {}) for person in people])


def quietly(cases: int):
    """Run so many examples, each time others."""
    return hypothesis_settings(
        max_examples=cases, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )


def held(seen: Counter, least: dict[int, float]) -> None:
    """Show the shares of the statuses, and fail where one came too seldom."""
    shares = {status: count / seen.total() for status, count in sorted(seen.items())}
    told = ", ".join(f"{status} {share:.1%}" for status, share in shares.items())
    print(f"{seen.total()} calls: {told}")
    assert not any(status >= 500 for status in seen), told
    assert {status for status, share in least.items() if shares.get(status, 0) < share} == set(), (
        told
    )


def test_the_document_is_openapi_3_1(document):
    assert document.status_code == 200
    assert document.json["openapi"].startswith("3.1.")
    openapi_spec_validator.validate(document.json, cls=OpenAPIV31SpecValidator)


def test_the_document_tells_of_every_call_and_no_other(document, app):
    told = {
        (path, method.upper())
        for path, methods in document.json["paths"].items()
        for method in methods
    }
    real = {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and rule.endpoint != "api.document"
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert told == real


def test_the_document_is_told_to_everybody_and_only_once(document, app):
    again = app.test_client().get(
        "/api/openapi.json",
        headers={"Host": _host(app), "If-None-Match": document.headers["ETag"]},
    )
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(("method", "share"), [("GET", 0.1), ("PUT", 0.9)])
def test_calls_made_from_the_document(operations, windows, settings, request, method, share):
    operation, seen = operations[method], Counter()
    # The second of the wrong ones are wrong in their bodies alone.
    cases = st.one_of(
        operation.as_strategy(),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE, headers={}),
    )

    @quietly(int(request.config.getoption("--cases") * share))
    @given(cases, st.sampled_from(STATES), st.data())
    def call(case, state, data):
        headers = dict(case.headers or {})
        # Mostly from our own page, often with a condition that means something.
        if data.draw(st.integers(0, 9)) < 9:
            headers["Origin"] = settings.app_origin
        if data.draw(st.booleans()):
            headers.pop("If-Match", None)
            headers.pop("If-None-Match", None)
            headers.update(windows.conditions(data.draw, state))
        body = case.body if isinstance(case.body, bytes) else json.dumps(body_of(case)).encode()
        more = {"data": body, "content_type": case.media_type} if method == "PUT" else {}
        answer = windows.call(state, method, headers, **more)
        operation.validate_response(answer)
        seen[answer.status_code] += 1

    call()
    held(seen, DEPTH[method])


def body_of(case) -> object:
    return None if case.body is schemathesis.core.NOT_SET else case.body


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
answers = st.sampled_from([ONE, OTHER])
# Right bodies, and every kind of nearly right ones.
right = st.builds(lambda one, done: {**one, "is_onboarded": done}, answers, st.booleans())
bodies = st.one_of(
    right,
    right,
    right,
    st.builds(
        lambda one, name, value: {**one, name: value},
        answers,
        st.sampled_from([*ONE, "is_onboarded", "user_id", "created_at"]) | st.text(max_size=9),
        json_values | st.sampled_from(["None", "Beginner", "None\0", "Beginner\ud800"]),
    ),
    json_values,
)


@st.composite
def raw_bodies(draw) -> bytes:
    data = json.dumps(draw(bodies), ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")
    match draw(st.integers(0, 9)):
        case 0:
            at = draw(st.integers(0, len(data)))
            return data[:at] + draw(st.binary(max_size=4)) + data[at + draw(st.integers(0, 4)) :]
        case 1:
            # Whatever it is, once more.
            return data[:-1] + b"," + data[1:]
    return data


types = st.sampled_from(
    [
        *["application/json"] * 8,
        "application/json; charset=UTF-8",
        "text/plain",
        "application/json;;",
    ]
)


def test_calls_that_no_document_has_words_for(operations, windows, settings, request):
    operation, seen = operations["PUT"], Counter()

    @quietly(request.config.getoption("--cases") // 2)
    @given(raw_bodies(), types, st.sampled_from(STATES), st.data())
    def call(body, kind, state, data):
        headers = {"Content-Type": kind, "Origin": settings.app_origin}
        headers.update(windows.conditions(data.draw, state))
        answer = windows.call(state, "PUT", headers, data=body)
        operation.validate_response(answer)
        seen[answer.status_code] += 1

    call()
    held(seen, RAW_DEPTH)
