"""The walk that every supported main site must allow, from signing up to being deleted."""

from tests.compat.browser import Browser
from tests.compat.deployment import Deployment, User
from tests.questionnaires import DEFAULT, some_answers

ANSWERS = some_answers()


def walk(deployment: Deployment) -> None:
    """Sign up, answer, sign out and in again, and delete the account, each for real."""
    browser = deployment.browser()
    user = deployment.sign_up(browser)
    deployment.preset.check(deployment, browser)
    onboard(deployment, browser, user)
    deployment.request(browser, "/sign-out", {})
    assert deployment.verdict(browser) == "out"
    deployment.sign_in(browser, user)
    assert_profile(deployment, browser, user)
    assert deployment.verdict(browser) == "in"
    # The profile goes along with the account.
    deployment.request(browser, "/delete-user", {})
    assert deployment.rows(user) == (0, 0)
    assert deployment.verdict(browser) == "out"


def onboard(deployment: Deployment, browser: Browser, user: User) -> None:
    """Answer every question and confirm."""
    page = deployment.visit(browser)
    for question in DEFAULT:
        assert page.path == f"/onboarding/{question.slug}", page.text
        page = page.submit(**{question.name: ANSWERS[question.name]})
    assert page.path == "/onboarding/review", page.text
    assert page.submit().path == "/profile"
    assert_profile(deployment, browser, user)
    assert deployment.rows(user) == (1, 1)


def assert_profile(deployment: Deployment, browser: Browser, user: User) -> None:
    page = deployment.visit(browser)
    assert page.path == "/profile", page.text
    labels = [question.option(ANSWERS[question.name]).label["en"] for question in DEFAULT]
    for text in (user.name, user.email, *labels):
        assert text in page.text
