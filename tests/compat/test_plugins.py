"""Main sites with Better-Auth's plugins, and what those make of a session."""

from datetime import timedelta

import psycopg
import pytest

from tests.compat.deployment import PASSWORD, Deployment, User
from tests.compat.presets import PLUGINS, with_presets
from tests.compat.situations import assert_situation
from tests.compat.walk import assert_profile, onboard, walk
from tests.questionnaires import DEFAULT, insert_profile, other_answers, some_answers

pytestmark = pytest.mark.slow
PLUGGED = ("admin and anonymous, Drizzle", "admin and anonymous, asked over HTTP")
FIRST = f"/onboarding/{DEFAULT.questions[0].slug}"


@with_presets(*PLUGINS)
def test_everything_works(deployment: Deployment) -> None:
    walk(deployment)


@with_presets(*PLUGGED)
def test_a_ban_counts_at_once_and_as_long_as_it_lasts(deployment: Deployment) -> None:
    browser, admin = deployment.browser(), deployment.browser()
    user = deployment.sign_up(browser)
    bans = {"alone": None, "until later": timedelta(1), "until earlier": timedelta(-1)}
    for until, ends_in in bans.items():
        deployment.ban(user, ends_in)
        assert_situation(f"banned in the database {until}", deployment, browser)
    deployment.change(deployment.sign_up(admin), "role = 'admin'")
    deployment.request(admin, "/admin/ban-user", {"userId": user.id})
    assert_situation("banned by the endpoint", deployment, browser)
    deployment.request(admin, "/admin/unban-user", {"userId": user.id})
    deployment.sign_in(browser, user)
    assert deployment.verdict(browser) == "in"


@with_presets(*PLUGGED)
def test_an_administrator_sees_what_a_user_sees_but_cannot_confirm(deployment: Deployment) -> None:
    browser, admin = deployment.browser(), deployment.browser()
    user = deployment.sign_up(browser)
    deployment.change(deployment.sign_up(admin, name="Grace Hopper"), "role = 'admin'")
    review = deployment.visit(browser)
    for name, value in some_answers().items():
        review = review.submit(**{name: value})

    deployment.request(admin, "/admin/impersonate-user", {"userId": user.id})
    page = deployment.visit(admin)
    assert page.path == "/onboarding/review"
    assert user.email in page.text
    # The review has no form then; the token of a question's form would do.
    confirmed = deployment.visit(admin, FIRST).submit(page.url, **other_answers())
    assert confirmed.response.status_code == 403
    assert deployment.visit(browser).path == "/onboarding/review"

    deployment.request(admin, "/admin/stop-impersonating", {})
    assert deployment.visit(admin).path == FIRST
    assert review.submit().path == "/profile"


@with_presets(*PLUGGED)
def test_a_guest_is_asked_to_create_an_account_and_then_answers(deployment: Deployment) -> None:
    browser = deployment.browser()
    created = deployment.request(browser, "/sign-in/anonymous", {}).json()["user"]
    guest = User(created["id"], created["name"], created["email"])
    assert_situation("a guest", deployment, browser)
    assert "as a guest" in deployment.visit(browser).text
    # As an onboarding of the site's own might have left it.
    with psycopg.connect(deployment.schema.url(), autocommit=True) as connection:
        insert_profile(connection, guest.id, some_answers())
    user = deployment.sign_up(browser)
    assert user.id != guest.id
    assert deployment.rows(guest) == (0, 0)
    onboard(deployment, browser, user)


# Columns of the user and of the session that change nothing.
HARMLESS = (
    ("emailVerified", "true"),
    ("role", "'admin'"),
    ("banned", "NULL"),
    ("banned", "false"),
    ("banExpires", "'2099-01-01'"),
    ("isAnonymous", "false"),
)


@with_presets(*PLUGGED)
def test_a_user_in_any_other_state_is_let_in(deployment: Deployment) -> None:
    browser = deployment.browser()
    user = deployment.sign_up(browser)
    for field, value in HARMLESS:
        deployment.change(user, f"{deployment.column(field)} = {value}")
        assert deployment.verdict(browser) == "in", (field, value)
    deployment.change_session(user, f"{deployment.column('impersonatedBy')} = 'an admin'")
    assert deployment.verdict(browser) == "in"


@with_presets("bearer")
def test_a_bearer_token_is_no_cookie(deployment: Deployment) -> None:
    browser, without = deployment.browser(), deployment.browser()
    deployment.sign_up(browser)
    without.client.headers["Authorization"] = f"Bearer {browser.session_token()}"
    assert_situation("a bearer token without a cookie", deployment, without)


@with_presets("multi-session")
def test_of_two_accounts_in_one_browser_the_active_one_counts(deployment: Deployment) -> None:
    browser = deployment.browser()
    user = deployment.sign_up(browser)
    onboard(deployment, browser, user)
    token = browser.session_token()
    deployment.sign_up(browser, name="Grace Hopper")
    assert deployment.visit(browser).path == FIRST
    deployment.request(browser, "/multi-session/set-active", {"sessionToken": token})
    assert_profile(deployment, browser, user)


@with_presets("two-factor")
def test_the_password_is_not_enough_with_a_second_factor(deployment: Deployment) -> None:
    browser = deployment.browser()
    user = deployment.sign_up(browser)
    onboard(deployment, browser, user)
    enabled = deployment.request(browser, "/two-factor/enable", {"password": PASSWORD}).json()
    deployment.request(browser, "/sign-out", {})
    assert deployment.sign_in(browser, user).json()["twoFactorRedirect"] is True
    assert_situation("the password alone, before the second factor", deployment, browser)
    code = {"code": enabled["backupCodes"][0]}
    deployment.request(browser, "/two-factor/verify-backup-code", code)
    assert_situation("after the second factor", deployment, browser)
    assert_profile(deployment, browser, user)
