"""The wizard under a user's hands: keyboard, mistakes, Back, refresh, several tabs."""

import psycopg
import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.e2e import pages
from tests.e2e.pages import FIRST, LAST, OTHER, REVIEW, SECOND, SOME
from tests.questionnaires import DEFAULT, insert_profile

pytestmark = pytest.mark.slow


def test_everything_works_without_javascript(window, either_app, environment, user):
    page = window(user, base_url=either_app, java_script_enabled=False)
    page.goto("/")
    pages.go_on(page)
    expect(page.get_by_role("alert")).to_be_focused()
    for question, after in zip(
        DEFAULT, [*map(pages.title, DEFAULT.questions[1:]), REVIEW], strict=True
    ):
        pages.answer(page, question)
        # As after every form, the focus is on the new heading.
        expect(pages.heading(page, after)).to_be_focused()
    page.get_by_role("link", name=f"Change {FIRST.heading['en']}").click()
    answers = {**SOME, FIRST.name: OTHER[FIRST.name]}
    pages.answer(page, FIRST, answers)
    pages.expect_answers(page, answers)
    pages.confirm(page)
    pages.expect_profile(page, answers)
    assert pages.stored_profile(environment, user.id) == {**answers, "is_onboarded": True}


def test_everything_works_with_the_keyboard_alone(window, either_app, user):
    page = window(user, base_url=either_app)
    page.goto("/")

    def choose_and_go_on(index: int) -> None:
        """Choose the option at `index`, and send the form."""
        select, cards = page.get_by_role("combobox"), page.get_by_role("radio")
        is_select = select.count() == 1
        tab_to(page, select if is_select else cards.first)
        if not is_select:
            page.keyboard.press("Space")
        for _ in range(index + is_select):
            page.keyboard.press("ArrowDown")
        if index % 2:
            tab_to(page, page.get_by_role("button", name="Continue"))
        page.keyboard.press("Space" if index % 2 else "Enter")

    for question in DEFAULT:
        pages.expect_page(page, pages.title(question))
        choose_and_go_on(1)
    pages.expect_page(page, REVIEW)
    second_options = {question.name: question.values[1] for question in DEFAULT}
    pages.expect_answers(page, second_options)
    tab_to(page, page.get_by_role("link", name=f"Change {LAST.heading['en']}"))
    page.keyboard.press("Enter")
    pages.expect_page(page, pages.title(LAST))
    tab_to(page, page.get_by_role("button", name="Continue"))
    page.keyboard.press("Enter")
    pages.expect_page(page, REVIEW)
    tab_to(page, page.get_by_role("button", name="Confirm and finish"))
    page.keyboard.press("Enter")
    pages.expect_profile(page, second_options)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.goto("/profile")
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_a_question_sent_without_an_answer_leads_to_the_field_and_back_still_works(
    window, either_app, user
):
    page = window(user, base_url=either_app)
    page.goto(pages.path(FIRST))
    problem = FIRST.problem["en"]
    expect(page).to_have_title(pages.title(FIRST))
    expect(page.get_by_role("alert")).to_have_count(0)
    pages.go_on(page)
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("There is a problem")
    expect(page).to_have_title(f"Error: {pages.title(FIRST)}")
    expect(page.get_by_text(problem)).to_have_count(2)
    invalid = page.locator("[aria-invalid=true]")
    expect(invalid).to_have_accessible_name(pages.title(FIRST))
    read = " ".join(map(described_by, [invalid, *page.get_by_role("radio").all()]))
    hints = [part.hint["en"] for part in (FIRST, *FIRST.options) if part.hint]
    assert [text for text in (problem, *hints) if text not in read] == []

    page.go_back()
    expect(page).to_have_title(pages.title(FIRST))
    expect(page.get_by_role("alert")).to_have_count(0)
    page.go_forward()
    page.reload()
    expect(page).to_have_title(f"Error: {pages.title(FIRST)}")
    page.get_by_role("link", name=problem).click()
    expect(page.get_by_role("combobox").or_(page.get_by_role("radio").first)).to_be_focused()
    pages.answer(page, FIRST)
    pages.expect_page(page, pages.title(SECOND))
    pages.go_on(page)
    expect(page).to_have_title(f"Error: {pages.title(SECOND)}")


def test_every_page_can_be_refreshed_and_back_shows_the_answers_given(window, user):
    page = window(user)
    page.goto("/")
    for question in DEFAULT:
        page.reload()
        pages.answer(page, question)
    pages.expect_page(page, REVIEW)
    page.reload()
    pages.expect_answers(page)
    for question in reversed(DEFAULT.questions):
        page.get_by_role("navigation", name="Previous step").get_by_role("link").click()
        expect(page.get_by_label(pages.title(question))).to_have_value(SOME[question.name])
    expect(page.get_by_role("link", name="Back to your answers")).to_be_visible()
    for question in DEFAULT.questions[1:]:
        page.go_back()
        expect(page.get_by_label(pages.title(question))).to_have_value(SOME[question.name])
    page.go_back()
    pages.expect_answers(page)
    pages.confirm(page)
    pages.expect_profile(page)
    page.reload()
    pages.expect_profile(page)


def test_a_double_click_confirms_once(window, environment, user):
    page = window(user)
    page.goto(pages.review_url(SOME))
    button = page.get_by_role("button", name="Confirm and finish").bounding_box()
    with psycopg.connect(environment.database_url) as connection:
        # Holds up the user's saves until both clicks are sent.
        insert_profile(connection, user.id, OTHER, is_onboarded=True)
        for _ in range(2):
            click_to_send(page, button)
        connection.rollback()
    pages.expect_profile(page)
    expect(page.get_by_text("You had already")).to_have_count(0)
    assert pages.stored_profile(environment, user.id) == {**SOME, "is_onboarded": True}


def click_to_send(page: Page, button: FloatRect) -> None:
    """Click where a button is and wait for its form to be sent, but not for the answer.

    Locator.click would wait for the answer to the form sent before.
    """
    with page.expect_request(lambda request: request.method == "POST"):
        page.mouse.click(button["x"] + button["width"] / 2, button["y"] + button["height"] / 2)


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the element has the focus; no page has more than a few stops."""
    for _ in range(len(DEFAULT) + 6):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    expect(target).to_be_focused()


def described_by(field: Locator) -> str:
    """Return the text that describes a field or a group."""
    return field.evaluate(
        "field => field.getAttribute('aria-describedby').split(' ')"
        ".map((id) => document.getElementById(id).textContent).join(' ')"
    )
