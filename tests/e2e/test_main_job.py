"""The main job at top level: sign up on the main site, answer, confirm, see the profile."""

import secrets
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.e2e import pages
from tests.e2e.pages import FIRST, LAST, OTHER, SOME, STEPS

pytestmark = pytest.mark.slow


def test_a_newcomer_is_asked_once_and_has_a_profile_for_good(page, environment, served_app):
    email = f"{secrets.token_hex(8)}@example.test"
    page.goto("/profile?from=newsletter")
    assert page.url.startswith(f"{environment.main_site.url}/sign-in?")
    wanted = f"{served_app}/profile?from=newsletter"
    assert parse_qs(urlsplit(page.url).query) == {"callbackURL": [f"{wanted}&signed_in=1"]}

    page.get_by_role("link", name="Create account").click()
    pages.create_account(page, "Grace Hopper", email)
    pages.expect_page(page, pages.title(FIRST))
    expect(page.get_by_text(f"Step 1 of {len(STEPS)}")).to_be_visible()
    pages.answer_all(page)
    expect(page.get_by_text(f"Step {len(STEPS)} of {len(STEPS)}")).to_be_visible()
    pages.expect_answers(page)
    expect(page.get_by_text("Grace Hopper")).to_be_visible()
    expect(page.get_by_text(email)).to_be_visible()
    final = "You can't change these later. Check them before you confirm."
    expect(page.get_by_role("button", name="Confirm")).to_have_accessible_description(final)

    page.get_by_role("link", name=f"Change {LAST.heading['en']}").click()
    expect(page.get_by_label(pages.title(LAST))).to_have_value(SOME[LAST.name])
    answers = {**SOME, LAST.name: OTHER[LAST.name]}
    pages.answer(page, LAST, answers)
    pages.expect_answers(page, answers)
    [(user_id,)] = environment.sql('SELECT id FROM "user" WHERE email = %s', email)
    assert pages.stored_profile(environment, user_id) == {**answers, "is_onboarded": False}

    pages.confirm(page)
    pages.expect_profile(page, answers)
    assert page.url == wanted
    assert pages.stored_profile(environment, user_id) == {**answers, "is_onboarded": True}
    page.go_back()
    pages.expect_profile(page, answers)
    page.reload()
    for url in ("/onboarding/", pages.path(FIRST), "/onboarding/review", pages.review_url(OTHER)):
        page.goto(url)
        pages.expect_profile(page, answers)
        assert urlsplit(page.url).path == "/profile"
    pages.sign_out(page, environment.main_site.url)
    page.goto(f"{served_app}/profile")
    pages.sign_in(page, email)
    pages.expect_profile(page, answers)


def test_the_main_sites_invitation_leads_through_the_wizard_and_back_until_the_account_is_deleted(
    window, environment, user
):
    page = window(user)
    page.goto(environment.main_site.url)
    page.get_by_role("link", name="Set up your profile").click()
    pages.answer_all(page)
    pages.confirm(page)
    pages.expect_page(page, "Your account")
    assert page.url == f"{environment.main_site.url}/"
    page.get_by_role("link", name="See your profile").click()
    pages.expect_profile(page)
    page.get_by_role("link", name="Continue to the main site").click()

    pages.expect_page(page, "Your account")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete account").click()
    pages.expect_page(page, "Learn by building")
    assert environment.sql('SELECT 1 FROM "user" WHERE id = %s', user.id) == []
    assert pages.stored_profile(environment, user.id) is None


def test_the_end_leads_on_to_a_return_to_that_redirects_to_another_origin(
    window, embeddable_app, other_site, user
):
    """As the answer to the form, Chromium would block such a redirect by `form-action`."""
    icon = "<!doctype html><link rel=icon href=data:,>"
    end = other_site.serve(f"{icon}<h1>The end</h1>", host="127.0.0.1")
    return_to = other_site.serve("", headers={"Location": end})
    page = window(user, base_url=embeddable_app)
    page.goto(f"/?return_to={return_to}")
    pages.answer_all(page)
    pages.confirm(page)
    pages.expect_page(page, "The end")
    assert page.url == end


SAVE_AND_READ = """async ([app, answers]) => {
    const url = `${app}/api/profile`, credentials = "include", body = JSON.stringify(answers);
    const headers = { "Content-Type": "application/json", "If-None-Match": "*" };
    const saved = await fetch(url, { method: "PUT", credentials, headers, body });
    const read = await fetch(url, { credentials });
    return [saved.status, read.status, read.headers.get("ETag"), await read.json()];
}"""


def test_a_page_of_the_main_site_reads_and_saves_with_the_visitors_cookie(
    window, environment, served_app, user
):
    page = window(user)
    page.goto(f"{environment.main_site.url}/setup")
    saved, read, etag, profile = page.evaluate(SAVE_AND_READ, [served_app, SOME])
    assert (saved, read, profile["user_id"]) == (201, 200, user.id)
    assert profile.items() >= SOME.items()
    assert etag
    assert pages.stored_profile(environment, user.id) == {**SOME, "is_onboarded": False}
