"""Main sites that differ in their cookies and in the life of their sessions."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.compat.conftest import Open
from tests.compat.deployment import Deployment
from tests.compat.presets import BY_NAME, COOKIES, EVERY, OLDER, OLDER_ALONE, SESSIONS, with_presets
from tests.compat.situations import assert_situation
from tests.compat.walk import walk

pytestmark = pytest.mark.slow
VERSIONED = BY_NAME["versioned secrets"]


@with_presets(*COOKIES, *SESSIONS)
def test_everything_works(deployment: Deployment) -> None:
    walk(deployment)


@pytest.mark.parametrize("version", EVERY)
def test_a_new_secret_signs_everybody_out_on_both_sides(version: str, open_preset: Open) -> None:
    settings = {"BETTER_AUTH_SECRETS": f"1:{OLDER}"}
    before = replace(VERSIONED, name="rotated", options=OLDER_ALONE, settings=settings)
    with open_preset(before, version) as deployment:
        browser = deployment.browser()
        user = deployment.sign_up(browser)
        assert deployment.verdict(browser) == "in"
        schema = deployment.schema
    with open_preset(VERSIONED, version, schema) as deployment:
        cookies, browser = browser.client.cookies, deployment.browser()
        browser.client.cookies = cookies
        assert_situation("the secrets are rotated: a cookie of before", deployment, browser)
        deployment.sign_in(browser, user)
        assert_situation("the secrets are rotated: after signing in again", deployment, browser)


@with_presets("default")
def test_a_session_that_has_ended_has_ended_on_both_sides(deployment: Deployment) -> None:
    browser, other = deployment.browser(), deployment.browser()
    user = deployment.sign_up(browser)
    deployment.sign_in(other, user)
    deployment.request(other, "/revoke-other-sessions", {})
    assert_situation("the session was revoked", deployment, browser)
    assert deployment.verdict(other) == "in"
    deployment.expire(user, timedelta(seconds=1))
    assert_situation("the session has expired", deployment, other)


@with_presets("cookie cache, compact")
def test_the_cookie_cache_alone_signs_nobody_in(deployment: Deployment) -> None:
    browser = deployment.browser()
    deployment.sign_up(browser)
    browser.client.cookies.delete("better-auth.session_token")
    assert [cookie.name for cookie in browser.client.cookies.jar] == ["better-auth.session_data"]
    assert_situation("the cookie cache alone, without the session cookie", deployment, browser)
