"""The wizard's pages under a person's hands: keyboard, mistakes, Back, refresh, several tabs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from playwright.sync_api import FloatRect, Locator, Page, expect

from onboarding.profiles.questions import QUESTIONS
from tests.conftest import Stage
from tests.e2e.pages import (
    PROFILE,
    PYTHON,
    REVIEW,
    ROLE,
    answer_both,
    choose,
    confirm,
    expect_answers,
    expect_page,
    expect_profile,
    go_on,
    heading,
    wizard_query,
)
from tests.visitor import Person

Window = Callable[..., Page]


def test_all_of_it_works_without_javascript(
    window: Window, either_app: str, stage: Stage, ada: Person
) -> None:
    page = window(ada, base_url=either_app, java_script_enabled=False)
    page.goto("/")
    go_on(page)
    expect(page.get_by_role("alert")).to_be_focused()
    choose(page, "Beginner")
    go_on(page)
    expect(heading(page, ROLE)).to_be_focused()
    choose(page, "Full stack developer")
    go_on(page)
    expect(heading(page, REVIEW)).to_be_focused()
    page.get_by_role("link", name="Change Python proficiency").click()
    choose(page, "Advanced")
    go_on(page)
    expect_answers(page, "Advanced", "Full stack developer")
    confirm(page)
    expect_profile(page, "Advanced", "Full stack developer")
    assert row_of(stage, ada) == ("Advanced", "Full Stack Developer", True)


def test_all_of_it_works_with_the_keyboard_alone(
    window: Window, served_app: str, ada: Person
) -> None:
    page = window(ada)
    page.goto("/")
    tab_to(page, page.get_by_label(PYTHON))
    press(page, "ArrowDown", "ArrowDown")
    tab_to(page, page.get_by_role("button", name="Continue"))
    press(page, "Enter")
    expect_page(page, ROLE)
    tab_to(page, page.get_by_label(ROLE))
    press(page, "ArrowDown", "ArrowDown", "ArrowDown")
    tab_to(page, page.get_by_role("button", name="Continue"))
    press(page, "Enter")
    expect_page(page, REVIEW)
    expect_answers(page, "Intermediate", "Full stack developer")
    tab_to(page, page.get_by_role("link", name="Change Developer role"))
    press(page, "Enter")
    expect_page(page, ROLE)
    tab_to(page, page.get_by_label(ROLE))
    press(page, "ArrowUp")
    tab_to(page, page.get_by_role("button", name="Continue"))
    press(page, "Space")
    expect_page(page, REVIEW)
    tab_to(page, page.get_by_role("button", name="Confirm and finish"))
    press(page, "Enter")
    expect_profile(page, "Intermediate", "Backend developer")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.goto("/profile")
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_the_cards_work_with_the_keyboard_alone(
    window: Window, cards_app: str, ada: Person
) -> None:
    page = window(ada, base_url=cards_app)
    page.goto("/")
    tab_to(page, page.get_by_role("radio", name="Beginner"))
    press(page, "ArrowDown", "ArrowDown")
    expect(page.get_by_role("radio", name="Advanced")).to_be_checked()
    press(page, "Enter")
    expect_page(page, ROLE)
    tab_to(page, page.get_by_role("radio", name="Frontend developer"))
    press(page, "Space")
    tab_to(page, page.get_by_role("button", name="Continue"))
    press(page, "Enter")
    expect_page(page, REVIEW)
    tab_to(page, page.get_by_role("button", name="Confirm and finish"))
    press(page, "Enter")
    expect_profile(page, "Advanced", "Frontend developer")


def test_a_question_sent_without_an_answer_leads_to_the_field_and_back_still_works(
    window: Window, either_app: str, ada: Person
) -> None:
    page = window(ada, base_url=either_app)
    page.goto("/onboarding/python-proficiency")
    field = page.get_by_role("combobox").or_(page.get_by_role("radio", name="Beginner"))
    expect(page).to_have_title(PYTHON)
    expect(page.get_by_role("alert")).to_have_count(0)

    go_on(page)
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("There is a problem")
    expect(page).to_have_title(f"Error: {PYTHON}")
    expect(page.get_by_text("Choose your Python level")).to_have_count(2)

    page.go_back()
    expect(page).to_have_title(PYTHON)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.go_forward()
    expect(page).to_have_title(f"Error: {PYTHON}")
    page.reload()
    expect(page).to_have_title(f"Error: {PYTHON}")

    page.get_by_role("link", name="Choose your Python level").click()
    expect(field).to_be_focused()
    choose(page, "Beginner")
    go_on(page)
    expect_page(page, ROLE)
    go_on(page)
    expect(page).to_have_title(f"Error: {ROLE}")
    choose(page, "Frontend developer")
    go_on(page)
    expect_answers(page, "Beginner", "Frontend developer")


def test_the_drop_down_says_what_is_wrong_with_it(window: Window, ada: Person) -> None:
    page = window(ada)
    page.goto("/onboarding/python-proficiency")
    field = page.get_by_label(PYTHON)
    meanings = " ".join(
        f"{option.label}: {option.hint}" for option in QUESTIONS[0].options.values()
    )
    expect(field).to_have_accessible_description(
        f"Choose the level that fits you today. {meanings}"
    )
    go_on(page)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(
        f"Choose the level that fits you today. Choose your Python level {meanings}"
    )


def test_every_page_can_be_refreshed(window: Window, ada: Person) -> None:
    page = window(ada)
    page.goto("/")
    page.reload()
    expect_page(page, PYTHON)
    choose(page, "Advanced")
    go_on(page)
    expect_page(page, ROLE)
    page.reload()
    expect_page(page, ROLE)
    choose(page, "None of these")
    go_on(page)
    expect_page(page, REVIEW)
    page.reload()
    expect_answers(page, "Advanced", "None of these")
    confirm(page)
    expect_page(page, PROFILE)
    page.reload()
    expect_profile(page, "Advanced", "None of these")


def test_the_back_link_and_the_back_button_show_the_answers_given(
    window: Window, ada: Person
) -> None:
    page = window(ada)
    page.goto("/")
    answer_both(page, "Advanced", "Backend developer")
    page.get_by_role("navigation", name="Previous step").get_by_role("link").click()
    expect(page.get_by_label(ROLE)).to_have_value("Backend Developer")
    page.get_by_role("navigation", name="Previous step").get_by_role("link").click()
    expect(page.get_by_label(PYTHON)).to_have_value("Advanced")
    expect(page.get_by_role("link", name="Back to your answers")).to_be_visible()
    page.go_back()
    expect(page.get_by_label(ROLE)).to_have_value("Backend Developer")
    page.go_back()
    expect_answers(page, "Advanced", "Backend developer")


def test_of_two_tabs_the_first_to_confirm_wins_and_the_other_is_shown_the_saved_answers(
    window: Window, stage: Stage, ada: Person
) -> None:
    first = window(ada)
    second = first.context.new_page()
    first.goto("/")
    answer_both(first, "Beginner", "None of these")
    second.goto("/")
    for change, answer in (
        ("Python proficiency", "Advanced"),
        ("Developer role", "Backend developer"),
    ):
        second.get_by_role("link", name=f"Change {change}").click()
        choose(second, answer)
        go_on(second)
    expect_answers(second, "Advanced", "Backend developer")
    expect_answers(first, "Beginner", "None of these")

    confirm(first)
    expect_profile(first, "Beginner", "None of these")
    confirm(second)
    expect_profile(second, "Beginner", "None of these")
    expect(second.get_by_text("You had already confirmed your answers")).to_be_visible()
    expect(first.get_by_text("You had already")).to_have_count(0)
    assert row_of(stage, ada) == ("Beginner", "None", True)


def test_an_old_tab_with_a_question_leads_to_the_profile(
    window: Window, stage: Stage, ada: Person
) -> None:
    old = window(ada)
    old.goto("/")
    choose(old, "Advanced")
    new = old.context.new_page()
    new.goto(wizard_query("Beginner", "Backend Developer"))
    confirm(new)
    expect_profile(new, "Beginner", "Backend developer")
    go_on(old)
    expect_profile(old, "Beginner", "Backend developer")
    assert row_of(stage, ada) == ("Beginner", "Backend Developer", True)


def test_a_double_click_sends_two_forms_and_confirms_once(
    window: Window, stage: Stage, ada: Person
) -> None:
    page = window(ada)
    page.goto(wizard_query("Intermediate", "Backend Developer"))
    button = page.get_by_role("button", name="Confirm and finish").bounding_box()
    with another_save(stage, ada) as held:
        click_to_send(page, button)
        click_to_send(page, button)
        held.rollback()
    expect_profile(page, "Intermediate", "Backend developer")
    expect(page.get_by_text("You had already")).to_have_count(0)
    assert row_of(stage, ada) == ("Intermediate", "Backend Developer", True)


def test_of_two_confirmations_at_the_same_moment_the_first_wins(
    window: Window, stage: Stage, ada: Person
) -> None:
    page = window(ada)
    page.goto(wizard_query("Intermediate", "Backend Developer"))
    button = page.get_by_role("button", name="Confirm and finish").bounding_box()
    with another_save(stage, ada) as held:
        click_to_send(page, button)
        held.commit()
    expect_profile(page, "Beginner", "None of these")
    assert row_of(stage, ada) == ("Beginner", "None", True)


@contextmanager
def another_save(stage: Stage, person: Person) -> Iterator[psycopg.Connection]:
    """Confirm other answers without committing, which holds up every other save of the person."""
    with psycopg.connect(stage.database_url) as held:
        held.execute(
            "INSERT INTO user_profile (user_id, python_proficiency, developer_role, is_onboarded) "
            "VALUES (%s, 'Beginner', 'None', true)",
            [person.user_id],
        )
        yield held


def click_to_send(page: Page, button: FloatRect) -> None:
    """Click where a button is and wait for its form to be sent, but not for the answer.

    Locator.click would wait for the answer to the form sent before.
    """
    with page.expect_request(lambda request: request.method == "POST"):
        page.mouse.click(button["x"] + button["width"] / 2, button["y"] + button["height"] / 2)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the element has the focus; no page has more than a few stops."""
    for _ in range(8):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    expect(target).to_be_focused()


def row_of(stage: Stage, person: Person) -> tuple:
    """Give the person's row, of which there must be exactly one."""
    (row,) = stage.sql(
        "SELECT python_proficiency, developer_role, is_onboarded FROM user_profile "
        "WHERE user_id = %s",
        person.user_id,
    )
    return row
