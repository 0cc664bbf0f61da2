"""Main sites of every kind: the whole way through each, and who is let in where it isn't plain."""

import logging
from dataclasses import replace
from datetime import timedelta
from itertools import product

import httpx
import psycopg
import pytest

from tests.compat.browser import Browser
from tests.compat.conftest import Open
from tests.compat.deployment import PASSWORD, Deployment, User
from tests.compat.presets import BY_NAME, OLDER, OLDER_ALONE, ZONES, with_presets
from tests.questionnaires import DEFAULT, insert_profile, other_answers, some_answers

pytestmark = pytest.mark.slow
ANSWERS = some_answers()
FIRST = f"/onboarding/{DEFAULT.questions[0].slug}"
with_plugins = with_presets("admin and anonymous, Drizzle", "admin and anonymous, asked over HTTP")
with_more_plugins = with_presets("bearer, multi-session and two-factor")


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


@with_presets(*(name for name, preset in BY_NAME.items() if preset.result == "works"))
def test_from_signing_up_to_deleting_the_account_everything_works(deployment: Deployment) -> None:
    browser = deployment.browser()
    user = deployment.sign_up(browser)
    deployment.assert_in_force(browser)
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


@pytest.mark.parametrize("version", BY_NAME["versioned secrets"].versions)
def test_a_new_secret_signs_everybody_out_on_both_sides(version: str, open_preset: Open) -> None:
    after = BY_NAME["versioned secrets"]
    settings = {"BETTER_AUTH_SECRETS": f"1:{OLDER}"}
    with open_preset(replace(after, options=OLDER_ALONE, settings=settings), version) as deployment:
        browser = deployment.browser()
        user = deployment.sign_up(browser)
        assert deployment.verdict(browser) == "in"
        schema = deployment.schema
    with open_preset(after, version, schema) as deployment:
        cookies, browser = browser.client.cookies, deployment.browser()
        browser.client.cookies = cookies
        deployment.assert_situation("the secrets are rotated: a cookie of before", browser)
        deployment.sign_in(browser, user)
        deployment.assert_situation("the secrets are rotated: after signing in again", browser)


@with_presets("default")
def test_a_session_that_has_ended_has_ended_on_both_sides(deployment: Deployment) -> None:
    browser, other = deployment.browser(), deployment.browser()
    user = deployment.sign_up(browser)
    deployment.sign_in(other, user)
    deployment.request(other, "/revoke-other-sessions", {})
    deployment.assert_situation("the session was revoked", browser)
    assert deployment.verdict(other) == "in"
    deployment.expire(user, timedelta(seconds=1))
    deployment.assert_situation("the session has expired", other)


@with_presets("cookie cache, compact")
def test_the_cookie_cache_alone_signs_nobody_in(deployment: Deployment) -> None:
    browser = deployment.browser()
    deployment.sign_up(browser)
    browser.client.cookies.delete("better-auth.session_token")
    situation = "the cookie cache alone, without the session cookie"
    deployment.assert_situation(situation, browser)


@with_presets(*(name for name, preset in BY_NAME.items() if preset.zones == ZONES))
def test_no_time_zone_shortens_or_prolongs_a_session_or_a_ban(deployment: Deployment) -> None:
    browser = deployment.browser()
    user = deployment.sign_up(browser)
    half_an_hour = timedelta(minutes=30)
    for ban_ends_in, verdict in ((half_an_hour, "out here, in there"), (-half_an_hour, "in")):
        deployment.ban(user, ban_ends_in)
        assert deployment.verdict(browser) == verdict
    deployment.expire(user, half_an_hour)
    assert deployment.verdict(browser) == "out"


@pytest.mark.parametrize("version", BY_NAME["Redis alone"].versions)
def test_sessions_in_redis_alone_are_refused_and_the_log_says_what_to_set(
    version: str, open_preset: Open, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), open_preset(BY_NAME["Redis alone"], version) as deployment:
        messages = "\n".join(record.getMessage() for record in caplog.records)
        browser = deployment.browser()
        deployment.sign_up(browser)
        deployment.assert_in_force(browser)
        assert deployment.visit(browser).response.status_code == 503
    for words in (
        "not ready: table session was not found",
        "session.storeSessionInDatabase",
        "SESSION_SOURCE=http",
    ):
        assert words in messages


@with_presets("Redis, sessions in the database too")
def test_a_session_in_one_of_two_places(deployment: Deployment) -> None:
    browser, second = deployment.browser(), deployment.browser()
    deployment.sign_up(browser)
    assert deployment.redis.ask("FLUSHALL") == "+OK"
    deployment.assert_situation("Redis is emptied, the row is still there", browser)
    deployment.sign_up(second)
    deployment.schema.sql("DELETE FROM session")
    situation = "the session's row is deleted by hand, Redis still has it"
    deployment.assert_situation(situation, second)


@with_presets("Redis, sessions kept in the database for good")
def test_a_session_whose_row_is_kept_for_good(deployment: Deployment) -> None:
    browser = deployment.browser()
    deployment.sign_up(browser)
    assert deployment.redis.ask("FLUSHALL") == "+OK"
    deployment.assert_situation("Redis is emptied, rows are kept for good", browser)


@with_plugins
def test_a_ban_counts_at_once_and_as_long_as_it_lasts(deployment: Deployment) -> None:
    browser, admin = deployment.browser(), deployment.browser()
    user = deployment.sign_up(browser)
    bans = {"alone": None, "until later": timedelta(1), "until earlier": timedelta(-1)}
    for until, ends_in in bans.items():
        deployment.ban(user, ends_in)
        deployment.assert_situation(f"banned in the database {until}", browser)
    deployment.change(deployment.sign_up(admin), "role = 'admin'")
    deployment.request(admin, "/admin/ban-user", {"userId": user.id})
    deployment.assert_situation("banned by the endpoint", browser)
    deployment.request(admin, "/admin/unban-user", {"userId": user.id})
    deployment.sign_in(browser, user)
    assert deployment.verdict(browser) == "in"


@with_plugins
def test_an_administrator_sees_what_a_user_sees_but_cannot_confirm(deployment: Deployment) -> None:
    browser, admin = deployment.browser(), deployment.browser()
    user = deployment.sign_up(browser)
    deployment.change(deployment.sign_up(admin, name="Grace Hopper"), "role = 'admin'")
    review = deployment.visit(browser)
    for name, value in ANSWERS.items():
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


@with_plugins
def test_a_guest_is_asked_to_create_an_account_and_then_answers(deployment: Deployment) -> None:
    browser = deployment.browser()
    created = deployment.request(browser, "/sign-in/anonymous", {}).json()["user"]
    guest = User(created["id"], created["name"], created["email"])
    deployment.assert_situation("a guest", browser)
    assert "as a guest" in deployment.visit(browser).text
    # As an onboarding of the site's own might have left it.
    with psycopg.connect(deployment.schema.url(), autocommit=True) as connection:
        insert_profile(connection, guest.id, ANSWERS)
    user = deployment.sign_up(browser)
    assert user.id != guest.id
    assert deployment.rows(guest) == (0, 0)
    onboard(deployment, browser, user)


@with_more_plugins
def test_a_bearer_token_is_no_cookie(deployment: Deployment) -> None:
    browser, without = deployment.browser(), deployment.browser()
    deployment.sign_up(browser)
    without.client.headers["Authorization"] = f"Bearer {browser.session_token()}"
    deployment.assert_situation("a bearer token without a cookie", without)


@with_more_plugins
def test_of_two_accounts_in_one_browser_the_active_one_counts(deployment: Deployment) -> None:
    browser = deployment.browser()
    user = deployment.sign_up(browser)
    onboard(deployment, browser, user)
    token = browser.session_token()
    deployment.sign_up(browser, name="Grace Hopper")
    assert deployment.visit(browser).path == FIRST
    deployment.request(browser, "/multi-session/set-active", {"sessionToken": token})
    assert_profile(deployment, browser, user)


@with_more_plugins
def test_the_password_is_not_enough_with_a_second_factor(deployment: Deployment) -> None:
    browser = deployment.browser()
    user = deployment.sign_up(browser)
    enabled = deployment.request(browser, "/two-factor/enable", {"password": PASSWORD}).json()
    deployment.request(browser, "/sign-out", {})
    assert deployment.sign_in(browser, user).json()["twoFactorRedirect"] is True
    deployment.assert_situation("the password alone, before the second factor", browser)
    code = {"code": enabled["backupCodes"][0]}
    deployment.request(browser, "/two-factor/verify-backup-code", code)
    deployment.assert_situation("after the second factor", browser)


PAGES = ("/", "/profile", "/onboarding/", "/onboarding/review")
COOKIES = ("as it is", "forged", "gone", "of the main site alone")
CACHES = ("as it is", "gone")
SESSIONS = {
    "live": lambda deployment, user: None,
    "expired": lambda deployment, user: deployment.expire(user, timedelta(seconds=1)),
    "deleted": lambda deployment, user: deployment.schema.sql("DELETE FROM session"),
    "deleted with its user": lambda deployment, user: deployment.schema.sql('DELETE FROM "user"'),
}


@with_presets("cookie cache, compact", "asked over HTTP, secret not shared")
def test_nobody_is_sent_to_the_sign_in_page_twice(deployment: Deployment) -> None:
    ends = set()
    for session, end_session in SESSIONS.items():
        browser = deployment.browser()
        end_session(deployment, deployment.sign_up(browser))
        cookies = {cookie.name: cookie.value or "" for cookie in browser.client.cookies.jar}
        caches = CACHES if len(cookies) > 1 else CACHES[:1]
        for state in product(PAGES, COOKIES, caches):
            ways = follow(deployment, cookies, *state)
            assert ways.count("site") <= 1, (session, state, ways)
            ends.add((session, ways[-1]))
    assert ends >= {("live", "page"), ("deleted", "/signed-out"), ("live", "the sign-in page")}


def follow(
    deployment: Deployment, cookies: dict[str, str], page: str, cookie: str, cache: str
) -> list[str]:
    """Visit a page with these cookies as a browser does; return who answered, and what the end was."""
    sent = dict(cookies)
    for name in cookies:
        if cache == "gone" and "session_data" in name:
            del sent[name]
        if name.endswith("session_token") and cookie == "gone":
            del sent[name]
        if name.endswith("session_token") and cookie == "forged":
            sent[name] = sent[name].replace(".", ".A", 1)[: len(sent[name])]
    origin = deployment.settings.app_origin
    client = Browser(deployment.site, origin, deployment.app).client
    url, ways = httpx.URL(origin + page), []
    for _ in range(8):
        is_app = str(url).startswith(origin)
        ways.append("app" if is_app else "site")
        reaches = not (is_app and cookie == "of the main site alone")
        header = "; ".join(f"{name}={value}" for name, value in sent.items()) if reaches else ""
        client.cookies.clear()
        response = client.get(url, headers={"Cookie": header})
        if response.next_request is None:
            assert response.status_code in (200, 401), response
            end = url.path if url.path == "/signed-out" else "page"
            return [*ways, end if is_app else "the sign-in page"]
        url = response.next_request.url
    return ways
