"""The pages by the names that people and screen readers know, and what a user does on them."""

from collections.abc import Mapping
from urllib.parse import urlencode

import psycopg
from playwright.sync_api import BrowserContext, FrameLocator, Locator, Page, expect

from onboarding.questions import Question
from tests.conftest import Environment
from tests.questionnaires import DEFAULT, insert_profile, other_answers, some_answers
from tests.users import User

FIRST, SECOND, LAST = DEFAULT.questions[0], DEFAULT.questions[1], DEFAULT.questions[-1]
STEPS = [*DEFAULT.by_slug, "review"]
SOME, OTHER = some_answers(), other_answers()

REVIEW = "Check your answers"
PROFILE = "Your profile"
SIGNED_OUT = "Sign in to continue"
UNVERIFIED = "We couldn't verify that request"

PASSWORD = "correct horse battery"

Where = Page | FrameLocator

# For a page to begin with: `jumps` tells how far anything was moved, from the first layout on.
WATCH_JUMPS = """
  window.jumps = [];
  new PerformanceObserver((list) => jumps.push(...list.getEntries().map(({ value }) => value)))
    .observe({ type: "layout-shift", buffered: true });
"""


def title(question: Question) -> str:
    return question.title["en"]


def label(question: Question, answers: Mapping[str, str]) -> str:
    """Return what a user reads for their answer."""
    return question.option(answers[question.name]).label["en"]


def path(question: Question) -> str:
    return f"/onboarding/{question.slug}"


def review_url(answers: Mapping[str, str], **more: str) -> str:
    """Return the review's URL with these answers, as a link may carry them."""
    return f"/onboarding/review?{urlencode({**answers, **more})}"


def sign_in_by_cookie(
    context: BrowserContext, user: User, *, domain: str = "localhost", same_site: str = "Lax"
) -> None:
    """Set the session cookie as the main site sets it, or with another domain or SameSite."""
    name, _, value = user.cookie.partition("=")
    cookie = {"name": name, "value": value, "domain": domain, "path": "/", "httpOnly": True}
    context.add_cookies([{**cookie, "sameSite": same_site, "secure": same_site == "None"}])


def heading(where: Where, name: str) -> Locator:
    return where.get_by_role("heading", level=1, name=name, exact=True)


def expect_page(where: Where, name: str) -> None:
    """Wait for the page with this heading."""
    expect(heading(where, name)).to_be_visible()


def choose(where: Where, question: Question, answers: Mapping[str, str]) -> None:
    """Choose an answer on a question's page, whichever widget offers it."""
    expect_page(where, title(question))
    text = label(question, answers)
    card = where.get_by_role("radio", name=text, exact=True)
    if card.count():
        where.get_by_text(text, exact=True).click()
        expect(card).to_be_checked()
    else:
        where.get_by_role("combobox").select_option(text)


def go_on(where: Where) -> None:
    where.get_by_role("button", name="Continue").click()


def answer(where: Where, question: Question, answers: Mapping[str, str] = SOME) -> None:
    """Choose an answer and press "Continue"."""
    choose(where, question, answers)
    go_on(where)


def answer_all(where: Where, answers: Mapping[str, str] = SOME) -> None:
    """Answer every question, which ends at the review."""
    for question in DEFAULT:
        answer(where, question, answers)
    expect_page(where, REVIEW)


def confirm(where: Where) -> None:
    where.get_by_role("button", name="Confirm and finish").click()


def finish(where: Where, answers: Mapping[str, str] = SOME) -> None:
    """Answer every question and confirm, which ends at the profile."""
    answer_all(where, answers)
    confirm(where)
    expect_profile(where, answers)


def expect_answers(where: Where, answers: Mapping[str, str] = SOME) -> None:
    """Wait for a page that shows these answers, by their labels."""
    for question in DEFAULT:
        row = where.get_by_role("term").filter(has_text=question.heading["en"]).locator("..")
        expect(row.get_by_role("definition").first).to_have_text(label(question, answers))


def expect_profile(where: Where, answers: Mapping[str, str] = SOME) -> None:
    """Wait for the read-only profile with these answers."""
    expect_page(where, PROFILE)
    expect_answers(where, answers)
    expect(where.get_by_role("button")).to_have_count(0)
    expect(where.get_by_role("link", name="Change")).to_have_count(0)


def stored_profile(environment: Environment, user_id: str) -> dict[str, object] | None:
    """Return the stored answers and `is_onboarded`, straight from the table."""
    rows = environment.sql(
        "SELECT to_jsonb(p) - 'user_id' - 'created_at' - 'updated_at' FROM user_profile p "
        "WHERE user_id = %s",
        user_id,
    )
    return rows[0][0] if rows else None


def store_profile(
    environment: Environment, user: User, answers: Mapping[str, str], *, is_onboarded: bool
) -> None:
    with psycopg.connect(environment.database_url) as connection:
        insert_profile(connection, user.id, answers, is_onboarded=is_onboarded)


def create_account(page: Page, name: str, email: str) -> None:
    """Fill in the main site's form for new users."""
    _fill_in(page, "Create account", Name=name, Email=email, Password=PASSWORD)


def sign_in(page: Page, email: str) -> None:
    """Fill in the main site's sign-in form."""
    _fill_in(page, "Sign in", Email=email, Password=PASSWORD)


def _fill_in(page: Page, title: str, **fields: str) -> None:
    expect_page(page, title)
    for label, text in fields.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name=title).click()


def sign_out(page: Page, site_url: str) -> None:
    """Sign out on the main site, in this window's cookies."""
    page.goto(site_url)
    page.get_by_role("button", name="Sign out").click()
    expect_page(page, "Learn by building")
