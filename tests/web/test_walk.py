"""Every route × every state of a visitor × every kind of request: where it ends, and that it ends."""

from collections.abc import Iterator
from itertools import product
from urllib.parse import urlencode

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from onboarding.web.areas import AREAS, Area, area_of
from tests.browser import Browser, page
from tests.questionnaires import insert_profile, some_answers
from tests.web.conftest import FRAMED, REASONS, STATES, Site

SAFE = {"GET", "HEAD", "OPTIONS"}
MOST_HOPS = 3
OWN_STATUS = {"signed_out.page": 401}


def urls_of(rule: Rule, site: Site) -> Iterator[str]:
    """Return the URLs of a rule: one for each question where it has a question."""
    with site.app.test_request_context():
        for question in site.questionnaire if "question" in rule.arguments else [None]:
            values = {"question": question, "filename": "style.css"}
            yield rule.build({name: values[name] for name in rule.arguments})[1]


def send(browser: Browser, method: str, url: str) -> TestResponse:
    """Send a request as our pages or an allowed caller do: without answers, but with every proof."""
    if method == "PUT":
        return browser.put({})
    return browser.post(url) if method == "POST" else browser.request(method, url)


def follow(browser: Browser, response: TestResponse) -> tuple[int, str]:
    """Follow redirects on our own site; return the last status and path."""
    for _ in range(MOST_HOPS + 1):
        target = response.headers.get("Location", "http")
        if target.startswith("http"):
            return response.status_code, response.request.path
        assert response.status_code == 303
        response = browser.get(target)
    pytest.fail(f"more than {MOST_HOPS} redirects, the last to {target}")


def end_of(endpoint: str, method: str, url: str, state: str, framed: bool, site: Site):
    """Return the status and the path at which a visitor must end."""
    area = area_of(endpoint)
    if area in (Area.ANY_HOST, Area.OPEN) and endpoint != "continue_page.page":
        return OWN_STATUS.get(endpoint, 200), url
    is_write = method not in SAFE
    if area is Area.API:
        if state in REASONS:
            return 401, url
        return (403 if state == "impersonated" else 422) if is_write else 200, url
    if state in REASONS:
        explained = framed or is_write or REASONS[state]
        # Without a `return_to` the page between goes on to the profile.
        wanted = "/" if endpoint == "continue_page.page" else url
        return (401, "/signed-out") if explained else (303, wanted)
    if state == "onboarded":
        return 200, "/profile"
    if state == "impersonated" and is_write:
        return 403, url
    if endpoint in ("wizard.question", "wizard.answer"):
        return 200, url
    if state != "draft":
        return 200, site.question_urls[0]
    return 200, "/profile" if endpoint == "wizard.confirm" else "/onboarding/review"


@pytest.mark.parametrize("state", STATES)
def test_every_request_ends_where_it_must_and_nothing_loops(site, state):
    reader = site.browser(state)
    ends, expected = {}, {}
    for rule in site.app.url_map.iter_rules():
        for url, method in product(urls_of(rule, site), rule.methods - {"HEAD", "OPTIONS"}):
            for framed in [False, True] if method in SAFE else [False]:
                browser = reader if method in SAFE else site.browser(state)
                if framed:
                    browser = Browser(site.app, reader.user, FRAMED)
                key = (rule.endpoint, method, url, framed)
                ends[key] = follow(browser, send(browser, method, url))
                expected[key] = end_of(rule.endpoint, method, url, state, framed, site)
    assert ends == expected


def test_every_endpoint_has_an_area_and_every_area_an_endpoint(app):
    assert set(app.view_functions) == set(AREAS)
    assert set(AREAS.values()) == set(Area)


def test_an_impersonated_session_may_look_and_write_nothing(site):
    window = site.browser("impersonated")
    areas, answers = set(), some_answers(site.questionnaire)
    review = page(window.get(f"/onboarding/review?{urlencode(answers)}"))
    assert "administrator" in review.main.text
    assert review.find("button") is None
    for rule in site.app.url_map.iter_rules():
        for method, url in product(rule.methods - SAFE, urls_of(rule, site)):
            areas.add(area_of(rule.endpoint))
            response = window.put(answers) if method == "PUT" else window.post(url, answers)
            assert response.status_code == 403, (method, url)
            assert "administrator" in response.text
    # Nobody is looked up in the others, so they can't tell who writes.
    assert areas == {Area.WIZARD, Area.API}
    assert site.row(window.user) is None


def test_a_view_that_somebody_adds_in_a_hurry_is_guarded_like_the_profile(make_app, default_site):
    app = make_app()
    app.add_url_rule("/new", "new", lambda: "done", methods=["POST"])
    window, other, seen = (
        Browser(app, default_site.user(state), {})
        for state in ("onboarded", "onboarded", "impersonated")
    )
    assert window.post("/new").text == "done"
    assert window.post("/new", headers={"Origin": "https://evil.example"}).status_code == 403
    assert Browser(app, None, {}).post("/new").status_code == 303
    answers = some_answers(default_site.questionnaire)
    insert_profile(default_site.connection, seen.user.id, answers, is_onboarded=True)
    assert seen.post("/new").status_code == 403
    foreign = app.extensions["onboarding"].csrf.issue(other.user.token)
    for token in ("", "x", foreign):
        assert window.post("/new", {"csrf_token": token}).status_code == 403
    stale = window.post("/new", {"csrf_token": default_site.stale_token(window.user)})
    assert stale.headers["Location"] == "/new?problem=stale#problem"
