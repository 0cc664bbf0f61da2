"""Forms are taken from our own pages only, and only in the session that they were shown in."""

from dataclasses import replace

import pytest

from onboarding.web.csrf import CLOCK_SKEW_S, LIFETIME_S, CsrfTokens, TokenState
from tests.browser import Browser, page
from tests.questionnaires import some_answers
from tests.web.conftest import form_of, parts_of, redirect_of

REVIEW = "/onboarding/review"
SITES = ["same-site", "cross-site", "none", "", "same-origin, cross-site"]
ORIGINS = [None, "null", "https://evil.example", "http://localhost", "http://127.0.0.1:8000"]
FOREIGN = [{"Sec-Fetch-Site": site} for site in SITES] + [{"Origin": origin} for origin in ORIGINS]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_form_from_elsewhere_is_refused(site, headers):
    window = site.browser("draft")
    assert window.post(REVIEW, headers=headers).status_code == 403
    assert site.row(window.user)["is_onboarded"] is False


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin", "Origin": None}, {}])
def test_a_form_from_our_own_page_is_taken(site, headers):
    window = site.browser("draft")
    assert window.post(REVIEW, headers=headers).status_code == 303
    assert site.row(window.user)["is_onboarded"] is True


def test_a_form_without_the_one_token_of_its_session_is_refused(site):
    window, other = site.browser("draft"), site.user()
    tokens = site.app.extensions["onboarding"].csrf
    own, others = tokens.issue(window.user.token), tokens.issue(other.token)
    for token in ("", "x", others, [own, own], ["a", "b"]):
        assert window.post(REVIEW, {"csrf_token": token}).status_code == 403
        assert window.post(site.question_urls[0], {"csrf_token": token}).status_code == 403
    # Of another user, though the second half may be of this one.
    own = tokens.issue(window.user.token, window.user.id)
    for token in (tokens.issue(other.token, other.id), own.replace(".", ".x", 1)):
        assert window.post(REVIEW, {"csrf_token": token}).status_code == 403
    assert site.row(window.user)["is_onboarded"] is False


FRAME = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site", "Origin": "null"}
REASONS = {
    "its Sec-Fetch-Site is same-site": {"headers": {"Sec-Fetch-Site": "same-site"}},
    "its Sec-Fetch-Site is unknown": {"headers": {"Sec-Fetch-Site": "forged word"}},
    "it has no Origin": {"headers": {"Origin": None}},
    "its Origin is null": {"headers": {"Origin": "null"}},
    "its Origin isn't that of APP_URL": {"headers": {"Origin": "https://evil.example"}},
    "the sandbox of its frame lacks allow-same-origin": {"headers": FRAME},
    "it has no csrf_token": {"data": {"csrf_token": ""}},
    "its csrf_token isn't of this user": {"data": {"csrf_token": "evil"}},
}


def test_the_log_says_why_a_form_was_refused(make_app, default_site, log_lines):
    window = Browser(make_app(), default_site.user("draft"), {})
    for reason, sent in REASONS.items():
        response = window.post(REVIEW, **sent)
        line = log_lines()[-1]
        # What anybody can cause is told once in a while, with a count.
        count = "" if "data" in sent else " (1 since the last such line)"
        assert line["event"] == f"refused: {reason}{count}"
        assert (line["level"], line["status"], line["path"]) == ("info", 403, REVIEW)
        assert line["request_id"] in response.text
        assert "evil" not in str(line)


def test_a_refused_form_leads_back_with_its_answer(site):
    window, (url, form) = site.browser(), site.last_form()
    response = window.post(url, {"csrf_token": "x", **form})
    assert response.status_code == 403
    again = page(window.get(page(response).find("a", class_="button")["href"]))
    assert again.find("option", selected=True)["value"] in form.values()
    assert parts_of(again.form["action"])[1] == some_answers(site.questionnaire)


@pytest.mark.parametrize(
    "reason", ["too old, or a clock is wrong", "of another session of this user"]
)
def test_a_page_out_of_date_is_shown_again_with_its_answer_and_saves_nothing(
    site, log_lines, reason
):
    window, (url, form) = site.browser(), site.last_form()
    if "session" in reason:
        before = Browser(site.app, site.new_session(window.user), {})
        token = form_of(before.get(url))[1]["csrf_token"]
    else:
        token = site.stale_token(window.user)
    response = window.post(url, {"csrf_token": token, **form})
    assert (response.status_code, redirect_of(response)[2]) == (303, "problem")
    (line,) = log_lines()
    assert line["event"] == f"sent back: its csrf_token is {reason}"
    html = page(window.get(response.headers["Location"]))
    assert html.find("option", selected=True)["value"] in form.values()
    assert html.find(id="problem")
    assert site.row(window.user) is None
    assert redirect_of(window.post(html.form["action"], form))[0] == REVIEW


class TestTokens:
    now = 1_800_000_000.0

    @pytest.fixture
    def tokens(self):
        return CsrfTokens(b"k" * 32, clock=lambda: self.now)

    @pytest.mark.parametrize(("age", "sign"), [(LIFETIME_S, 1), (CLOCK_SKEW_S, -1)])
    def test_hold_for_a_day_and_whatever_clocks_differ_by(self, tokens, age, sign):
        token, issued = tokens.issue("a session"), self.now
        for late, state in ((0, TokenState.VALID), (1, TokenState.STALE)):
            self.now = issued + sign * (age + late)
            assert tokens.check(token, "a session", "a user") is state

    def test_prove_nothing_when_altered(self, tokens):
        whole = tokens.issue("a session", "a user")
        alone, _, of_user = whole.rpartition(".")
        for token, session in ((alone, "a session"), (f"{alone}.{of_user}", "another session")):
            for index, letter in ((i, x) for i in range(len(token)) for x in "0a.A"):
                altered = token[:index] + letter + token[index + 1 :]
                state = tokens.check(altered, session, "a user")
                assert state is not TokenState.VALID or altered == token
        for junk in ("", ".", "x.y", "0" * 10_000, "\x00", "é.é", "\ud800"):
            assert tokens.check(junk, "a session", "a user") is TokenState.INVALID


def test_the_key_is_hkdf_of_rfc_5869(settings):
    # Computed with the HKDF of the `cryptography` package.
    assert (
        replace(settings, secret="a" * 22).derive_key("label").hex()
        == "9cb04801f5d52f4a1fe81a3c4ff0b2d32774817b849301634fda6e6173957ec6"
    )
