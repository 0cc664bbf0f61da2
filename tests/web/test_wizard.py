"""The wizard: both questions, the answers to check, for good."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from onboarding import create_app
from onboarding.profiles.questions import QUESTIONS
from tests.visitor import Visitor, page

Q1, Q2, REVIEW = (
    "/onboarding/python-proficiency",
    "/onboarding/developer-role",
    "/onboarding/review",
)


@pytest.fixture
def row(stage):
    """Give a person's stored row: both answers and is_onboarded; None for no row."""

    def row(person):
        rows = stage.sql(
            "SELECT python_proficiency, developer_role, is_onboarded FROM user_profile WHERE user_id = %s",
            person.user_id,
        )
        return rows[0] if rows else None

    return row


def located(answer) -> tuple[str, dict[str, list[str]], str]:
    """A redirect's path, query and fragment."""
    assert answer.status_code == 303
    url = urlsplit(answer.headers["Location"])
    return url.path, parse_qs(url.query), url.fragment


def test_both_questions_then_review_then_for_good(visitor, ada, row):
    window = visitor(ada)
    first = window.post(Q1, {"python_proficiency": "Advanced"})
    assert located(first) == (Q2, {"python_proficiency": ["Advanced"]}, "h")
    assert row(ada) is None
    second = window.post(first.headers["Location"], {"developer_role": "Backend Developer"})
    assert located(second) == (REVIEW, {}, "h")
    assert row(ada) == ("Advanced", "Backend Developer", False)
    assert located(window.post(REVIEW)) == ("/profile", {}, "")
    assert row(ada) == ("Advanced", "Backend Developer", True)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.slug)
def test_a_question_is_a_drop_down_with_a_blank_first_option(visitor, ada, question):
    html = page(visitor(ada).get(f"/onboarding/{question.slug}"))
    options = html.find("select", attrs={"name": question.field}).find_all("option")
    assert [option["value"] for option in options] == ["", *(a.value for a in question.answers)]
    assert [option["value"] for option in options if option.has_attr("selected")] == [""]
    assert html.find("label", attrs={"for": question.field}).text == question.title


def test_the_role_none_is_never_shown_bare(visitor, ada):
    window = visitor(ada)
    window.answer("Beginner", "None")
    review = page(window.get(REVIEW))
    assert "None of these" in [dd.text for dd in review.find_all("dd")]
    window.post(REVIEW)
    assert "None of these" in [dd.text for dd in page(window.get("/profile")).find_all("dd")]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"python_proficiency": ""},
        {"python_proficiency": "Expert"},
        {"python_proficiency": "beginner"},
        {"python_proficiency": " Beginner"},
        {"python_proficiency": "None"},
        {"python_proficiency": "Beginner\x00"},
        {"python_proficiency": "\ud800".encode("utf-8", "surrogatepass")},
        {"python_proficiency": ["Beginner", "Advanced"]},
        {"python_proficiency": ["Beginner", "Beginner"]},
        {"python_proficiency[]": "Beginner"},
        {"developer_role": "None"},
        {"python_proficiency": "Ѕ" * 1000},
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_a_value_that_is_none_of_the_answers_changes_nothing_and_is_told(visitor, ada, row, body):
    window = visitor(ada)
    answer = window.post(Q1, body)
    assert located(answer) == (Q1, {"problem": ["1"]}, "problem")
    html = page(window.get(answer.headers["Location"]))
    assert html.title.text.startswith("Error: ")
    link = html.find(id="problem").find("a")
    assert link["href"] == "#python_proficiency"
    select = html.find("select", id="python_proficiency")
    error = html.find(id="python_proficiency-error")
    assert link.text == error.text == "Choose your Python level"
    assert error["id"] in select["aria-describedby"].split()
    assert select["aria-invalid"] == "true"
    assert row(ada) is None


def test_a_problem_on_the_second_question_keeps_the_first_answer(visitor, ada):
    answer = visitor(ada).post(f"{Q2}?python_proficiency=Advanced", {"developer_role": "Boss"})
    assert located(answer) == (
        Q2,
        {"python_proficiency": ["Advanced"], "problem": ["1"]},
        "problem",
    )


@pytest.mark.parametrize(
    "query",
    [
        "python_proficiency=Expert",
        "python_proficiency=",
        "python_proficiency=Beginner&python_proficiency=Advanced",
        "python_proficiency=%00",
        "python_proficiency=%ED%A0%80",
        "developer_role=null",
        "is_onboarded=true&user_id=1",
    ],
)
def test_a_carried_answer_that_does_not_parse_is_asked_for(visitor, ada, query):
    assert located(visitor(ada).get(f"/onboarding/?{query}"))[0] == Q1


def test_the_main_site_may_propose_an_answer(visitor, ada):
    window = visitor(ada)
    path, query, fragment = located(window.get("/onboarding/?python_proficiency=Advanced"))
    assert (path, query, fragment) == (Q2, {"python_proficiency": ["Advanced"]}, "")
    html = page(window.get(f"{Q1}?python_proficiency=Advanced"))
    assert html.find("option", selected=True)["value"] == "Advanced"


def test_both_answers_proposed_lead_to_review_and_are_saved_only_when_confirmed(visitor, ada, row):
    window = visitor(ada)
    both = "python_proficiency=Advanced&developer_role=None"
    assert located(window.get(f"/onboarding/?{both}"))[0] == REVIEW
    window.get(f"{REVIEW}?{both}")
    assert row(ada) is None
    window.post(f"{REVIEW}?{both}")
    assert row(ada) == ("Advanced", "None", True)


def test_a_draft_is_resumed_at_review(visitor, ada):
    visitor(ada).answer("Beginner", "Frontend Developer")
    assert located(visitor(ada).get("/onboarding/"))[0] == REVIEW
    html = page(visitor(ada).get(REVIEW))
    assert [dd.text for dd in html.find_all("dd", class_=False)] == [
        "Beginner",
        "Frontend developer",
    ]


def test_what_was_typed_last_is_shown_over_the_draft(visitor, ada):
    window = visitor(ada)
    window.answer("Beginner", "None")
    html = page(window.get(f"{Q1}?python_proficiency=Advanced"))
    assert html.find("option", selected=True)["value"] == "Advanced"
    shown = page(window.get(f"{REVIEW}?python_proficiency=Advanced")).find_all("dd", class_=False)
    assert [dd.text for dd in shown] == ["Advanced", "None of these"]


def test_an_answer_can_be_changed_from_review(visitor, ada, row):
    window = visitor(ada)
    window.answer("Beginner", "None")
    change = page(window.get(REVIEW)).find("a", string=None, href=Q1)
    assert change.text == "Change Python proficiency"
    html = page(window.get(change["href"]))
    assert html.find("option", selected=True)["value"] == "Beginner"
    assert located(window.post(Q1, {"python_proficiency": "Advanced"}))[0] == REVIEW
    assert row(ada) == ("Advanced", "None", False)


def test_review_shows_who_answers_and_that_it_is_final(visitor, sign_up):
    person = sign_up("Ada <script>alert(1)</script>")
    window = visitor(person)
    window.answer()
    html = page(window.get(REVIEW))
    # Ours, and nothing of the name's.
    [script] = html.find_all("script")
    assert script["src"].startswith("/static/frame.")
    assert person.name in html.main.text
    assert person.email in html.main.text
    button = html.find("button")
    assert "final" in html.find(id=button["aria-describedby"]).text


def test_what_was_shown_is_what_is_confirmed(visitor, ada, row):
    window, other_tab = visitor(ada), visitor(ada)
    window.answer("Beginner", "None")
    shown = {i["name"]: i["value"] for i in page(window.get(REVIEW)).find_all("input")}
    other_tab.post(Q1, {"python_proficiency": "Advanced"})
    assert row(ada) == ("Advanced", "None", False)
    window.post(REVIEW, shown)
    assert row(ada) == ("Beginner", "None", True)


def test_confirming_a_tampered_answer_changes_nothing(visitor, ada, row):
    window = visitor(ada)
    window.answer("Beginner", "None")
    answer = window.post(REVIEW, {"python_proficiency": "Expert", "developer_role": "None"})
    assert located(answer) == (REVIEW, {"problem": ["1"]}, "problem")
    assert page(window.get(answer.headers["Location"])).find(id="problem")
    assert row(ada) == ("Beginner", "None", False)


def test_confirming_before_answering_leads_to_the_first_question(visitor, ada, row):
    assert located(visitor(ada).post(REVIEW))[0] == Q1
    assert row(ada) is None


def test_mass_assignment_has_no_effect(visitor, ada, sign_up, row):
    other = sign_up()
    window = visitor(ada)
    extra = {"is_onboarded": "true", "user_id": other.user_id}
    window.post(f"{Q2}?python_proficiency=Beginner", {"developer_role": "None", **extra})
    assert row(ada) == ("Beginner", "None", False)
    assert row(other) is None


@pytest.mark.parametrize("path", ["/onboarding/", Q1, Q2, REVIEW])
def test_afterwards_every_step_leads_to_the_profile(visitor, ada, row, path):
    window = visitor(ada)
    window.finish("Beginner", "None")
    assert located(window.get(path)) == ("/profile", {}, "")
    if path != "/onboarding/":
        other = {"python_proficiency": "Advanced", "developer_role": "Backend Developer"}
        assert located(window.post(path, other)) == ("/profile", {"already": ["1"]}, "")
    assert row(ada) == ("Beginner", "None", True)


@pytest.fixture
def meanwhile(stage):
    """Send a request, and between its gate and its save let a change in the database win.

    The change holds the row's lock uncommitted, so the gate still sees the old state and the save
    waits; then the change is committed.
    """

    def meanwhile(change, person, send):
        with psycopg.connect(stage.database_url) as other, ThreadPoolExecutor(1) as pool:
            other.execute(change, [person.user_id])
            answer = pool.submit(send)
            while not answer.done() and not stage.sql(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND %s = ANY"
                " (pg_blocking_pids(pid))",
                other.info.backend_pid,
            ):
                time.sleep(0.01)
            other.commit()
            return answer.result()

    return meanwhile


def test_a_confirmation_that_comes_second_shows_what_the_first_saved(visitor, ada, row, meanwhile):
    window = visitor(ada)
    window.answer("Beginner", "None")
    answer = meanwhile(
        "UPDATE user_profile SET python_proficiency = 'Advanced', is_onboarded = true"
        " WHERE user_id = %s",
        ada,
        lambda: window.post(REVIEW),
    )
    assert located(answer) == ("/profile", {"already": ["1"]}, "")
    assert row(ada) == ("Advanced", "None", True)


def test_a_user_deleted_between_gate_and_save_is_signed_out(visitor, ada, row, meanwhile):
    window = visitor(ada)
    window.answer()
    answer = meanwhile('DELETE FROM "user" WHERE id = %s', ada, lambda: window.post(REVIEW))
    assert located(answer) == ("/signed-out", {}, "h")
    assert row(ada) is None


def test_cards_are_the_same_question_with_the_same_names_and_values(settings, ada):
    app = create_app(replace(settings, widget="cards"))
    try:
        html = page(Visitor(app, ada, {}).get(f"{Q2}?developer_role=None"))
    finally:
        app.extensions["onboarding"].database.engine.dispose()
    radios = html.find_all("input", type="radio", attrs={"name": "developer_role"})
    assert [radio["value"] for radio in radios] == [a.value for a in QUESTIONS[1].answers]
    assert [radio["value"] for radio in radios if radio.has_attr("checked")] == ["None"]
    labels = {label["for"] for label in html.find_all("label")}
    assert {radio["id"] for radio in radios} == labels


class TestWhereItLeads:
    """`next` and `return_to`."""

    def test_return_to_is_where_a_finished_person_goes(self, visitor, ada, stage):
        window = visitor(ada)
        window.answer()
        back = f"{stage.site.url}/welcome?a=b"
        page_shown = window.get(REVIEW + "?return_to=" + back)
        assert (
            f"form-action 'self' {stage.site.url};" in page_shown.headers["Content-Security-Policy"]
        )
        action = page(page_shown).form["action"]
        assert window.post(action).headers["Location"] == back

    def test_return_to_is_ignored_in_a_frame(self, visitor, ada, stage):
        window = visitor(ada, **{"Sec-Fetch-Dest": "iframe"})
        window.answer()
        assert located(window.post(f"{REVIEW}?return_to={stage.site.url}/"))[0] == "/profile"

    def test_both_travel_through_every_step(self, visitor, ada, stage):
        window = visitor(ada)
        answer = window.get(f"/onboarding/?next=/profile&return_to={stage.site.url}/")
        carried = {"next": ["/profile"], "return_to": [f"{stage.site.url}/"]}
        for body in ({"python_proficiency": "Beginner"}, {"developer_role": "None"}):
            _, query, _ = located(answer)
            assert query.items() >= carried.items()
            action = page(window.get(answer.headers["Location"])).form["action"]
            answer = window.post(action, body)
        assert located(answer)[1] == carried

    @pytest.mark.parametrize(
        "target",
        [
            "https://evil.example/",
            "//evil.example/profile",
            "/\\evil.example",
            "/%5cevil.example",
            "/%2f/evil.example",
            "/profile\\@evil.example",
            "/\tprofile",
            "/profile%0d%0aSet-Cookie:a=b",
            "javascript:alert(1)",
            "http:profile",
            "profile",
            "/nowhere",
            "/static/style.css",
            "/signed-out",
            "/healthz",
            "/profile" + "a" * 10_000,
            "/profile?" + "a" * 3_000,
            "",
            "\x00",
            "/profile\u2028",
        ],
        ids=lambda value: ascii(value)[:60],
    )
    def test_a_next_that_is_no_page_of_ours_is_ignored(self, visitor, ada, target):
        window = visitor(ada)
        window.answer()
        answer = window.request(
            "POST",
            REVIEW,
            {"Origin": window.origin},
            query_string={"next": target, "return_to": target},
            data={"csrf_token": window._csrf.issue(ada.token)},
        )
        assert answer.headers["Location"] == "/profile"


@pytest.mark.parametrize(
    ("referrer", "is_focused"),
    [
        ("{app}/onboarding/review", True),
        ("{app}/onboarding/review?theme=dark", True),
        (None, False),
        ("{app}/profile", False),
        ("https://www.example.com/onboarding", False),
        ("/onboarding/review", False),
        ("http://[", False),
        ("http://[::1/onboarding", False),
        ("\xff", False),
    ],
)
def test_the_profile_takes_the_focus_only_after_the_wizard(visitor, ada, referrer, is_focused):
    window = visitor(ada)
    window.finish()
    for dest, mark in (("document", "autofocus"), ("iframe", "data-first")):
        named = {"Referer": referrer.format(app=window.origin)} if referrer else {}
        answer = window.get("/profile", {"Sec-Fetch-Dest": dest, **named})
        assert answer.status_code == 200
        assert page(answer).find("h1").has_attr(mark) is is_focused
