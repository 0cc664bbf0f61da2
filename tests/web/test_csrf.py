"""Forms are taken from our own pages only, and only in the session they were shown in."""

from dataclasses import replace

import pytest

from onboarding.web.csrf import CLOCK_SKEW_S, LIFETIME_S, CsrfTokens, Proof
from onboarding.web.keys import derived_key
from onboarding.web.seldom import Seldom
from tests.visitor import page

SECRET = "a secret of the main site, 40 characters."
REVIEW = "/onboarding/review"


@pytest.fixture
def confirmed(visitor, ada, stage):
    """Post the confirmation with some headers and fields; give the status and whether it was saved."""

    def confirmed(headers=None, data=None):
        visitor(ada).answer()
        answer = visitor(ada).post(REVIEW, data, headers)
        rows = stage.sql("SELECT is_onboarded FROM user_profile WHERE user_id = %s", ada.user_id)
        return answer.status_code, rows[0][0]

    return confirmed


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": ""},
        {"Sec-Fetch-Site": "same-origin, cross-site"},
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1:8000"},
    ],
    ids=str,
)
def test_a_form_from_elsewhere_is_refused(confirmed, headers):
    assert confirmed(headers) == (403, False)


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin", "Origin": None}, {}], ids=str
)
def test_a_form_from_our_own_page_is_taken(confirmed, headers):
    assert confirmed(headers) == (303, True)


def test_a_refused_form_costs_no_query(stage, visitor, ada):
    before = stage.server.log_size()
    visitor(ada).post(REVIEW, {}, {"Origin": "https://evil.example"})
    assert stage.server.statements("onboarding", after=before) == []


REASONS = {
    "its Sec-Fetch-Site is same-site": ({"Sec-Fetch-Site": "same-site"}, None),
    "its Sec-Fetch-Site is another word": ({"Sec-Fetch-Site": "forged word"}, None),
    "it has no Origin": ({"Origin": None}, None),
    "its Origin is null": ({"Origin": "null"}, None),
    "its Origin isn't that of APP_URL": ({"Origin": "https://evil.example"}, None),
    "the sandbox of its frame lacks allow-same-origin": (
        {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site", "Origin": "null"},
        None,
    ),
    "it has no csrf_token": ({}, {"csrf_token": ""}),
    "its csrf_token isn't of this session": ({}, {"csrf_token": "evil"}),
}


@pytest.mark.parametrize(("reason", "sent"), REASONS.items(), ids=REASONS)
def test_the_log_says_why_a_form_was_refused(
    visitor, ada, app, log_lines, monkeypatch, reason, sent
):
    headers, data = sent
    # Of other tests' forms nothing is known.
    parts = replace(app.extensions["onboarding"], seldom=Seldom())
    monkeypatch.setitem(app.extensions, "onboarding", parts)
    answer = visitor(ada).post(REVIEW, data, headers)
    assert answer.status_code == 403
    (line,) = log_lines()
    counted = "" if data else " (1 since the last such line)"
    assert line["event"] == f"refused: {reason}{counted}"
    assert (line["level"], line["status"], line["path"]) == ("info", 403, REVIEW)
    assert line["request_id"] in answer.text
    assert "evil" not in str(line)


def test_the_log_says_why_a_form_was_sent_back(visitor, ada, settings, log_lines):
    old = CsrfTokens(settings.session_cookie.secret, clock=lambda: 1_000_000)
    visitor(ada).post(REVIEW, {"csrf_token": old.issue(ada.token)})
    (line,) = log_lines()
    assert line["event"] == "sent back: its csrf_token is too old, or a clock is wrong"
    assert (line["level"], line["status"], line["path"]) == ("info", 303, REVIEW)


def test_without_a_token_a_form_is_refused(confirmed):
    assert confirmed(data={"csrf_token": ""}) == (403, False)


def test_two_tokens_are_none(confirmed):
    assert confirmed(data={"csrf_token": ["a", "b"]}) == (403, False)


def test_the_token_of_another_session_is_refused(confirmed, app, sign_up):
    others = app.extensions["onboarding"].csrf.issue(sign_up().token)
    assert confirmed(data={"csrf_token": others}) == (403, False)


def test_a_refused_form_leads_back_with_its_answer(visitor, ada):
    answer = visitor(ada).post(
        "/onboarding/developer-role?python_proficiency=Advanced",
        {"csrf_token": "x", "developer_role": "None"},
    )
    assert answer.status_code == 403
    back = page(answer).find("a", class_="button")["href"]
    html = page(visitor(ada).get(back))
    assert html.find("option", selected=True)["value"] == "None"
    assert "python_proficiency=Advanced" in html.form["action"]


def test_a_stale_page_is_shown_again_with_its_answer_and_saves_nothing(
    visitor, ada, stage, app, settings
):
    old = CsrfTokens(settings.session_cookie.secret, clock=lambda: 1_000_000)
    answer = visitor(ada).post(
        "/onboarding/developer-role?python_proficiency=Advanced",
        {"csrf_token": old.issue(ada.token), "developer_role": "None"},
    )
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("problem=stale#problem")
    html = page(visitor(ada).get(answer.headers["Location"]))
    assert html.find("option", selected=True)["value"] == "None"
    assert "nothing was saved" in html.find(id="problem").text
    assert stage.sql("SELECT 1 FROM user_profile WHERE user_id = %s", ada.user_id) == []


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "multipart/form-data; boundary=b", ""]
)
def test_a_body_that_is_no_form_is_refused(visitor, ada, content_type):
    answer = visitor(ada).post(REVIEW, b'{"csrf_token": "x"}', {"Content-Type": content_type})
    assert answer.status_code == 415


class TestTokens:
    now = 1_800_000_000.0

    @pytest.fixture
    def tokens(self):
        return CsrfTokens(SECRET, clock=lambda: self.now)

    @pytest.mark.parametrize(
        ("age", "proof"),
        [
            (0, Proof.VALID),
            (LIFETIME_S, Proof.VALID),
            (LIFETIME_S + 1, Proof.STALE),
            (-CLOCK_SKEW_S, Proof.VALID),
            (-CLOCK_SKEW_S - 1, Proof.STALE),
        ],
    )
    def test_live_as_long_as_they_should(self, tokens, age, proof):
        token = tokens.issue("a session")
        self.now += age
        assert tokens.judge(token, "a session") is proof

    def test_prove_nothing_when_altered(self, tokens):
        token = tokens.issue("a session")
        for place in range(len(token)):
            for letter in "0a.A":
                if token[place] != letter:
                    altered = token[:place] + letter + token[place + 1 :]
                    assert tokens.judge(altered, "a session") is Proof.NONE

    @pytest.mark.parametrize("junk", ["", ".", "x.y", "0" * 10_000, "\x00", "é.é", "\ud800"])
    def test_junk_proves_nothing(self, tokens, junk):
        assert tokens.judge(junk, "a session") is Proof.NONE


def test_the_key_is_hkdf_of_rfc_5869():
    # Computed with the HKDF of the `cryptography` package.
    assert (
        derived_key("a" * 22, "label").hex()
        == "9cb04801f5d52f4a1fe81a3c4ff0b2d32774817b849301634fda6e6173957ec6"
    )
