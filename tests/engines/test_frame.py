"""Which session cookie reaches the frame, and the whole wizard in it, in each engine."""

import pytest

from tests.e2e.embed_layouts import LAYOUTS, UNFILLED
from tests.e2e.pages import FIRST, PROFILE, REVIEW, SIGNED_OUT, SOME, STEPS, UNVERIFIED, title
from tests.engines.conftest import APP, OTHER_SITE, SITE
from tests.questionnaires import DEFAULT

SANDBOX = (
    "allow-scripts allow-forms allow-same-origin allow-top-navigation-by-user-activation"
    " allow-popups allow-popups-to-escape-sandbox"
)
NEW_TAB = "Open this page in a new tab"
BLOCKED = "Your browser blocks cookies for embedded pages"

MAIN_SITE = f"https://{SITE}"
AROUND = {
    "same host": f"https://{APP}:8443",
    "sibling subdomain": MAIN_SITE,
    "another site": f"https://{OTHER_SITE}",
}
SHARED = "SameSite=Lax; Domain=example.com"
# Who sets the cookie, with which attributes, and around which pages it reaches the frame.
COOKIES = {
    "default: one host, Lax": (MAIN_SITE, "SameSite=Lax", set()),
    "default, on the app's own host": (
        f"https://{APP}:8443",
        "SameSite=Lax",
        {"same host", "sibling subdomain"},
    ),
    "parent domain, Lax": (MAIN_SITE, SHARED, {"same host", "sibling subdomain"}),
    "parent domain, None": (MAIN_SITE, "SameSite=None; Domain=example.com", set(AROUND)),
}


def answer_all(window) -> None:
    for question in DEFAULT:
        window.wait_for(title(question))
        window.choose(SOME[question.name])
        window.press()
    window.wait_for(REVIEW)


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("cookie", COOKIES)
def test_the_cookie_reaches_the_page_its_form_and_the_redirect_or_none_of_them(
    window, around, cookie
):
    origin, attributes, reaches = COOKIES[cookie]
    window.sign_in(window.create_user(), origin, attributes)
    window.embed(AROUND[around])
    if around in reaches and window.heading() == title(FIRST):
        answer_all(window)
    else:
        window.wait_for(NEW_TAB if around == "another site" else SIGNED_OUT)
        # Third-party cookies are the browser's own choice; everything else is certain.
        assert around not in reaches or around == "another site"


@pytest.mark.parametrize("sandbox", ["", f'sandbox="{SANDBOX}"'], ids=["plain", "in a sandbox"])
def test_the_whole_wizard_in_the_frame(window, sandbox):
    window.sign_in(window.create_user(), MAIN_SITE, SHARED)
    window.embed(MAIN_SITE, sandbox)
    window.wait_for(title(FIRST))
    window.press()
    answer_all(window)
    window.press()
    window.wait_for(PROFILE)
    steps = [detail["step"] for kind, detail in window.events() if kind == "step"]
    assert list(dict.fromkeys(steps)) == STEPS
    assert ["completed", {"already": False}] in window.events()


def test_the_end_leads_on_to_a_return_to_that_redirects_to_another_origin(window):
    """As the answer to the form, Chromium and WebKit would block such a redirect by `form-action`."""
    window.sign_in(window.create_user(), MAIN_SITE, SHARED)
    end = window.serve(AROUND["another site"], "<h1>The end</h1>")
    return_to = window.serve(MAIN_SITE, "", {"Location": end})
    window.open_app(f"/?return_to={return_to}")
    answer_all(window)
    window.press()
    window.wait_for("The end")


def test_a_browser_that_blocks_all_cookies_is_told_from_nobody_signed_in(cookieless_window):
    window = cookieless_window
    window.embed(MAIN_SITE)
    window.wait_for(SIGNED_OUT)
    # WebKit gives no sign of it.
    is_told = window.driver.name != "MiniBrowser"
    assert window.shows(BLOCKED) is is_told
    assert window.reasons() == ["cookies-blocked" if is_told else "no-session"]


def test_where_nobody_is_signed_in_no_cookie_is_missed(window):
    window.embed(MAIN_SITE)
    window.wait_for(SIGNED_OUT)
    assert not window.shows(BLOCKED)
    assert window.reasons() == ["no-session"]


@pytest.mark.parametrize("around", AROUND)
def test_a_form_sent_by_another_page_changes_nothing_though_the_cookie_goes_along(window, around):
    user = window.create_user()
    window.sign_in(user, MAIN_SITE, SHARED)
    fields = "".join(f'<input name="{name}" value="{value}">' for name, value in SOME.items())
    window.open(
        AROUND[around],
        f"<form method=post action={window.app_url}/onboarding/review>{fields}</form>"
        "<script>document.forms[0].submit()</script>",
    )
    window.wait_for(UNVERIFIED)
    assert window.rows(user) == []


def test_the_frame_fills_its_container_in_every_layout(window):
    window.embed(MAIN_SITE)
    window.wait_for(SIGNED_OUT)
    window.driver.switch_to.default_content()
    assert window.driver.execute_script(f"return ({UNFILLED})(arguments[0])", LAYOUTS) == {}
