"""The finished profile as a user comes back to it."""

import pytest
from playwright.sync_api import expect

from tests.e2e import pages

pytestmark = pytest.mark.slow


def test_back_on_the_finished_profile_leaves_the_console_empty(window, environment, user):
    page = window(user)
    messages = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto("/")
    pages.finish(page)
    expect(pages.heading(page, pages.PROFILE)).to_be_focused()
    for _ in pages.STEPS[1:]:
        page.go_back()
        pages.expect_profile(page)
    page.go_forward()
    page.reload()
    page.get_by_role("link", name="Continue to").click()
    page.wait_for_url(f"{environment.main_site.url}/")
    page.go_back()
    pages.expect_profile(page)
    assert messages == []
