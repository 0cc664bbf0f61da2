"""Main sites that differ in their cookies and in the life of their sessions."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.compat.conftest import Found, Open, played
from tests.compat.presets import (
    BY_NAME,
    COOKIES,
    EVERY,
    OLDER,
    OLDER_ALONE,
    SESSIONS,
)
from tests.compat.scene import Scene
from tests.compat.walk import onboard, walk

VERSIONED = BY_NAME["versioned secrets"]


@played(*COOKIES, *SESSIONS)
def test_everything_works(scene: Scene, found: Found) -> None:
    walk(scene)
    found(scene.preset.name, scene.version, "works")


@pytest.mark.parametrize("version", EVERY)
def test_a_new_secret_signs_everybody_out_on_both_sides(
    version: str, opened: Open, found: Found
) -> None:
    settings = {"BETTER_AUTH_SECRETS": f"1:{OLDER}"}
    before = replace(VERSIONED, name="rotated", options=OLDER_ALONE, settings=settings)
    with opened(before, version) as scene:
        browser = scene.browser()
        user = scene.sign_up(browser)
        onboard(scene, browser, user)
        assert scene.verdicts(browser) == ("in", "in")
        place = scene.place
    with opened(VERSIONED, version, place) as scene:
        browser = scene.browser(like=browser)
        found("the secrets are rotated: a cookie of before", version, scene.verdict(browser))
        assert scene.sign_in(browser, user).status_code == 200
        found("the secrets are rotated: after signing in again", version, scene.verdict(browser))


@played(BY_NAME["default"])
@pytest.mark.parametrize("situation", ["the session has expired", "the session was revoked"])
def test_a_session_that_is_over_is_over_on_both_sides(
    situation: str, scene: Scene, found: Found
) -> None:
    browser, elsewhere = scene.browser(), scene.browser()
    user = scene.sign_up(browser)
    assert scene.sign_in(elsewhere, user).status_code == 200
    if situation == "the session has expired":
        scene.expire(user, timedelta(seconds=1))
    else:
        assert scene.ask(elsewhere, "/revoke-other-sessions", {}).status_code == 200
        assert scene.verdicts(elsewhere) == ("in", "in")
    found(situation, scene.version, scene.verdict(browser))


@played(BY_NAME["cookie cache, compact"])
def test_the_cookie_cache_alone_is_nobody(scene: Scene, found: Found) -> None:
    browser = scene.browser()
    scene.sign_up(browser)
    browser.jar.drop("better-auth.session_token")
    assert browser.jar.header(scene.site_url).startswith("better-auth.session_data=")
    found(
        "the cookie cache alone, without the session cookie", scene.version, scene.verdict(browser)
    )
