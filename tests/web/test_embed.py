"""What our pages say to the page around them, and what they keep of how it wants them to look."""

import re
from urllib.parse import quote, urlencode

import pytest

from tests.browser import page
from tests.questionnaires import some_answers
from tests.web.conftest import FRAMED, parts_of, redirect_of

REVIEW = "/onboarding/review"


def facts(html) -> tuple[str | None, ...]:
    return tuple(html.body.get(f"data-{name}") for name in ("step", "index", "total", "parents"))


def colour_scheme(html) -> str:
    return re.search("color-scheme: ([a-z ]+);", html.style.string)[1]


def test_each_page_names_its_step_and_who_may_hear_it(site):
    window, parents = site.browser("draft"), site.settings.site_origin
    steps = [*site.questionnaire.by_slug, "review"]
    for index, (step, url) in enumerate(zip(steps, [*site.question_urls, REVIEW], strict=True), 1):
        html = page(window.get(url))
        assert facts(html) == (step, str(index), str(len(steps)), parents)
    assert facts(page(window.get("/nowhere"))) == ("error", None, None, parents)
    profile = page(site.browser("onboarded").get("/profile"))
    assert facts(profile) == ("profile", None, None, parents)


# The event's word for each, and whether the page around gets the URL of the sign-in page.
EVENTS = {
    **dict.fromkeys(("expired", "session-ended"), ("expired", True)),
    **dict.fromkeys(("banned", "anonymous", "unverified"), ("refused", False)),
    **dict.fromkeys(("", '"><script>'), ("no-session", True)),
    "cross-site": ("cookies-blocked", True),
}


def test_a_reason_is_told_in_the_words_of_the_event(default_site):
    nobody, sign_in_url = default_site.browser("signed out"), default_site.settings.sign_in_url
    for reason, (word, has_url) in EVENTS.items():
        body = page(nobody.get(f"/signed-out?next=/profile&reason={quote(reason)}")).body
        assert (body["data-step"], body["data-reason"]) == ("signed-out", word)
        assert body.get("data-url", "").startswith(sign_in_url) is has_url


@pytest.mark.parametrize("length", [900, 1000])
def test_an_answer_is_kept_beside_the_longest_way_back(site, length):
    around = f"{site.settings.site_url}/?q={'%20' * 400}"[:length]
    url, form = site.last_form()
    nobody = site.browser("signed out", **FRAMED)
    lost = nobody.post(f"{url}&return_to={quote(around)}", form)
    onward = page(nobody.get(lost.headers["Location"])).find("a", class_=False)["href"]
    again = page(site.browser(**FRAMED).get(onward))
    assert again.find("option", selected=True)["value"] in form.values()
    assert parts_of(again.form["action"])[1]["return_to"] == around


@pytest.mark.parametrize("sent_from", ["cross-site", "same-site", "same-origin", None])
def test_a_frame_across_sites_is_told_from_a_mere_visitor(default_site, sent_from):
    headers = {"Sec-Fetch-Site": sent_from} if sent_from else {}
    in_frame = default_site.browser("signed out", **FRAMED, **headers).get("/profile")
    is_blocked = redirect_of(in_frame)[1].get("reason") == "cross-site"
    assert is_blocked is (sent_from == "cross-site")
    on_top = default_site.browser("signed out", **headers).get("/profile")
    assert on_top.headers["Location"].startswith(default_site.settings.sign_in_url)


def test_an_opaque_origin_in_a_frame_is_a_sandbox_and_elsewhere_a_stranger(site):
    question, url = site.questionnaire.questions[0], site.question_urls[0]
    form = {question.name: question.values[0]}
    sandboxed = site.browser(**FRAMED).post(url, form, {"Origin": "null"})
    assert sandboxed.status_code == 403
    link = page(sandboxed).find("a", class_="button")
    assert link["target"] == "_blank"
    assert parts_of(link["href"])[1] == form
    foreign = site.browser().post(url, form, {"Origin": "null"})
    assert foreign.status_code == 403
    assert page(foreign).h1.text != page(sandboxed).h1.text


@pytest.mark.parametrize("look", [{"theme": "dark"}, {"lang": "ur"}], ids=str)
def test_theme_and_language_go_along_with_every_step(site, look):
    window, answers = site.browser(), some_answers(site.questionnaire)

    def goes_along(response):
        """Follow the redirects to the next page and return it."""
        while response.status_code == 303:
            assert redirect_of(response)[1].items() >= look.items()
            response = window.get(response.headers["Location"])
        html = page(response)
        shown = {"theme": colour_scheme(html), "lang": html.html["lang"]}
        assert shown.items() >= look.items()
        links = [link["href"] for link in html.find_all("a") if link["href"].startswith("/")]
        assert all(urlencode(look) in link for link in links)
        return html

    html = goes_along(window.get(f"/?{urlencode(look)}"))
    for name in site.questionnaire.names:
        goes_along(window.post(html.form["action"], {}))
        html = goes_along(window.post(html.form["action"], {name: answers[name]}))
    html = goes_along(window.post(html.form["action"], answers))
    assert html.body["data-step"] == "profile"
    # And whoever comes back to the wizard afterwards.
    goes_along(window.get(f"/onboarding/?{urlencode(look)}"))
    assert site.row(window.user) == {**answers, "is_onboarded": True}


def test_an_unknown_theme_is_none(default_site):
    window, url = default_site.browser(), default_site.question_urls[0]
    for theme in ("", "acme", "LIGHT", "dark'", "../x", "\u202e", "light%26theme=dark"):
        html = page(window.get(f"{url}?theme={theme}"))
        assert colour_scheme(html) == "light dark"
