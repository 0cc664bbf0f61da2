"""The wizard: a page for each question, the review, and the confirmation for good."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import psycopg
import pytest
from bs4 import BeautifulSoup
from werkzeug.test import TestResponse

from onboarding.questions import Question
from tests.browser import Browser, page
from tests.questionnaires import other_answers, some_answers
from tests.users import User
from tests.web.conftest import Site, form_of, redirect_of

REVIEW = "/onboarding/review"


def labels_of(site: Site, answers: dict[str, str]) -> list[str]:
    return [question.option(answers[question.name]).label["en"] for question in site.questionnaire]


def shown_answers(html: BeautifulSoup) -> list[str]:
    return [dd.text for dd in html.find_all("dd", class_=False)]


def chosen(html: BeautifulSoup) -> str:
    """Return the value of the option that a browser shows."""
    return (html.find("option", selected=True) or html.find("option"))["value"]


def test_all_questions_then_review_then_for_good(site):
    window, answers = site.browser(), some_answers(site.questionnaire)
    url, carried = site.question_urls[0], {}
    urls = [*site.question_urls[1:], REVIEW]
    for question, following in zip(site.questionnaire, urls, strict=True):
        assert site.row(window.user) is None
        html = page(window.get(url))
        assert html.h1.text == question.title["en"]
        response = window.post(html.form["action"], {question.name: answers[question.name]})
        carried = {} if following == REVIEW else {**carried, question.name: answers[question.name]}
        # The answers travel in the query until a row can hold them all.
        assert redirect_of(response) == (following, carried, "h")
        url = response.headers["Location"]
    assert site.row(window.user) == {**answers, "is_onboarded": False}
    review = window.get(url)
    assert shown_answers(page(review)) == labels_of(site, answers)
    assert redirect_of(window.post(*form_of(review))) == ("/profile", {}, "")
    assert site.row(window.user) == {**answers, "is_onboarded": True}
    assert shown_answers(page(window.get("/profile"))) == labels_of(site, answers)


def test_a_question_is_a_drop_down_with_a_blank_first_option(site):
    window = site.browser()
    for question, url in zip(site.questionnaire, site.question_urls, strict=True):
        html = page(window.get(url))
        options = html.find("select", attrs={"name": question.name}).find_all("option")
        assert [option["value"] for option in options] == ["", *question.values]
        assert chosen(html) == ""
        assert html.find("label", attrs={"for": question.name}).text == question.title["en"]


def test_cards_are_the_same_question_with_the_same_names_and_values(make_app, default_site):
    window = Browser(make_app(widget="cards"), default_site.user("draft"), {})
    for question, url in zip(default_site.questionnaire, default_site.question_urls, strict=True):
        html = page(window.get(f"{url}?problem=1"))
        radios = html.find_all("input", type="radio", attrs={"name": question.name})
        assert [radio["value"] for radio in radios] == list(question.values)
        [checked] = [radio["value"] for radio in radios if radio.has_attr("checked")]
        assert checked == some_answers()[question.name]
        assert {radio["id"] for radio in radios} == {one["for"] for one in html.find_all("label")}
        assert html.find(id="problem").a["href"] == f"#{radios[0]['id']}"


def no_answers_to(question: Question) -> list[object]:
    """Return forms none of which answers a question."""
    name, value = question.name, question.values[0]
    texts = ["", "Expert", f" {value}", f"{value}\0", "Ѕ" * 1000]
    # Letter for letter.
    texts += {value.swapcase()} - {*question.values}
    texts += [[value, question.values[-1]], [value, value], "\ud800".encode(errors="surrogatepass")]
    return [{}, {f"{name}[]": value}, {"another": value}, *({name: text} for text in texts)]


def test_a_form_without_an_answer_changes_nothing_and_says_so(site):
    window, question, url = site.browser(), site.questionnaire.questions[-1], site.question_urls[-1]
    carried = some_answers(site.questionnaire)
    del carried[question.name]
    for form in no_answers_to(question):
        response = window.post(f"{url}?{urlencode(carried)}", form)
        assert redirect_of(response) == (url, {**carried, "problem": "1"}, "problem"), form
    html = page(window.get(response.headers["Location"]))
    assert html.title.text.startswith("Error: ")
    link, select = html.find(id="problem").a, html.find("select", id=question.name)
    error = html.find(id=f"{question.name}-error")
    assert link["href"] == f"#{question.name}"
    assert link.text == error.text == question.problem["en"]
    assert error["id"] in select["aria-describedby"].split()
    assert select["aria-invalid"] == "true"
    assert site.row(window.user) is None


def test_the_main_site_may_propose_answers_which_are_saved_only_when_confirmed(site):
    window, answers = site.browser(), some_answers(site.questionnaire)
    question = site.questionnaire.questions[0]
    proposed = {question.name: answers[question.name]}
    # A first load must not take the focus.
    following = [*site.question_urls, REVIEW][1], proposed, ""
    assert redirect_of(window.get(f"/onboarding/?{urlencode(proposed)}")) == following
    shown = page(window.get(f"{site.question_urls[0]}?{urlencode(proposed)}"))
    assert chosen(shown) == answers[question.name]
    everything = urlencode(answers)
    assert redirect_of(window.get(f"/onboarding/?{everything}"))[0] == REVIEW
    review = window.get(f"{REVIEW}?{everything}")
    assert site.row(window.user) is None
    window.post(*form_of(review))
    assert site.row(window.user) == {**answers, "is_onboarded": True}


def test_a_draft_is_resumed_at_review_with_what_was_typed_last_over_it(site):
    window, draft = site.browser("draft"), some_answers(site.questionnaire)
    name = site.questionnaire.names[0]
    typed = {name: other_answers(site.questionnaire)[name]}
    assert redirect_of(window.get("/onboarding/"))[0] == REVIEW
    assert shown_answers(page(window.get(REVIEW))) == labels_of(site, draft)
    assert chosen(page(window.get(f"{site.question_urls[0]}?{urlencode(typed)}"))) == typed[name]
    shown = shown_answers(page(window.get(f"{REVIEW}?{urlencode(typed)}")))
    assert shown == labels_of(site, {**draft, **typed})
    # What doesn't parse isn't there.
    twice = urlencode([(name, value) for value in site.questionnaire.questions[0].values])
    junk = [f"{name}={text}" for text in ("Expert", "", "%00", "%ED%A0%80")]
    for query in (*junk, twice, "is_onboarded=true&user_id=1"):
        url = redirect_of(site.browser().get(f"/onboarding/?{query}"))
        assert url == (site.question_urls[0], {}, ""), query


def test_each_answer_can_be_changed_from_review(site):
    window, answers = site.browser("draft"), some_answers(site.questionnaire)
    for question, url in zip(site.questionnaire, site.question_urls, strict=True):
        change = page(window.get(REVIEW)).main.find("a", href=url)
        assert change.text == f"Change {question.heading['en']}"
        assert chosen(page(window.get(url))) == answers[question.name]
        answers[question.name] = question.values[0]
        saved = window.post(url, {question.name: question.values[0]})
        assert redirect_of(saved) == (REVIEW, {}, "h")
        assert site.row(window.user) == {**answers, "is_onboarded": False}


def test_back_leads_through_the_questions(site):
    window, seen = site.browser(), []
    back = f"{REVIEW}?{urlencode(some_answers(site.questionnaire))}"
    for _ in site.questionnaire:
        back = page(window.get(back)).find("nav").a["href"]
        seen.append(back.partition("?")[0])
    assert seen == site.question_urls[::-1]


def test_review_shows_who_answers_as_text_and_that_it_is_final(site):
    window = site.browser("draft")
    name = "Ada <script>alert(1)</script>"
    site.connection.execute('UPDATE "user" SET name = %s WHERE id = %s', [name, window.user.id])
    html = page(window.get(REVIEW))
    [script] = html.find_all("script")
    assert script["src"].startswith("/static/frame.")
    who = [bdi.text for bdi in html.find(class_="who").find_all("bdi")]
    assert who == [name, window.user.email]
    assert "can't change" in html.find(id=html.find("button")["aria-describedby"]).text


def test_what_was_shown_is_what_is_confirmed(site):
    window, shown = site.browser("draft"), some_answers(site.questionnaire)
    review = window.get(REVIEW)
    for question, url in zip(site.questionnaire, site.question_urls, strict=True):
        Browser(site.app, window.user, {}).post(url, {question.name: question.values[0]})
    assert site.row(window.user) == {**other_answers(site.questionnaire), "is_onboarded": False}
    window.post(*form_of(review))
    assert site.row(window.user) == {**shown, "is_onboarded": True}


def test_confirming_a_tampered_answer_changes_nothing(site):
    window, draft = site.browser("draft"), some_answers(site.questionnaire)
    *_, name = site.questionnaire.names
    for form in no_answers_to(site.questionnaire.by_name[name]):
        if name in form:
            response = window.post(REVIEW, {**draft, **form})
            assert redirect_of(response) == (REVIEW, {"problem": "1"}, "problem"), form
    assert page(window.get(response.headers["Location"])).find(id="problem")
    assert site.row(window.user) == {**draft, "is_onboarded": False}


def test_fields_that_no_question_has_are_ignored(site):
    window, other = site.browser(), site.user()
    answers = some_answers(site.questionnaire)
    extra = {"is_onboarded": "true", "user_id": other.id}
    window.post(f"{site.question_urls[-1]}?{urlencode(answers)}", {**answers, **extra})
    assert site.row(window.user) == {**answers, "is_onboarded": False}
    assert site.row(other) is None


def test_afterwards_every_step_leads_to_the_profile(site):
    window, final = site.browser("onboarded"), some_answers(site.questionnaire)
    for path in ("/onboarding/", *site.question_urls, REVIEW):
        assert redirect_of(window.get(path)) == ("/profile", {}, "")
        if path == "/onboarding/":
            continue
        # A double click sends the same again; what differs is told of.
        assert redirect_of(window.post(path, final)) == ("/profile", {}, "")
        other = other_answers(site.questionnaire)
        assert redirect_of(window.post(path, other)) == ("/profile", {"already": "1"}, "")
    assert page(window.get("/profile?already=1")).find(class_="note")
    assert site.row(window.user) == {**final, "is_onboarded": True}


def race(site: Site, change: str, user: User, send: Callable[[], TestResponse]) -> TestResponse:
    """Send a request, and let a change in the database win between its gate and its save.

    The change holds the row's lock uncommitted, so the gate still sees the old state and the save
    waits; then the change is committed.
    """
    with psycopg.connect(site.url) as other, ThreadPoolExecutor(1) as pool:
        other.execute(change, [user.id])
        response = pool.submit(send)
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND %s = ANY (pg_blocking_pids(pid))"
        backend = [other.info.backend_pid]
        while not (response.done() or site.connection.execute(waiting, backend).fetchone()):
            time.sleep(0.01)
        other.commit()
        return response.result()


def confirm(window: Browser, answers: dict[str, str], by: str) -> TestResponse:
    if by == "form":
        return window.post(REVIEW, answers)
    return window.put({**answers, "is_onboarded": True})


@pytest.mark.parametrize("by", ["form", "call"])
def test_a_confirmation_that_comes_second_changes_nothing_and_is_told(site, by):
    window, other = site.browser("draft"), other_answers(site.questionnaire)
    change = "UPDATE user_profile SET is_onboarded = true WHERE user_id = %s"
    response = race(site, change, window.user, lambda: confirm(window, other, by))
    if by == "form":
        assert redirect_of(response) == ("/profile", {"already": "1"}, "")
    assert response.status_code == (303 if by == "form" else 409)
    assert site.row(window.user) == {**some_answers(site.questionnaire), "is_onboarded": True}


@pytest.mark.parametrize("by", ["form", "call"])
def test_a_user_deleted_between_gate_and_save_is_signed_out(site, by):
    window, answers = site.browser("draft"), some_answers(site.questionnaire)
    deletion = 'DELETE FROM "user" WHERE id = %s'
    response = race(site, deletion, window.user, lambda: confirm(window, answers, by))
    if by == "form":
        assert redirect_of(response) == ("/signed-out", {}, "h")
    else:
        assert (response.status_code, response.json["reason"]) == (401, "signed-out")
    assert site.row(window.user) is None
