"""The pages by the names that people and screen readers know, and what one does on them."""

from urllib.parse import quote

from playwright.sync_api import BrowserContext, FrameLocator, Locator, Page, expect

from tests.visitor import Person

PYTHON = "How well do you know Python?"
ROLE = "What kind of developer are you?"
REVIEW = "Check your answers"
PROFILE = "Your profile"
SIGNED_OUT = "Sign in to continue"

PASSWORD = "correct horse battery"

Where = Page | FrameLocator

# For a page to begin with: `jumps` tells how far anything was moved, from the first layout on.
WATCH_JUMPS = """
  window.jumps = [];
  new PerformanceObserver((list) => jumps.push(...list.getEntries().map(({ value }) => value)))
    .observe({ type: "layout-shift", buffered: true });
"""


def enter(context: BrowserContext, person: Person, *, same_site: str = "Lax") -> None:
    """Give the window the session cookie as the main site sets it, or with another SameSite."""
    name, _, value = person.cookie.partition("=")
    context.add_cookies(
        [
            {
                "name": name,
                "value": value,
                "domain": "localhost",
                "path": "/",
                "httpOnly": True,
                "sameSite": same_site,
                "secure": same_site == "None",
            }
        ]
    )


def heading(where: Where, name: str) -> Locator:
    return where.get_by_role("heading", level=1, name=name, exact=True)


def expect_page(where: Where, name: str) -> None:
    """Wait for the page with this heading."""
    expect(heading(where, name)).to_be_visible()


def choose(where: Where, answer: str) -> None:
    """Choose an answer on a question's page, whichever widget offers it."""
    drop_down = where.get_by_role("combobox")
    card = where.get_by_role("radio", name=answer, exact=True)
    expect(drop_down.or_(card)).to_be_visible()
    if card.count():
        where.get_by_text(answer, exact=True).click()
        expect(card).to_be_checked()
    else:
        drop_down.select_option(answer)


def go_on(where: Where) -> None:
    where.get_by_role("button", name="Continue").click()


def confirm(where: Where) -> None:
    where.get_by_role("button", name="Confirm and finish").click()


def answer_both(where: Where, proficiency: str, role: str) -> None:
    """Answer the two questions, which ends at the review."""
    expect_page(where, PYTHON)
    choose(where, proficiency)
    go_on(where)
    expect_page(where, ROLE)
    choose(where, role)
    go_on(where)
    expect_page(where, REVIEW)


def expect_answers(where: Where, proficiency: str, role: str) -> None:
    """Wait for a page that shows these two answers, by their labels."""
    for term, answer in (("Python proficiency", proficiency), ("Developer role", role)):
        row = where.get_by_role("term").filter(has_text=term).locator("..")
        expect(row.get_by_role("definition").first).to_have_text(answer)


def expect_profile(where: Where, proficiency: str, role: str) -> None:
    """Wait for the read-only profile with these answers."""
    expect_page(where, PROFILE)
    expect_answers(where, proficiency, role)
    expect(where.get_by_role("button")).to_have_count(0)
    expect(where.get_by_role("link", name="Change")).to_have_count(0)


def wizard_query(proficiency: str, role: str, **more: str) -> str:
    """Give the review's address with both answers known, as a link may carry them."""
    values = {"python_proficiency": proficiency, "developer_role": role, **more}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
    return f"/onboarding/review?{query}"


def create_account(page: Page, name: str, email: str) -> None:
    """Fill in the main site's form for new people."""
    expect_page(page, "Create account")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()


def sign_in(page: Page, email: str) -> None:
    """Fill in the main site's sign-in form."""
    expect_page(page, "Sign in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page, site_url: str) -> None:
    """Sign out on the main site, in this window's cookies."""
    page.goto(site_url)
    page.get_by_role("button", name="Sign out").click()
    expect_page(page, "Learn by building")
