"""Every route × every state of a visitor × every way of asking: where it ends, and that it ends."""

from dataclasses import replace
from itertools import product
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from onboarding import create_app
from onboarding.identity import Standing
from onboarding.web.access import AREAS, Area, Kind, Verdict, area_of, decide
from tests.visitor import Visitor, page
from tests.web.conftest import STATES

PATHS = {
    "profile.home": "/",
    "profile.page": "/profile",
    "signed_out.page": "/signed-out",
    "wizard.start": "/onboarding/",
    "wizard.question": "/onboarding/developer-role",
    "wizard.answer": "/onboarding/python-proficiency",
    "wizard.review": "/onboarding/review",
    "wizard.confirm": "/onboarding/review",
    "health.alive": "/healthz",
    "health.ready": "/readyz",
    "files.file": "/static/style.css",
    "api.read": "/api/profile",
    "api.save": "/api/profile",
    "api.document": "/api/openapi.json",
}
POSTS = {"wizard.answer", "wizard.confirm"}

OUT = {"signed out", "expired", "revoked"}
# The main site takes these for signed in; sent to its sign-in page, they might come straight back.
EXPLAINED = {"forged": "unverified", "banned": "banned", "anonymous": "anonymous"}
OPEN_TO_ALL = {
    "signed_out.page": (401, "/signed-out"),
    "health.alive": (200, "/healthz"),
    "health.ready": (200, "/readyz"),
    "files.file": (200, "/static/style.css"),
    "api.document": (200, "/api/openapi.json"),
}
SIGN_IN = "the main site's sign-in page"


def end_of(endpoint: str, state: str, framed: bool) -> tuple[int, str]:
    """Where a visitor must end up: the last status and path."""
    if endpoint in OPEN_TO_ALL:
        return OPEN_TO_ALL[endpoint]
    if endpoint.startswith("api."):
        return call_status(endpoint, state), "/api/profile"
    if state in OUT or state in EXPLAINED:
        to_signed_out = framed or endpoint in POSTS or state in EXPLAINED
        return (401, "/signed-out") if to_signed_out else (303, SIGN_IN)
    if state == "onboarded":
        return 200, "/profile"
    if state == "draft":
        if endpoint == "wizard.confirm":
            return 200, "/profile"
        return 200, PATHS[endpoint] if endpoint == "wizard.question" else "/onboarding/review"
    # No row yet, also for the impersonated: the first question is open.
    if endpoint == "wizard.question":
        return 200, "/onboarding/developer-role"
    if endpoint in POSTS and state == "impersonated":
        return 403, PATHS[endpoint]
    if endpoint == "wizard.answer":
        return 200, "/onboarding/developer-role"
    return 200, "/onboarding/python-proficiency"


def call_status(endpoint: str, state: str) -> int:
    """What a call of the API must answer: never a redirect, wherever the call comes from."""
    if state in OUT or state in EXPLAINED:
        return 401
    if endpoint == "api.read":
        return 200
    return 403 if state == "impersonated" else 422


def follow(visitor, endpoint: str) -> tuple[int, str]:
    """Ask for an endpoint and follow every redirect, as a browser does, until one isn't ours."""
    if endpoint == "api.save":
        answer = visitor.put({})
    elif endpoint in POSTS:
        answer = visitor.post(
            PATHS[endpoint],
            {"python_proficiency": "Beginner"} if endpoint == "wizard.answer" else {},
        )
    else:
        answer = visitor.get(PATHS[endpoint])
    path, seen = PATHS[endpoint], set()
    while "Location" in answer.headers:
        assert answer.status_code == 303
        target = answer.headers["Location"]
        if target.startswith("http"):
            return answer.status_code, SIGN_IN
        assert target not in seen, f"a loop over {seen}"
        seen.add(target)
        path = urlsplit(target).path
        answer = visitor.get(target)
    return answer.status_code, path


@pytest.mark.parametrize("framed", [False, True], ids=["top", "frame"])
@pytest.mark.parametrize("state", STATES)
def test_every_route_ends_where_it_must_and_nothing_loops(in_state, state, framed):
    headers = {"Sec-Fetch-Dest": "iframe"} if framed else {}
    ends, expected = {}, {}
    for endpoint in PATHS:
        visitor = in_state(state, **headers)
        ends[endpoint] = follow(visitor, endpoint)
        expected[endpoint] = end_of(endpoint, state, framed)
    assert ends == expected


@pytest.mark.parametrize(("state", "reason"), EXPLAINED.items())
def test_who_is_kept_out_though_the_main_site_takes_them_for_signed_in_is_told_why(
    in_state, state, reason
):
    answer = in_state(state).get("/profile")
    target = urlsplit(answer.headers["Location"])
    assert target.path == "/signed-out"
    assert parse_qs(target.query) == {"next": ["/profile"], "reason": [reason]}
    texts = {
        why: page(in_state("signed out").get(f"/signed-out?reason={why}")).main.get_text()
        for why in (*EXPLAINED.values(), "nonsense")
    }
    assert len(set(texts.values())) == 4
    assert "suspended" in texts["banned"]
    assert "guest" in texts["anonymous"]
    assert "verify" in texts["unverified"]


def test_every_route_has_a_door_and_a_place_in_this_table(app):
    assert set(app.view_functions) == set(AREAS) == set(PATHS)


def test_a_route_that_nobody_listed_is_guarded():
    assert area_of("a.route.added.in.a.hurry") is Area.PROFILE


def test_the_decision_is_total():
    for area, standing, kind in product(Area, Standing, Kind):
        verdict = decide(area, standing, kind)
        if area in (Area.OPEN, Area.PROBE):
            assert verdict is Verdict.LET_IN
        if verdict is Verdict.SIGN_IN:
            assert kind is Kind.TOP
        if area is Area.API:
            signed_in = standing in (Standing.NOT_ONBOARDED, Standing.ONBOARDED)
            assert verdict is (Verdict.LET_IN if signed_in else Verdict.UNAUTHORIZED)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_the_gate_stands_before_every_safe_method(visitor, method):
    answer = visitor().request(method, "/profile")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("http://localhost")


def test_the_sign_in_page_gets_the_address_to_come_back_to(visitor, stage, settings):
    answer = visitor().get("/onboarding/developer-role?python_proficiency=Beginner")
    target = urlsplit(answer.headers["Location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == settings.sign_in_url
    assert parse_qs(target.query) == {
        "callbackURL": [f"{stage.app.url}/onboarding/developer-role?python_proficiency=Beginner"]
    }


def test_the_wanted_page_is_kept_for_afterwards(visitor, ada):
    answer = visitor(ada).get("/profile?tab=2&return_to=http://evil.example")
    target = urlsplit(answer.headers["Location"])
    assert target.path == "/onboarding/"
    assert parse_qs(target.query) == {"next": ["/profile?tab=2"]}


def test_a_form_of_somebody_signed_out_meanwhile_keeps_its_answer(visitor):
    answer = visitor().post(
        "/onboarding/developer-role?python_proficiency=Beginner", {"developer_role": "None"}
    )
    target = urlsplit(answer.headers["Location"])
    assert (answer.status_code, target.path, target.fragment) == (303, "/signed-out", "h")
    kept = urlsplit(parse_qs(target.query)["next"][0])
    assert kept.path == "/onboarding/developer-role"
    assert parse_qs(kept.query) == {"python_proficiency": ["Beginner"], "developer_role": ["None"]}


def test_the_signed_out_page_leads_to_sign_in_outside_the_frame(visitor, stage):
    answer = visitor().get("/signed-out?next=/onboarding/?python_proficiency=Beginner")
    link = page(answer).find("a", class_="button")
    assert link["target"] == "_top"
    assert parse_qs(urlsplit(link["href"]).query)["callbackURL"] == [
        f"{stage.app.url}/onboarding/?python_proficiency=Beginner"
    ]


def test_a_guest_is_told_to_create_an_account(in_state):
    visitor = in_state("anonymous")
    answer = visitor.get(visitor.get("/profile").headers["Location"])
    assert "guest" in page(answer).main.text


def test_an_impersonated_person_may_be_looked_at_but_not_answered_for(in_state):
    visitor = in_state("impersonated")
    both = {"python_proficiency": "Beginner", "developer_role": "None"}
    review = page(visitor.get("/onboarding/review?" + urlencode(both)))
    assert review.find("button") is None
    assert "administrator" in review.main.text
    for path in ("/onboarding/review", "/onboarding/developer-role?python_proficiency=Beginner"):
        answer = visitor.post(path, both)
        assert answer.status_code == 403
        assert "administrator" in page(answer).main.text
    assert visitor.get("/onboarding/").headers["Location"] == "/onboarding/python-proficiency"


def test_two_valid_cookies_of_two_people_are_refused(visitor, sign_up, caplog):
    one, other = sign_up(), sign_up()
    answer = visitor().get("/profile", {"Cookie": f"{one.cookie}; {other.cookie}"})
    assert answer.status_code == 400
    assert "two valid session cookies" in caplog.text
    assert one.token not in caplog.text


@pytest.mark.parametrize(
    "host", ["a..b", ".x", "x" * 70, f"{'a' * 70}.com", "localhost/x", "localhost?x", "", "[", "é"]
)
def test_a_host_name_that_is_none_is_refused_with_a_page(visitor, host):
    answer = visitor().get("/profile", {"Host": host})
    assert answer.status_code == 400
    assert page(answer).h1


def test_another_host_name_is_refused_except_for_probes(visitor):
    foreign = {"Host": "evil.example"}
    assert visitor().get("/signed-out", foreign).status_code == 400
    assert visitor().get("/profile", foreign).status_code == 400
    assert visitor().get("/nowhere", foreign).status_code == 400
    assert visitor().get("/healthz", {"Host": "10.0.0.7:8000"}).status_code == 200
    assert visitor().get("/readyz", {"Host": "10.0.0.7:8000"}).status_code == 200


STEERING = {
    "Forwarded": "host=evil.example;proto=https",
    "SCRIPT_NAME": "/evil",
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Server": "evil.example",
    "X-HTTP-Method": "DELETE",
    "X-HTTP-Method-Override": "DELETE",
    "X-Host": "evil.example",
    "X-Method-Override": "DELETE",
    "X-Original-URL": "/healthz",
    "X-Rewrite-URL": "/healthz",
    "X-Script-Name": "/evil",
}
A_PROXYS = {"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}


@pytest.mark.parametrize("name", STEERING)
def test_headers_that_only_a_proxy_may_set_have_no_effect(visitor, name):
    header = {name: STEERING[name]}
    plain, steered = visitor().get("/profile"), visitor().get("/profile", header)
    assert steered.status_code == plain.status_code == 303
    assert steered.headers["Location"] == plain.headers["Location"]


def test_behind_a_proxy_only_its_own_three_count_and_of_each_the_last_word(settings):
    app = create_app(replace(settings, forwarded_proxies=1))
    window = Visitor(app, None, {})
    host, plain = window.origin.partition("//")[2], window.get("/profile")
    others = {name: value for name, value in STEERING.items() if name not in A_PROXYS}
    for headers in (others, {"X-Forwarded-Host": f"evil.example, {host}"}):
        steered = window.get("/profile", headers)
        assert steered.status_code == plain.status_code == 303
        assert steered.headers["Location"] == plain.headers["Location"]
    assert window.get("/profile", {"X-Forwarded-Host": f"{host}, evil.example"}).status_code == 400
    app.extensions["onboarding"].database.engine.dispose()


def test_no_parameter_chooses_another_method(visitor, ada, stage):
    for method in ("PUT", "DELETE", "GET"):
        query = f"?_method={method}&python_proficiency=Advanced"
        assert visitor(ada).get(f"/onboarding/developer-role{query}").status_code == 200
        answer = visitor(ada).post(
            "/onboarding/python-proficiency", {"python_proficiency": "Advanced", "_method": method}
        )
        assert answer.status_code == 303
    assert stage.sql("SELECT 1 FROM user_profile WHERE user_id = %s", ada.user_id) == []


def test_the_front_door_keeps_the_query_and_cannot_be_steered_by_it(visitor):
    query = "?return_to=http://a.example&_external=1&_scheme=javascript&_anchor=x&_method=POST"
    assert visitor().get(f"/{query}").headers["Location"] == f"/profile{query}"


@pytest.mark.parametrize(
    ("path", "status"), [("/onboarding", 303), ("//profile", 303), ("//evil.example/profile", 404)]
)
def test_no_address_is_mended_by_an_absolute_redirect(visitor, ada, path, status):
    answer = visitor(ada).request("GET", "/", environ_overrides={"PATH_INFO": path})
    assert answer.status_code == status
    assert answer.headers.get("Location", "/onboarding/").startswith("/onboarding/")


def test_the_longest_return_address_still_fits_every_hop(visitor, ada, stage):
    back = f"{stage.site.url}/" + "?a=b&c" * 160
    window = visitor(ada, **{"Sec-Fetch-Dest": "iframe"})
    for visits in (window, visitor(**{"Sec-Fetch-Dest": "iframe"})):
        answer = visits.get(f"/?{urlencode({'return_to': back})}")
        while "Location" in answer.headers:
            assert len(answer.headers["Location"]) < 8000
            answer = visits.get(answer.headers["Location"])
        assert answer.status_code in (200, 401)


def test_a_first_load_takes_no_focus(visitor):
    assert "#" not in visitor(**{"Sec-Fetch-Dest": "iframe"}).get("/profile").headers["Location"]


def test_a_path_below_the_profile_is_nobodys_page(in_state):
    answer = in_state("onboarded").get("/profile/x.css")
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store, no-transform"


@pytest.mark.parametrize(
    ("headers", "answers", "leads_to"),
    [
        ({"Sec-Fetch-Dest": "iframe"}, "", "the page around"),
        ({"Sec-Fetch-Dest": "iframe"}, "&python_proficiency=Beginner", "our page"),
        ({}, "", "our page"),
    ],
    ids=["frame", "frame, with an answer to keep", "top"],
)
def test_signing_in_leads_back_to_where_nothing_is_lost(visitor, stage, headers, answers, leads_to):
    around = f"{stage.site.url}/setup"
    window = visitor(**headers)
    asked = f"/onboarding/developer-role?return_to={around}{answers}"
    answer = window.get(window.post(asked, {}).headers["Location"])
    back = parse_qs(urlsplit(page(answer).find("a", class_="button")["href"]).query)["callbackURL"][
        0
    ]
    if leads_to == "the page around":
        assert back == around
    else:
        assert back.startswith(f"{stage.app.url}/onboarding/developer-role?")
        assert parse_qs(urlsplit(back).query)["return_to"] == [around]
