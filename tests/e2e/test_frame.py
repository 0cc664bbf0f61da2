"""The same job inside the main site's page, in its iframe."""

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.conftest import Stage
from tests.e2e.conftest import Stranger, Watch
from tests.e2e.pages import (
    PYTHON,
    REVIEW,
    ROLE,
    SIGNED_OUT,
    answer_both,
    choose,
    confirm,
    create_account,
    expect_answers,
    expect_page,
    expect_profile,
    go_on,
    sign_in,
    sign_out,
    wizard_query,
)
from tests.visitor import Person


@pytest.fixture
def framed(window: Callable[..., Page], stage: Stage) -> Callable[..., Page]:
    """Open the main site's set-up page, which has the app in a frame, as a person."""

    def framed(person: Person) -> Page:
        page = window(person)
        page.goto(f"{stage.site.url}/setup")
        return page

    return framed


def frame_of(page: Page) -> FrameLocator:
    return page.get_by_title("Your profile").content_frame


def show_in_frame(page: Page, url: str) -> None:
    """Let the page around the frame point it at another address."""
    page.get_by_title("Your profile").evaluate("(frame, url) => { frame.src = url }", url)


def framed_origins(watch: Watch) -> set[str]:
    """Give the origins of everything that a frame was asked to show."""
    targets = [urlsplit(r.url) for r in watch.navigations if r.frame.parent_frame]
    return {f"{target.scheme}://{target.netloc}" for target in targets}


def test_a_newcomer_answers_and_sees_the_profile_without_leaving_the_site(
    page: Page, stage: Stage, served_app: str, watch: Watch
) -> None:
    page.goto(f"{stage.site.url}/sign-up?callbackURL=/setup")
    create_account(page, "Grace Hopper", f"{secrets.token_hex(8)}@example.test")
    answer_both(frame_of(page), "Advanced", "Backend developer")
    expect(frame_of(page).get_by_text("Grace Hopper")).to_be_visible()
    confirm(frame_of(page))
    expect_profile(frame_of(page), "Advanced", "Backend developer")
    expect(frame_of(page).get_by_role("heading", level=1)).to_be_focused()
    assert page.url == f"{stage.site.url}/setup"

    page.reload()
    expect_profile(frame_of(page), "Advanced", "Backend developer")
    assert framed_origins(watch) == {served_app}
    # The main site is around the frame already.
    expect(frame_of(page).get_by_role("link")).to_have_count(0)


def test_the_first_page_in_a_frame_takes_no_focus_and_the_next_one_does(
    framed: Callable[..., Page], ada: Person
) -> None:
    page = framed(ada)
    expect_page(frame_of(page), PYTHON)
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    choose(frame_of(page), "Beginner")
    go_on(frame_of(page))
    expect(frame_of(page).get_by_role("heading", name=ROLE)).to_be_focused()


def test_somebody_signed_out_half_way_signs_in_again_and_finds_the_answers(
    framed: Callable[..., Page], stage: Stage, served_app: str, real_ada: Person, watch: Watch
) -> None:
    page = framed(real_ada)
    expect_page(frame_of(page), PYTHON)
    choose(frame_of(page), "Intermediate")
    go_on(frame_of(page))
    expect_page(frame_of(page), ROLE)
    sign_out(page.context.new_page(), stage.site.url)

    watch.expect_status(401)
    choose(frame_of(page), "Backend developer")
    go_on(frame_of(page))
    expect_page(frame_of(page), SIGNED_OUT)
    link = frame_of(page).get_by_role("link", name="Sign in", exact=True)
    expect(link).to_have_attribute("target", "_top")
    assert framed_origins(watch) == {served_app}

    link.click()
    sign_in(page, real_ada.email)
    expect_page(page, ROLE)
    expect(page.get_by_label(ROLE)).to_have_value("Backend Developer")
    go_on(page)
    expect_answers(page, "Intermediate", "Backend developer")
    confirm(page)
    expect_profile(frame_of(page), "Intermediate", "Backend developer")
    assert page.url == f"{stage.site.url}/setup"
    assert framed_origins(watch) == {served_app}


def test_somebody_signed_out_before_the_first_answer_comes_back_to_the_page_around_the_frame(
    framed: Callable[..., Page], stage: Stage, real_ada: Person, watch: Watch
) -> None:
    page = framed(real_ada)
    expect_page(frame_of(page), PYTHON)
    sign_out(page.context.new_page(), stage.site.url)
    watch.expect_status(401)
    go_on(frame_of(page))
    expect_page(frame_of(page), SIGNED_OUT)
    frame_of(page).get_by_role("link", name="Sign in", exact=True).click()
    sign_in(page, real_ada.email)
    expect_page(frame_of(page), PYTHON)
    assert page.url == f"{stage.site.url}/setup"


def test_somebody_signed_in_again_in_another_tab_goes_on_in_the_frame(
    framed: Callable[..., Page], stage: Stage, real_ada: Person, watch: Watch
) -> None:
    page = framed(real_ada)
    choose(frame_of(page), "Intermediate")
    go_on(frame_of(page))
    expect_page(frame_of(page), ROLE)
    other = page.context.new_page()
    sign_out(other, stage.site.url)
    watch.expect_status(401)
    choose(frame_of(page), "None of these")
    go_on(frame_of(page))
    expect_page(frame_of(page), SIGNED_OUT)

    other.get_by_role("link", name="Sign in").click()
    sign_in(other, real_ada.email)
    expect_page(other, "Your account")
    frame_of(page).get_by_role("link", name="I have signed in, try again").click()
    expect(frame_of(page).get_by_label(ROLE)).to_have_value("None")
    go_on(frame_of(page))
    expect_answers(frame_of(page), "Intermediate", "None of these")
    confirm(frame_of(page))
    expect_profile(frame_of(page), "Intermediate", "None of these")


def test_a_frame_opened_while_signed_out_offers_to_sign_in_at_the_top(
    framed: Callable[..., Page], served_app: str, ada: Person, watch: Watch
) -> None:
    page = framed(ada)
    expect_page(frame_of(page), PYTHON)
    page.context.clear_cookies()
    watch.expect_status(401)
    for path in ("/", "/profile", "/onboarding/review"):
        show_in_frame(page, f"{served_app}{path}")
        expect_page(frame_of(page), SIGNED_OUT)
        link = frame_of(page).get_by_role("link", name="Sign in", exact=True)
        expect(link).to_have_attribute("target", "_top")
    assert framed_origins(watch) == {served_app}


def test_return_to_is_not_followed_inside_the_frame(
    framed: Callable[..., Page], stage: Stage, served_app: str, ada: Person, watch: Watch
) -> None:
    page = framed(ada)
    answers = wizard_query("Advanced", "None", return_to=f"{stage.site.url}/")
    show_in_frame(page, f"{served_app}{answers}")
    expect_page(frame_of(page), REVIEW)
    confirm(frame_of(page))
    expect_profile(frame_of(page), "Advanced", "None of these")
    assert page.url == f"{stage.site.url}/setup"
    assert framed_origins(watch) == {served_app}


def test_a_site_that_is_not_listed_cannot_frame_the_app(
    window: Callable[..., Page],
    stranger: Stranger,
    served_app: str,
    sign_up: Callable[..., Person],
    watch: Watch,
) -> None:
    page = window(sign_up("Grace Hopper"))
    frame = '<iframe title="Your profile" src="{}"></iframe>'
    watch.expect("frame-ancestors")
    watch.expect_status(404)
    for number, path in enumerate(("/", "/onboarding/python-proficiency", "/no-such-page"), 1):
        page.goto(stranger.put_up(frame.format(served_app + path)))
        refusals = [complaint for complaint in watch.expected if "frame-ancestors" in complaint]
        assert len(refusals) == number
        assert frame_of(page).get_by_role("heading").count() == 0
