"""Where a finished user goes: `next`, `return_to`, the page between, and the profile's way onward."""

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from werkzeug.test import TestResponse

from tests.browser import Browser, page
from tests.hostile_targets import HOSTILE, OURS
from tests.questionnaires import some_answers
from tests.web.conftest import FRAMED, redirect_of

REVIEW = "/onboarding/review"


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        ("{}/welcome?a=b", "{}/welcome?a=b"),
        # Encoded as a browser does.
        (
            " {}/kurs/über uns?q=سلام#é ",
            "{}/kurs/%C3%BCber%20uns?q=%D8%B3%D9%84%D8%A7%D9%85#%C3%A9",
        ),
    ],
)
def test_a_finished_user_goes_on_to_return_to_by_a_page_of_our_own(site, wanted, sent):
    window, back = site.browser("draft"), sent.format(site.settings.site_url)
    wanted = wanted.format(site.settings.site_url)
    html = page(window.get(f"{REVIEW}?{urlencode({'return_to': wanted})}"))
    confirmed = window.post(html.form["action"])
    assert redirect_of(confirmed)[0] == "/continue"
    assert confirmed.headers["Location"].isascii()
    between = window.get(confirmed.headers["Location"])
    assert (between.status_code, between.headers["Refresh"]) == (200, f"0;url={back}")
    assert page(between).find("a")["href"] == back


def test_the_page_between_goes_to_the_profile_without_an_allowed_target(default_site):
    nobody = default_site.browser("signed out")
    for query in ("", "?return_to=https://evil.example/", "?return_to=/profile"):
        assert redirect_of(nobody.get(f"/continue{query}"))[0] == "/"


def test_a_slash_at_the_end_makes_no_other_page(site):
    window, done = site.browser("draft"), site.browser("onboarded")
    for url in (*site.question_urls, REVIEW):
        assert window.get(f"{url}/").status_code == 200
    assert [done.get(f"{url}/").status_code for url in ("/profile", "/api/profile")] == [200, 200]
    assert redirect_of(window.post(f"{REVIEW}/?next=/profile/")) == ("/profile/", {}, "")


def test_return_to_is_ignored_in_a_frame(site):
    window = site.browser("draft", **FRAMED)
    confirmed = window.post(f"{REVIEW}?return_to={site.settings.site_url}/")
    assert redirect_of(confirmed)[0] == "/profile"


def test_both_travel_through_every_step(site):
    window, answers = site.browser(), some_answers(site.questionnaire)
    carried = {"next": "/profile?tab=2", "return_to": f"{site.settings.site_url}/"}
    response = window.get(f"/onboarding/?{urlencode(carried)}")
    for question in site.questionnaire:
        assert redirect_of(response)[1].items() >= carried.items()
        form = page(window.get(response.headers["Location"])).form
        response = window.post(form["action"], {question.name: answers[question.name]})
    assert redirect_of(response)[1] == carried
    # Where both are, the main site's page is the one that the user came from.
    assert redirect_of(window.post(response.headers["Location"]))[0] == "/continue"
    own = site.browser("draft").post(f"{REVIEW}?next=/profile?tab=2")
    assert redirect_of(own) == ("/profile", {"tab": "2"}, "")


def urls_in(response: TestResponse) -> list[str]:
    """Return every URL that an answer may lead to."""
    sent = [response.headers.get("Location", ""), response.headers.get("Refresh", "")]
    return sent + re.findall(r'(?:href|action|data-url)="([^"]*)"', response.text)


def test_a_hostile_target_is_as_good_as_none(default_site, make_app):
    app = make_app(site_url=OURS, secure_cookies=False)
    nobody, drafted, done = (
        Browser(app, user, {})
        for user in (None, default_site.user("draft"), default_site.user("onboarded"))
    )
    visits = [(done, "/profile"), (done, "/onboarding/"), (nobody, "/continue")]
    visits += [(drafted, path) for path in ("/", default_site.question_urls[0], REVIEW)]
    expected = [urls_in(window.get(path)) for window, path in visits]
    # A blank around it is stripped, as browsers do.
    for target in (one for one in HOSTILE if one.strip() != f"{OURS}/"):
        query = urlencode({"next": target, "return_to": target}, errors="surrogatepass")
        assert [urls_in(window.get(f"{path}?{query}")) for window, path in visits] == expected
        signed_out = page(nobody.get(f"/signed-out?{query}")).find("a", class_="button")
        led_out = nobody.get(f"/profile?{query}").headers["Location"]
        for url in (led_out, signed_out["href"]):
            back = parse_qs(urlsplit(url).query)["callbackURL"][0]
            assert url.startswith(f"{default_site.settings.sign_in_url}?"), target
            assert back.startswith(f"{default_site.settings.app_origin}/"), target
        confirmed = Browser(app, default_site.user("draft"), {}).post(f"{REVIEW}?{query}")
        assert redirect_of(confirmed) == ("/profile", {}, ""), target


def test_a_hostile_path_leads_nowhere(default_site):
    window = default_site.browser("onboarded")
    paths = """//evil.test //evil.test/profile /%2fevil.test/ /%5cevil.test/ /%09/evil.test/
        /onboarding//evil.test/ /onboarding/%2f%2fevil.test /profile/..//evil.test"""
    for path in paths.split():
        response = window.get(path)
        assert (response.status_code, response.headers.get("Location")) == (404, None), path


NO_PAGES = ["/nowhere", "/static/style.css", "/signed-out", "/healthz", "/profile?" + "a" * 3_000]


@pytest.mark.parametrize("target", NO_PAGES, ids=lambda text: ascii(text)[:30])
def test_what_is_no_page_to_go_to_is_ignored(default_site, target):
    window = default_site.browser("draft")
    query = urlencode({"next": target, "return_to": target})
    assert redirect_of(window.post(f"{REVIEW}?{query}")) == ("/profile", {}, "")


REFERRERS = ["{app}/profile", "https://www.example.com/onboarding/review", "/onboarding/review"]
REFERRERS += ["{app}/onboarding/", "{app}/onboarding/developer-role"]


@pytest.mark.parametrize(
    ("referrer", "is_focused"),
    [
        *((f"{{app}}/onboarding/review{query}", True) for query in ("", "?theme=dark")),
        *((referrer, False) for referrer in (None, *REFERRERS, "http://[", "\xff")),
    ],
)
def test_the_profile_takes_the_focus_only_after_the_confirmation(
    default_site, referrer, is_focused
):
    window = default_site.browser("onboarded")
    for dest, mark in (("document", "autofocus"), ("iframe", "data-first")):
        named = {"Referer": referrer.format(app=window.origin)} if referrer else {}
        response = window.get("/profile", {"Sec-Fetch-Dest": dest, **named})
        assert response.status_code == 200
        assert page(response).h1.has_attr(mark) is is_focused


def test_the_profile_leads_on_to_the_main_site_unless_it_is_in_its_frame(site):
    window = site.browser("onboarded")
    back = f"{site.settings.site_url}/welcome"
    for path, target in (
        ("/profile", site.settings.site_url),
        (f"/profile?return_to={back}", back),
    ):
        assert page(window.get(path)).find("a", class_="onward")["href"] == target
    assert page(window.get("/profile", FRAMED)).find("a", class_="onward") is None


def test_the_base_path_of_better_auth_is_no_page_of_the_main_site(default_site, make_app):
    app = make_app(site_url=f"{default_site.settings.site_url}/auth")
    profile = replace(default_site, app=app).browser("onboarded").get("/profile")
    assert page(profile).find("a", class_="onward")["href"] == default_site.settings.site_url
