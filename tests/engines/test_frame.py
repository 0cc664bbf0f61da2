"""Which session cookie reaches the frame, and the whole wizard in it, in each engine."""

import pytest

from tests.e2e.pages import PROFILE, PYTHON, REVIEW, ROLE
from tests.engines.conftest import APP, OTHER_SITE, SITE
from tests.engines.window import Window

STRICT = (
    "allow-scripts allow-forms allow-same-origin allow-top-navigation-by-user-activation"
    " allow-popups allow-popups-to-escape-sandbox"
)
NEW_TAB = "Open this page in a new tab"
SIGNED_OUT = "Sign in to continue"

AROUND = {
    "same host": f"https://{APP}:8443",
    "sibling subdomain": f"https://{SITE}",
    "another site": f"https://{OTHER_SITE}",
}
# Who sets the cookie, with which attributes, and around which pages it reaches the frame.
COOKIES = {
    "default: one host, Lax": (f"https://{SITE}", "SameSite=Lax", set()),
    "default, on the app's own host": (
        f"https://{APP}:8443",
        "SameSite=Lax",
        {"same host", "sibling subdomain"},
    ),
    "parent domain, Lax": (
        f"https://{SITE}",
        "SameSite=Lax; Domain=example.com",
        {"same host", "sibling subdomain"},
    ),
    "parent domain, None": (
        f"https://{SITE}",
        "SameSite=None; Domain=example.com",
        {"same host", "sibling subdomain", "another site"},
    ),
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("cookie", COOKIES)
def test_the_cookie_reaches_the_page_its_form_and_the_redirect_or_none_of_them(
    window: Window, around: str, cookie: str
) -> None:
    sets, attributes, reaches = COOKIES[cookie]
    window.sign_in(window.newcomer(), sets, attributes)
    window.embed(AROUND[around])
    if around in reaches and window.heading() == PYTHON:
        window.choose("Beginner")
        window.press()
        window.wait_for(ROLE)
        window.choose("None")
        window.press()
        window.wait_for(REVIEW)
    else:
        window.wait_for(NEW_TAB if around == "another site" else SIGNED_OUT)
        # Third-party cookies are the browser's own choice; everything else is certain.
        assert around not in reaches or around == "another site"


@pytest.mark.parametrize("sandbox", ["", f'sandbox="{STRICT}"'], ids=["plain", "in a sandbox"])
def test_the_whole_wizard_in_the_frame(window: Window, sandbox: str) -> None:
    window.sign_in(window.newcomer(), f"https://{SITE}", "SameSite=Lax; Domain=example.com")
    window.embed(AROUND["sibling subdomain"], sandbox)
    window.wait_for(PYTHON)
    window.press()
    window.wait_for(PYTHON)
    window.choose("Advanced")
    window.press()
    window.wait_for(ROLE)
    window.choose("Backend Developer")
    window.press()
    window.wait_for(REVIEW)
    window.press()
    window.wait_for(PROFILE)
    steps = [detail["step"] for kind, detail in window.heard() if kind == "step"]
    assert list(dict.fromkeys(steps)) == ["python-proficiency", "developer-role", "review"]
    assert ["completed", {"already": False}] in window.heard()


def test_signed_out_half_way_and_in_again_nothing_is_lost(window: Window) -> None:
    person = window.newcomer()
    window.sign_in(person, f"https://{SITE}", "SameSite=Lax; Domain=example.com")
    window.embed(AROUND["sibling subdomain"])
    window.wait_for(PYTHON)
    window.choose("Advanced")
    window.press()
    window.wait_for(ROLE)
    first, second = window.driver.current_window_handle, None
    window.driver.switch_to.new_window("tab")
    second = window.driver.current_window_handle
    window.sign_in(person, f"https://{SITE}", "SameSite=Lax; Domain=example.com; Max-Age=0")
    window.driver.switch_to.window(first)
    window.choose("None")
    window.press()
    window.wait_for(SIGNED_OUT)
    assert ["signin-required", "expired"] in [
        [kind, detail.get("reason")] for kind, detail in window.heard()
    ]
    window.driver.switch_to.window(second)
    window.sign_in(person, f"https://{SITE}", "SameSite=Lax; Domain=example.com")
    window.driver.close()
    window.driver.switch_to.window(first)
    window.click_link("I have signed in, try again")
    window.wait_for(ROLE)
    assert window.chosen() == "None"
    window.press()
    window.wait_for(REVIEW)


def test_a_browser_that_keeps_all_cookies_back_is_told_from_nobody_signed_in(
    cookieless_window: Window,
) -> None:
    window = cookieless_window
    window.embed(AROUND["sibling subdomain"])
    window.wait_for(SIGNED_OUT)
    # WebKit gives no sign of it.
    is_told = window.driver.name != "MiniBrowser"
    assert window.shows("Your browser keeps cookies from this page") is is_told
    told = [detail["reason"] for kind, detail in window.heard() if kind == "signin-required"]
    assert told == ["cookies-blocked" if is_told else "no-session"]


def test_where_nobody_is_signed_in_no_cookie_is_missed(window: Window) -> None:
    window.embed(AROUND["sibling subdomain"])
    window.wait_for(SIGNED_OUT)
    assert not window.shows("Your browser keeps cookies from this page")
    told = [detail["reason"] for kind, detail in window.heard() if kind == "signin-required"]
    assert told == ["no-session"]


@pytest.mark.parametrize("around", AROUND)
def test_a_form_sent_by_another_page_changes_nothing_though_the_cookie_goes_along(
    window: Window, around: str
) -> None:
    person = window.newcomer()
    window.sign_in(person, f"https://{SITE}", "SameSite=Lax; Domain=example.com")
    fields = "".join(
        f"<input name={name} value={value}>"
        for name, value in {"python_proficiency": "Beginner", "developer_role": "None"}.items()
    )
    action = f"{window.app_url}/onboarding/review"
    window.open(
        AROUND[around],
        f"<form method=post action={action}>{fields}</form>"
        "<script>document.forms[0].submit()</script>",
    )
    window.wait_for_top("This did not come from our page")
    assert window.rows(person) == []
