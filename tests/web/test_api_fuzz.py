"""The API under generated calls: each response is one that the OpenAPI document lists, and no 5xx.

schemathesis makes calls from the document, right ones and wrong ones; hypothesis makes what no
document has words for. Each call comes with a valid session, to a profile in a state of its own.
"""

import json
from collections import Counter

import openapi_spec_validator
import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator.validation import OpenAPIV31SpecValidator
from schemathesis import GenerationMode

from tests.questionnaires import ODD, other_answers, some_answers
from tests.web.fuzzing import Users, check_depth, examples

STATES = ("no row", "draft", "onboarded")
# The method, the share of all calls, and the least share of each status among them.
DEPTH = {
    "read": ("GET", 0.1, {200: 0.2, 304: 0.02}),
    "save": (
        *("PUT", 0.5),
        {200: 0.01, 201: 0.02, 400: 0.05, 403: 0.003, 409: 0.005, 412: 0.05, 422: 0.02},
    ),
    "raw": ("PUT", 0.5, {201: 0.01, 400: 0.03, 403: 0.01, 412: 0.01, 415: 0.02, 422: 0.1}),
}


def test_the_document_is_openapi_3_1_and_lists_every_call(site):
    nobody = site.browser("signed out", Origin="https://anybody.example")
    response = nobody.get("/api/openapi.json")
    openapi_spec_validator.validate(response.json, cls=OpenAPIV31SpecValidator)
    listed = {
        (path, method.upper())
        for path, methods in response.json["paths"].items()
        for method in methods
    }
    real = {
        (rule.rule, method)
        for rule in site.app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and rule.endpoint != "api.document"
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert listed == real
    known = {"If-None-Match": response.headers["ETag"]}
    assert nobody.get("/api/openapi.json", known).status_code == 304


def conditions(draw: st.DrawFn, users: Users, state: str) -> dict[str, str]:
    """Return some conditions, often on the version that the profile has."""
    names = draw(st.sampled_from([[], ["If-Match"], ["If-None-Match"]]))
    if not names:
        return {}
    version = users.windows[state].get("/api/profile").headers["ETag"]
    return {names[0]: draw(st.sampled_from([version, version, "*", '"other"', f"W/{version}"]))}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
answers = st.sampled_from([some_answers(ODD), other_answers(ODD)])
right = st.builds(lambda one, done: {**one, "is_onboarded": done}, answers, st.booleans())
nearly_right = st.builds(
    lambda one, name, value: {**one, name: value},
    answers,
    st.sampled_from([*ODD.names, "is_onboarded", "user_id"]) | st.text(max_size=9),
    json_values | st.sampled_from(["None", "None\0", "None\ud800"]),
)
bodies = st.one_of(right, right, right, nearly_right, json_values)


@st.composite
def raw_bodies(draw: st.DrawFn) -> bytes:
    data = json.dumps(draw(bodies), ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")
    match draw(st.integers(0, 9)):
        case 0:
            at = draw(st.integers(0, len(data)))
            return data[:at] + draw(st.binary(max_size=4)) + data[at + draw(st.integers(0, 4)) :]
        case 1:
            # Whatever it is, once more.
            return data[:-1] + b"," + data[1:]
    return data


JSON = "application/json"
types = st.sampled_from([*[JSON] * 8, f"{JSON}; charset=UTF-8", "text/plain", f"{JSON};;"])


# Headers, a body and its type.
raw_calls = st.tuples(st.just({}), raw_bodies(), types)


def calls_from(described) -> st.SearchStrategy:
    """Return calls made from an operation's description, right ones and wrong ones."""

    def parts(case) -> tuple[dict[str, str], object, str | None]:
        body = None if case.body is schemathesis.core.NOT_SET else case.body
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return dict(case.headers or {}), body, case.media_type

    wrong = GenerationMode.NEGATIVE
    # The second of the wrong ones are wrong in their bodies alone.
    return st.one_of(
        described.as_strategy(),
        described.as_strategy(generation_mode=wrong),
        described.as_strategy(generation_mode=wrong, headers={}),
    ).map(parts)


@pytest.mark.slow
@pytest.mark.parametrize("kind", DEPTH)
def test_generated_calls(sites, request, kind):
    site, (method, share, depth) = sites("odd"), DEPTH[kind]
    document = site.browser("signed out").get("/api/openapi.json").json
    described = schemathesis.openapi.from_dict(document)["/api/profile"][method]
    users, seen = Users(site, *STATES), Counter()
    calls = raw_calls if kind == "raw" else calls_from(described)

    @examples(int(request.config.getoption("--cases") * share))
    @given(calls, st.sampled_from(STATES), st.data())
    def call(made, state, data):
        headers, body, media_type = made
        # Mostly from our own page, often with a condition that means something.
        if data.draw(st.integers(0, 9)) < 9:
            headers["Origin"] = site.settings.app_origin
        if data.draw(st.booleans()):
            headers.pop("If-Match", None)
            headers.pop("If-None-Match", None)
            headers |= conditions(data.draw, users, state)
        more = {"data": body, "content_type": media_type} if method == "PUT" else {}
        response, is_changed = users.send(state, method, "/api/profile", headers, **more)
        described.validate_response(response)
        seen[response.status_code] += 1
        assert response.status_code < 400 or not is_changed

    call()
    check_depth(seen, depth)
