"""The API for the main site: shapes, versions, who may call, and from which origins."""

from datetime import UTC, datetime

import pytest

from tests.browser import Browser, headers_without_date
from tests.questionnaires import other_answers, some_answers
from tests.web.conftest import REASONS, STATES, Site

FINAL = {"is_onboarded": True}


def bodies(site: Site) -> tuple[dict[str, str], dict[str, str]]:
    """Return two bodies that differ in every answer."""
    return some_answers(site.questionnaire), other_answers(site.questionnaire)


def test_somebody_without_a_row_has_a_profile_of_nulls(site):
    window, names = site.browser(), site.questionnaire.names
    response = window.get("/api/profile")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert list(response.json.items()) == [
        ("user_id", window.user.id),
        ("is_onboarded", False),
        *((name, None) for name in names),
        ("missing", list(names)),
        ("created_at", None),
        ("updated_at", None),
    ]


def test_what_was_answered_in_the_wizard_is_read_here(site):
    window, answers = site.browser(), some_answers(site.questionnaire)
    window.finish(answers)
    profile = window.get("/api/profile").json
    ((created, updated),) = site.connection.execute(
        "SELECT created_at, updated_at FROM user_profile WHERE user_id = %s", [window.user.id]
    )
    assert profile == {
        "user_id": window.user.id,
        "is_onboarded": True,
        **answers,
        "missing": [],
        "created_at": f"{created:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{updated:%Y-%m-%dT%H:%M:%SZ}",
    }
    age = datetime.now(UTC) - datetime.fromisoformat(profile["updated_at"])
    assert abs(age.total_seconds()) < 60


def test_a_draft_is_saved_then_changed_then_completed_for_good(site):
    window, (one, other) = site.browser(), bodies(site)
    bodies_sent = (one, {**other, "is_onboarded": False}, *[{**other, **FINAL}] * 2, other)
    responses = [window.put(body) for body in (*bodies_sent, {**one, **FINAL}, one)]
    assert [each.status_code for each in responses] == [201, 200, 200, 200, 200, 409, 409]
    assert [each.json["is_onboarded"] for each in responses[:5]] == [False, False, *[True] * 3]
    final = window.get("/api/profile").json
    assert final == responses[2].json == responses[4].json == responses[5].json["profile"]
    assert site.row(window.user) == {**other, "is_onboarded": True}
    assert window.get("/profile").status_code == 200
    at_once = site.browser().put({**one, **FINAL})
    assert (at_once.status_code, at_once.json["is_onboarded"]) == (201, True)


def test_every_profile_has_a_version_which_is_sent_once(site):
    window, (one, _), etags = site.browser(), bodies(site), set()
    etags.add(site.browser().get("/api/profile").headers["ETag"])
    for count, body in enumerate((None, one, {**one, **FINAL}), 2):
        saved = window.put(body) if body else None
        got = window.get("/api/profile", {"If-None-Match": '"other"'})
        assert got.status_code == 200
        head = window.request("HEAD", "/api/profile")
        assert headers_without_date(head) == headers_without_date(got)
        etag = got.headers["ETag"]
        assert saved is None or saved.headers["ETag"] == etag
        etags.add(etag)
        assert len(etags) == count
        for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            response = window.get("/api/profile", {"If-None-Match": known})
            assert (response.status_code, response.data) == (304, b"")
            for name in ("ETag", "Cache-Control", "Vary"):
                assert response.headers[name] == got.headers[name]
    assert got.headers["Cache-Control"] == "private, no-cache"
    assert got.headers["Vary"] == "Cookie, Origin"


CONDITIONS = {
    # What it names: the statuses without a row and with one. RFC 9110, 13.1.1: strong comparison.
    "If-Match": {"{etag}": (201, 200), "*": (412, 200), '"other"': (412, 412)}
    | dict.fromkeys(("W/{etag}", "", '""', ",", '"unfinished', "\u00e9"), (412, 412)),
    "If-None-Match": {"*": (201, 412), '"other"': (201, 200)}
    | dict.fromkeys(("{etag}", "W/{etag}"), (412, 412)),
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_is_kept(site, condition):
    one, other = bodies(site)
    for named, statuses in CONDITIONS[condition].items():
        for state, body, status in zip(("no row", "draft"), (one, other), statuses, strict=True):
            window = site.browser(state)
            before, etag = site.row(window.user), window.get("/api/profile").headers["ETag"]
            response = window.put(body, {condition: named.format(etag=etag)})
            assert response.status_code == status, named
            saved = before if status == 412 else {**body, "is_onboarded": False}
            assert site.row(window.user) == saved


def test_a_save_whose_response_was_lost_may_be_sent_again_with_its_condition(site):
    window, (one, other) = site.browser(), bodies(site)
    condition = {"If-Match": window.get("/api/profile").headers["ETag"]}
    assert window.put({**one, **FINAL}, condition).status_code == 201
    again = window.put({**one, **FINAL}, condition)
    assert (again.status_code, again.json["is_onboarded"]) == (200, True)
    assert window.put({**other, **FINAL}, condition).status_code == 412
    assert site.row(window.user) == {**one, "is_onboarded": True}


@pytest.mark.parametrize("state", STATES)
def test_whoever_is_out_is_told_why(site, state):
    window = site.browser(state)
    for response in (window.get("/api/profile"), window.put(some_answers(site.questionnaire))):
        assert (response.status_code == 401) == (state in REASONS)
        if state in REASONS:
            assert response.mimetype == "application/problem+json"
            assert response.json["reason"] == (REASONS[state] or "signed-out")
            assert response.headers["Cache-Control"] == "no-store"


# Origins

DOCS = "https://docs.example.com"


@pytest.fixture
def listed(make_app):
    return make_app(embed_origins=(DOCS,))


def test_pages_of_the_listed_origins_may_read_and_save(listed, default_site):
    window, (one, _) = Browser(listed, default_site.user(), {}), bodies(default_site)
    for origin in (DOCS, default_site.settings.site_origin, default_site.settings.app_origin):
        caller = {"Origin": origin}
        responses = [
            window.put(one, {**caller, "Sec-Fetch-Site": "cross-site"}),
            window.get("/api/profile", caller),
            window.put({}, caller),
            window.get("/api/nowhere", caller),
            window.request("DELETE", "/api/profile", caller),
        ]
        assert [each.status_code for each in responses][1:] == [200, 422, 404, 405]
        for response in responses:
            assert response.headers["Access-Control-Allow-Origin"] == origin
            assert response.headers["Access-Control-Allow-Credentials"] == "true"
            assert response.headers["Vary"] == "Cookie, Origin"
            assert "ETag" in response.headers["Access-Control-Expose-Headers"]
    assert default_site.row(window.user) == {**one, "is_onboarded": False}


OTHERS = [None, "", "null", "*", "https://evil.example", f"{DOCS}.evil.example", DOCS.upper()]
OTHERS += ["http://docs.example.com", f"{DOCS}:8443", f"{DOCS}/", f"{DOCS}, {DOCS}"]


@pytest.mark.parametrize("origin", OTHERS)
def test_pages_of_other_origins_may_neither_read_nor_save(listed, default_site, origin):
    window, (one, _) = Browser(listed, default_site.user(), {}), bodies(default_site)
    caller = {"Origin": origin}
    responses = [
        window.get("/api/profile", caller),
        window.put({**one, **FINAL}, {**caller, "Sec-Fetch-Site": "same-origin"}),
        window.request("OPTIONS", "/api/profile", caller),
    ]
    assert [response.status_code for response in responses] == [200, 403, 200]
    assert responses[1].mimetype == "application/problem+json"
    for response in responses:
        assert not any(name.startswith("Access-Control") for name in dict(response.headers))
        assert response.headers["Vary"] == "Cookie, Origin"
    assert default_site.row(window.user) is None


def test_a_preflight_needs_no_cookie(default_site):
    nobody = default_site.browser("signed out")
    preflight = {
        "Origin": default_site.settings.site_origin,
        "Access-Control-Request-Method": "PUT",
    }
    response = nobody.request("OPTIONS", "/api/profile", preflight)
    assert (response.status_code, response.data) == (200, b"")
    allowed = response.headers["Access-Control-Allow-Methods"]
    assert "PUT" in allowed
    assert allowed == response.headers["Allow"]
    names = response.headers["Access-Control-Allow-Headers"]
    assert names == "Content-Type, If-Match, If-None-Match"


def test_slashes_before_a_path_change_nothing(default_site):
    origin = default_site.settings.site_origin
    window = default_site.browser(Origin=origin)
    for method, path in (("GET", "/api/profile"), ("OPTIONS", "/api/profile"), ("GET", "/api/no")):
        responses = [window.request(method, slashes + path) for slashes in ("", "/", "//")]
        assert len({response.status_code for response in responses}) == 1
        for response in responses:
            # A second may end between them.
            response.headers.pop("Date", None)
        first, *others = (sorted(response.headers) for response in responses)
        assert others == [first, first]
        assert ("Access-Control-Allow-Origin", origin) in first
