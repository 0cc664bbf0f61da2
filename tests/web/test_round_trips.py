"""What a request costs: statements, as the database's server logs them, and hops."""

from collections.abc import Callable

import pytest

from tests.questionnaires import other_answers, some_answers
from tests.web.conftest import FRAMED, Site

REVIEW = "/onboarding/review"


@pytest.fixture
def cost(server, site: Site) -> Callable[..., list[str]]:
    """Send a request and return the first word of each statement that the app sent for it."""

    def cost(send: Callable[..., object], *arguments: object) -> list[str]:
        # It looks at the main site's tables now, which it does from time to time anyway.
        assert site.app.extensions["onboarding"].identities.problems() == []
        before = server.log_size()
        send(*arguments)
        statements = server.statements("onboarding", after=before)
        return [statement.split()[0] for statement in statements]

    return cost


@pytest.mark.parametrize("state", ["no row", "draft", "onboarded"])
def test_a_signed_in_get_is_one_statement(cost, site, state):
    window = site.browser(state)
    for path in ("/", "/profile", "/onboarding/", *site.question_urls, REVIEW, "/api/profile"):
        assert cost(window.get, path) == ["SELECT"], path


def test_a_save_is_two_statements_and_an_answer_that_no_row_can_hold_is_one(cost, site):
    window, answers = site.browser(), some_answers(site.questionnaire)
    for question in site.questionnaire.questions[:-1]:
        form = {question.name: answers[question.name]}
        assert cost(window.post, f"/onboarding/{question.slug}", form) == ["SELECT"]
    assert cost(window.post, *site.last_form()) == ["SELECT", "INSERT"]
    assert cost(window.post, REVIEW, answers) == ["SELECT", "INSERT"]
    assert site.row(window.user) == {**answers, "is_onboarded": True}


def test_a_call_that_saves_is_two_statements_and_one_that_does_not_is_one(cost, site):
    window = site.browser()
    one, other = some_answers(site.questionnaire), other_answers(site.questionnaire)
    assert cost(window.put, one) == ["SELECT", "INSERT"]
    known = {"If-Match": window.get("/api/profile").headers["ETag"]}
    assert cost(window.put, other, known) == ["SELECT", "UPDATE"]
    for refused in ({}, {**one, "more": 1}):
        assert cost(window.put, refused) == ["SELECT"]
    assert cost(window.put, other) == ["SELECT"]


def test_what_needs_no_identity_and_what_is_refused_before_costs_no_statement(cost, site):
    window = site.browser()
    for path in ("/signed-out", "/healthz", "/static/style.css", "/nowhere", "/api/openapi.json"):
        assert cost(window.get, path) == [], path
    assert cost(window.request, "OPTIONS", "/api/profile") == []
    for forged in (site.browser("forged"), site.browser("signed out")):
        assert cost(forged.get, "/profile") == []
        assert cost(forged.post, REVIEW, {"csrf_token": "x"}) == cost(forged.put, {}) == []
    foreign = {"Origin": "https://evil.example"}
    assert cost(window.post, REVIEW, {}, foreign) == []
    assert cost(window.put, {}, foreign) == []


@pytest.mark.parametrize("headers", [{}, FRAMED], ids=["top", "frame"])
def test_a_newcomer_is_one_redirect_away_from_the_first_question(site, headers):
    for path in ("/", "/profile", "/onboarding/", "/onboarding", REVIEW):
        window = site.browser(**headers)
        response = window.get(window.get(path).headers["Location"])
        assert (response.status_code, response.request.path) == (200, site.question_urls[0]), path
