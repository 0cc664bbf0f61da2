"""The element <onboarding-frame> in pages of a main site: what it shows and what it says."""

import json

import pytest
from playwright.sync_api import expect

from tests.e2e import pages
from tests.e2e.pages import FIRST, OTHER, SECOND, SIGNED_OUT, SOME, STEPS

pytestmark = pytest.mark.slow

WHITE, DARK = "rgb(255, 255, 255)", "rgb(20, 23, 28)"
# The strictest sandbox in which everything works.
SANDBOX = (
    "allow-scripts allow-forms allow-same-origin allow-top-navigation-by-user-activation"
    " allow-popups allow-popups-to-escape-sandbox"
)


@pytest.mark.parametrize("sandbox", ["", f'sandbox="{SANDBOX}"'], ids=["plain", "sandboxed"])
def test_the_main_site_hears_each_step_and_the_end_and_no_answer(embed, user, sandbox):
    page = embed(user).show(sandbox)
    pages.finish(page.frame)
    page.wait_for("completed")
    steps = [
        ["step", {"step": step, "index": index, "total": len(STEPS)}]
        for index, step in enumerate(STEPS, 1)
    ]
    ready, completed = ["ready", {"step": STEPS[0]}], ["completed", {"already": False}]
    assert page.events() == [ready, *steps, completed]
    assert page.element("[element.state, element.step]") == ["complete", "profile"]
    said = json.dumps(page.events())
    for secret in (*SOME.values(), user.id, user.email, user.token):
        assert json.dumps(secret) not in said
    # The same user comes back: nothing is to be done any more.
    page.show(sandbox)
    assert page.wait_for("completed") == {"already": True}
    assert page.events("step") == []


@pytest.mark.parametrize("width", [320, 1000])
def test_the_frame_is_as_high_as_its_page_and_then_keeps_still(embed, user, width):
    page = embed(user, viewport={"width": width, "height": 700})
    page.show(around="<p>before</p>{}<p>after")
    page.wait_for("ready")
    page.page.wait_for_timeout(300)
    count = len(page.events("resize"))
    page.page.wait_for_timeout(300)
    assert len(page.events("resize")) == count <= 3
    shown = page.frame.locator(":root").evaluate(
        "root => [root.scrollHeight - root.clientHeight, root.scrollWidth - root.clientWidth]"
    )
    assert shown == [0, 0]
    height = page.frame.locator(".page").evaluate("page => page.getBoundingClientRect().height")
    assert 0 <= page.page.get_by_title("Your profile").bounding_box()["height"] - height < 1


def test_the_next_step_comes_into_view_when_the_frame_begins_above_it(embed, user):
    page = embed(user, viewport={"width": 600, "height": 300}).show(
        around="<div style='height:600px'></div>{}<div style='height:2000px'></div>"
    )
    page.wait_for("ready")
    assert page.page.evaluate("scrollY") == 0
    pages.choose(page.frame, FIRST, SOME)
    page.page.evaluate("scrollTo(0, 760)")
    pages.go_on(page.frame)
    page.wait_for("step", 2)
    assert 0 <= page.page.locator("onboarding-frame").bounding_box()["y"] < 300


def test_a_site_that_is_not_listed_gets_an_error_and_the_link(embed, served_app, user, console):
    console.expect("frame-ancestors")
    page = embed(user, served_app).show('timeout="600"')
    assert page.wait_for("error") == {"code": "timeout"}
    assert page.element("element.state") == "error"
    expect(page.fallback).to_be_visible()
    expect(page.page.get_by_title("Your profile")).to_be_hidden()
    assert page.events() == [["error", {"code": "timeout"}]]


def test_a_slow_answer_still_counts(embed, user):
    page = embed(user).show('timeout="1"')
    page.wait_for("ready")
    assert ["error", {"code": "timeout"}] in page.events("error")
    pages.expect_page(page.frame, pages.title(FIRST))
    expect(page.fallback).to_be_hidden()
    assert page.element("element.state") == "ready"


def test_several_elements_stand_side_by_side_and_one_can_leave_and_come_back(embed, user):
    page = embed(user).show(around="{}<hr>{}")
    page.wait_for("ready", 2)
    page.page.evaluate(
        """() => {
          const [first] = document.querySelectorAll("onboarding-frame");
          first.remove();
          document.body.append(first);
        }"""
    )
    page.wait_for("ready", 3)
    assert page.page.locator("iframe").count() == 2
    states = "[...document.querySelectorAll('onboarding-frame')].map((one) => one.state)"
    assert page.page.evaluate(states) == ["ready", "ready"]
    assert page.events("error") == []


def test_a_page_from_the_browsers_cache_says_hello_again(embed, user):
    page = embed(user).show()
    page.wait_for("ready")
    # Not every Chromium keeps whole pages, so the event of such a return is sent by hand.
    page.frame.locator(":root").evaluate(
        "() => dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
    )
    page.wait_for("step", 2)
    assert page.element("[element.state, element.step]") == ["ready", STEPS[0]]
    assert len(page.events("ready")) == 1
    # And a page that is left and comes back finds its frame alive.
    page.page.goto("about:blank")
    page.page.go_back()
    pages.answer(page.frame, FIRST)
    page.wait_for_page(STEPS[1])


def test_signed_out_the_main_site_hears_why_and_where_and_reloads_after_the_sign_in(
    embed, environment, user, console
):
    console.expect_status(401)
    page = embed().show()
    event = page.wait_for("signin-required")
    assert event["reason"] == "no-session"
    assert event["url"].startswith(f"{environment.main_site.url}/sign-in?callbackURL=")
    assert page.element("element.state") == "signin"
    pages.sign_in_by_cookie(page.page.context, user)
    page.element("element.reload()")
    pages.choose(page.frame, FIRST, SOME)
    assert page.element("element.state") == "ready"
    # A session that ends half-way has another reason.
    page.page.context.clear_cookies()
    pages.go_on(page.frame)
    pages.expect_page(page.frame, SIGNED_OUT)
    assert page.wait_for("signin-required", 2)["reason"] == "expired"


def test_across_sites_the_frame_says_so_and_offers_a_tab_of_its_own(embed, user, console):
    console.expect_status(401)
    page = embed(user).show(host="127.0.0.1")
    pages.expect_page(page.frame, "Open this page in a new tab")
    assert page.wait_for("signin-required")["reason"] == "cookies-blocked"
    with page.page.context.expect_page() as opened:
        page.frame.get_by_role("link", name="Open in a new tab").click()
    pages.expect_page(opened.value, pages.title(FIRST))


def test_a_sandbox_that_takes_our_origin_away_is_named_and_loses_no_answer(embed, user, console):
    console.expect_status(403)
    console.expect("Blocked script execution")
    sandbox = "allow-forms allow-popups allow-popups-to-escape-sandbox"
    page = embed(user).show(f'sandbox="{sandbox}" timeout="60000"')
    pages.answer(page.frame, FIRST)
    pages.expect_page(page.frame, "This page can't save here")
    with page.page.context.expect_page() as opened:
        page.frame.get_by_role("link", name="Open in a new tab").click()
    expect(opened.value.get_by_label(pages.title(FIRST))).to_have_value(SOME[FIRST.name])


def test_in_a_frame_without_scripts_everything_works(embed, user, console):
    console.expect("Blocked script execution")
    page = embed(user).show('sandbox="allow-forms allow-same-origin" timeout="60000"')
    pages.finish(page.frame)
    assert page.events() == []


def test_a_change_of_theme_loses_neither_choice_nor_focus_and_of_language_starts_again(embed, user):
    page = embed(user, color_scheme="light").show('theme="dark"', around="{}<input id=mine>")
    pages.answer(page.frame, FIRST)
    pages.choose(page.frame, SECOND, OTHER)
    assert page.background() == DARK
    page.page.locator("#mine").focus()
    page.element("element.setAttribute('theme', 'light')")
    page.wait_for("step", 3)
    expect(page.frame.get_by_label(pages.title(SECOND))).to_have_value(OTHER[SECOND.name])
    assert page.background() == WHITE
    expect(page.page.locator("#mine")).to_be_focused()
    page.element("element.setAttribute('theme', 'acme')")
    page.wait_for("step", 4)
    button = page.frame.get_by_role("button").evaluate(
        "button => [getComputedStyle(button).backgroundColor, getComputedStyle(button).borderRadius]"
    )
    assert button == ["rgb(10, 107, 75)", "0px"]
    page.element("element.setAttribute('lang', 'ur')")
    expect(page.frame.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.frame.locator("body")).to_have_attribute("data-step", STEPS[0])


def test_a_page_that_trusts_nothing_else_can_have_the_element(embed, user):
    """With COEP require-corp, and a policy that allows the app's origin alone."""
    page = embed(user)
    policy = f"default-src 'none'; img-src data:; script-src {page.app}; frame-src {page.app}"
    page.show(
        headers={"Cross-Origin-Embedder-Policy": "require-corp", "Content-Security-Policy": policy}
    )
    pages.expect_page(page.frame, pages.title(FIRST))
    page.wait_for_page(STEPS[0])
    assert page.page.get_by_title("Your profile").bounding_box()["width"] > 400


@pytest.mark.parametrize(
    ("src", "events"),
    [
        ('src=""', []),
        ("", []),
        ('src="http://["', [["error", {"code": "protocol"}]]),
        ('src="javascript:parent.pwned=1"', [["error", {"code": "protocol"}]]),
    ],
)
def test_without_a_usable_address_there_is_the_link(embed, user, src, events):
    page = embed(user).show(src, src=False)
    expect(page.fallback).to_be_visible()
    assert page.page.locator("iframe").count() == 0
    assert page.page.evaluate("window.pwned") is None
    assert page.events() == events
    # An address that comes late is shown.
    page.element(f"element.setAttribute('src', '{page.app}/')")
    pages.expect_page(page.frame, pages.title(FIRST))
    page.wait_for("ready")
    page.element("element.hidden = true")
    expect(page.page.get_by_title("Your profile")).to_be_hidden()


def test_an_error_first_and_then_a_page_is_still_a_beginning(embed, user, console):
    console.expect_status(404)
    page = embed(user).show(path="/nowhere")
    assert page.wait_for("error") == {"code": "server"}
    page.frame.get_by_role("link", name="Go to your profile").click()
    page.wait_for("ready")
    pages.finish(page.frame)
    assert page.wait_for("completed") == {"already": False}
