"""The whole job inside the main site's own page, which embeds the app."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.e2e import pages
from tests.e2e.pages import FIRST, LAST, SOME
from tests.questionnaires import DEFAULT

pytestmark = pytest.mark.slow


@pytest.fixture
def site(environment, console, served_app):
    """The main site's page with the app in it; nothing but the app is ever shown in its frame."""
    yield f"{environment.main_site.url}/setup"
    urls = [urlsplit(one.url) for one in console.navigations if one.frame.parent_frame]
    assert {f"{url.scheme}://{url.netloc}" for url in urls} == {served_app}


def test_a_user_signed_out_half_way_signs_in_at_the_top_and_finds_the_answers(
    window, environment, site, signed_up_user, console
):
    page = window(signed_up_user)
    page.goto(site)
    frame = page.get_by_title("Your profile").content_frame
    pages.expect_page(frame, pages.title(FIRST))
    # The first page takes no focus, those after a form do.
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    for earlier in DEFAULT.questions[:-1]:
        pages.answer(frame, earlier)
    expect(frame.get_by_role("heading", level=1)).to_be_focused()
    pages.choose(frame, LAST, SOME)
    pages.sign_out(page.context.new_page(), environment.main_site.url)
    console.expect_status(401)
    pages.go_on(frame)
    pages.expect_page(frame, pages.SIGNED_OUT)
    frame.get_by_role("link", name="Sign in", exact=True).click()
    pages.sign_in(page, signed_up_user.email)
    # Answers that no row holds yet would be lost in the frame: they are completed in our own page.
    expect(page.get_by_label(pages.title(LAST))).to_have_value(SOME[LAST.name])
    pages.answer(page, LAST)
    pages.confirm(page)
    pages.expect_profile(frame)
    # The main site is around the frame already.
    expect(frame.get_by_role("link")).to_have_count(0)
    assert page.url == site
