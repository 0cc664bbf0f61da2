"""The main job at top level: sign up on the main site, answer, confirm, see the profile."""

import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Stage
from tests.e2e.pages import (
    PYTHON,
    REVIEW,
    ROLE,
    answer_both,
    choose,
    confirm,
    create_account,
    expect_answers,
    expect_page,
    expect_profile,
    go_on,
    sign_in,
    sign_out,
)
from tests.visitor import Person

WIZARD = (
    "/onboarding/",
    "/onboarding/python-proficiency",
    "/onboarding/developer-role",
    "/onboarding/review",
    "/onboarding/review?python_proficiency=Beginner&developer_role=Backend%20Developer",
)


@pytest.fixture
def email() -> str:
    return f"{secrets.token_hex(8)}@example.test"


def test_a_newcomer_is_asked_once_and_has_a_profile_for_good(
    page: Page, stage: Stage, served_app: str, email: str
) -> None:
    page.goto("/profile")
    assert page.url.startswith(f"{stage.site.url}/sign-in?")
    assert parse_qs(urlsplit(page.url).query) == {"callbackURL": [f"{served_app}/profile"]}

    page.get_by_role("link", name="Create account").click()
    create_account(page, "Grace Hopper", email)
    expect_page(page, PYTHON)
    expect(page.get_by_text("Step 1 of 3")).to_be_visible()
    assert page.url.startswith(f"{served_app}/onboarding/python-proficiency")
    answer_both(page, "Intermediate", "Frontend developer")

    expect(page.get_by_text("Step 3 of 3")).to_be_visible()
    expect_answers(page, "Intermediate", "Frontend developer")
    expect(page.get_by_text("Grace Hopper")).to_be_visible()
    expect(page.get_by_text(email)).to_be_visible()
    expect(page.get_by_role("button", name="Confirm")).to_have_accessible_description(
        "These answers are final. Once you confirm, they can't be changed. "
        "If something isn't right, change it now."
    )

    page.get_by_role("link", name="Change Developer role").click()
    expect_page(page, ROLE)
    expect(page.get_by_label(ROLE)).to_have_value("Frontend Developer")
    choose(page, "None of these")
    go_on(page)
    expect_page(page, REVIEW)
    expect_answers(page, "Intermediate", "None of these")
    assert profile_of(stage, email) == ("Intermediate", "None", False)

    confirm(page)
    expect_profile(page, "Intermediate", "None of these")
    assert page.url == f"{served_app}/profile"
    assert profile_of(stage, email) == ("Intermediate", "None", True)

    page.go_back()
    expect_profile(page, "Intermediate", "None of these")
    page.reload()
    expect_profile(page, "Intermediate", "None of these")
    for path in WIZARD:
        page.goto(path)
        expect_profile(page, "Intermediate", "None of these")
        assert urlsplit(page.url).path == "/profile"

    sign_out(page, stage.site.url)
    page.goto(f"{served_app}/profile")
    sign_in(page, email)
    expect_profile(page, "Intermediate", "None of these")
    assert profile_of(stage, email) == ("Intermediate", "None", True)


def test_a_draft_is_taken_up_again_in_another_browser(
    window: Callable[..., Page], stage: Stage, real_ada: Person
) -> None:
    first = window(real_ada)
    first.goto("/")
    answer_both(first, "Advanced", "Full stack developer")
    first.context.close()

    second = window()
    second.goto("/profile")
    sign_in(second, real_ada.email)
    expect_page(second, REVIEW)
    expect_answers(second, "Advanced", "Full stack developer")
    confirm(second)
    expect_profile(second, "Advanced", "Full stack developer")


def test_the_main_sites_invitation_leads_through_the_wizard_and_back_to_the_site(
    window: Callable[..., Page], stage: Stage, ada: Person
) -> None:
    page = window(ada)
    page.goto(stage.site.url)
    page.get_by_role("link", name="Set up your profile").click()
    answer_both(page, "Beginner", "Backend developer")
    confirm(page)
    expect_page(page, "Your account")
    assert page.url == f"{stage.site.url}/"
    expect(page.get_by_text("Beginner")).to_be_visible()

    page.get_by_role("link", name="See your profile").click()
    expect_profile(page, "Beginner", "Backend developer")
    page.get_by_role("link", name="Continue to the main site").click()
    expect_page(page, "Your account")


def test_the_page_that_was_wanted_comes_after_the_last_answer(
    window: Callable[..., Page], served_app: str, ada: Person
) -> None:
    page = window(ada)
    page.goto("/profile?from=newsletter")
    answer_both(page, "Beginner", "None of these")
    confirm(page)
    expect_profile(page, "Beginner", "None of these")
    assert page.url == f"{served_app}/profile?from=newsletter"


def test_deleting_the_account_takes_the_finished_profile_along(
    window: Callable[..., Page], stage: Stage, ada: Person
) -> None:
    page = window(ada)
    page.goto("/")
    answer_both(page, "Advanced", "None of these")
    confirm(page)
    expect_profile(page, "Advanced", "None of these")

    page.goto(stage.site.url)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete account").click()
    expect_page(page, "Learn by building")
    assert profile_of(stage, ada.email) is None
    assert stage.sql('SELECT 1 FROM "user" WHERE id = %s', ada.user_id) == []
    assert stage.sql("SELECT 1 FROM user_profile WHERE user_id = %s", ada.user_id) == []


def test_a_name_with_markup_is_shown_as_it_was_written(
    window: Callable[..., Page], sign_up: Callable[..., Person]
) -> None:
    name = '<img src=x onerror=alert(1)><script>alert(2)</script>"'
    page = window(sign_up(name))
    opened: list[str] = []
    page.on("dialog", lambda dialog: (opened.append(dialog.message), dialog.dismiss()))
    page.goto("/")
    answer_both(page, "Beginner", "None of these")
    expect(page.get_by_text(name, exact=True)).to_be_visible()
    confirm(page)
    expect_profile(page, "Beginner", "None of these")
    expect(page.get_by_text(name, exact=True)).to_be_visible()
    assert opened == []


def profile_of(stage: Stage, email: str) -> tuple | None:
    """Give the stored answers and whether they are final, straight from the table."""
    rows = stage.sql(
        "SELECT python_proficiency, developer_role, is_onboarded FROM user_profile "
        'JOIN "user" ON id = user_id WHERE email = %s',
        email,
    )
    return rows[0] if rows else None
