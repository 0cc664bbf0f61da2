"""Every way in which somebody else's page could send a form for a user who is signed in.

In a real browser, under host names as in the wild: the app and an attacker side by side under one
parent domain that the session cookie belongs to, and an attacker on another site. After each attack
the row is what it was, and the user's own page still works.
"""

from collections.abc import Iterator
from html import escape

import pytest
from playwright.sync_api import Page, Request

from devstack.processes import free_port
from onboarding.web.csrf import CsrfTokens
from tests.e2e import pages
from tests.e2e.other_site import OtherSite
from tests.e2e.pages import OTHER, REVIEW, SOME

pytestmark = pytest.mark.slow

# Chromium resolves every name below localhost to this machine, and takes it for as safe as https.
FAMILY = "family.localhost"
SIBLING, OTHER_SITE = f"evil.{FAMILY}", "127.0.0.1"

FETCH = """async ([app, form]) => {
    const results = [], json = JSON.stringify({...form, is_onboarded: true});
    const send = async (path, options) => {
        try {
            const answer = await fetch(app + path, {credentials: "include", ...options});
            results.push(answer.type === "opaque" ? "opaque" : "read");
        } catch { results.push("refused") }
    };
    const review = "/onboarding/review", api = "/api/profile";
    const body = new URLSearchParams(form);
    await send(review, {method: "POST", body});
    await send(review, {method: "POST", body, mode: "no-cors"});
    await send(api, {method: "POST", body: json, mode: "no-cors"});
    await send(api, {method: "PUT", body: json});
    await send(api, {method: "PUT", body: json, headers: {"Content-Type": "text/plain"}});
    await send(api, {method: "PUT", body: json, headers: {"Content-Type": "application/json"}});
    await send(api, {});
    navigator.sendBeacon(app + review, body);
    return results;
}"""


@pytest.fixture(scope="module")
def family_app(environment, other_app):
    """The app under a host name that has siblings; return its URL."""
    port = free_port()
    url = f"http://app.{FAMILY}:{port}"
    with other_app(port, APP_URL=url).start(environment.logs / "family-app.log"):
        yield url


class Scene:
    """A user's browser, and an attacker who has learned a valid token of theirs."""

    def __init__(self, page: Page, app: str, other_site: OtherSite, fields: dict[str, str]) -> None:
        self.page = page
        self.app = app
        self.fields = fields
        self.requests: list[Request] = []
        self._other_site = other_site
        page.context.on("request", lambda request: self.requests.append(request))

    def lure(self, html: str, host: str) -> None:
        """Lead the user to a page of the attacker's under `host`."""
        head = '<!doctype html><link rel="icon" href="data:,">'
        self.page.goto(self._other_site.serve(head + html, host), wait_until="commit")

    def form(self, target: str = "_self") -> str:
        """Return a form that a script sends at once."""
        inputs = "".join(
            f'<input name="{name}" value="{escape(value)}">' for name, value in self.fields.items()
        )
        return (
            f'<form method="post" target="{target}" action="{self.app}/onboarding/review">{inputs}'
            "</form><script>document.forms[0].submit()</script>"
        )


@pytest.fixture
def tokens(settings):
    return CsrfTokens(settings.derive_key("onboarding csrf 1"))


@pytest.fixture
def same_site(request):
    """The most careless main site there is sends its cookie along from everywhere."""
    return getattr(request, "param", "None")


@pytest.fixture
def scene(
    page, environment, family_app, other_site, console, user, tokens, same_site
) -> Iterator[Scene]:
    """A user with a draft; after the test it is unchanged, and they can confirm it."""
    pages.store_profile(environment, user, SOME, is_onboarded=False)
    pages.sign_in_by_cookie(page.context, user, domain=f".{FAMILY}", same_site=same_site)
    console.expect_status(403, 404, 405)
    # What a page of ours is for as an image, a script or a frame of somebody else's: nothing.
    console.expect("frame-ancestors", "net::ERR_BLOCKED_BY_RESPONSE", "MIME type")
    fields = {**OTHER, "csrf_token": tokens.issue(user.token)}
    yield Scene(page, family_app, other_site, fields)
    assert pages.stored_profile(environment, user.id) == {**SOME, "is_onboarded": False}
    page.goto(f"{family_app}/onboarding/review")
    pages.confirm(page)
    pages.expect_profile(page, SOME)


# The SameSite of the cookie, who sends the form from which page, and by which header it shows.
FORMS = {
    "another site": ("None", OTHER_SITE, "{}", ("sec-fetch-site", "cross-site")),
    "a sibling, which Lax doesn't see": ("Lax", SIBLING, "{}", ("sec-fetch-site", "same-site")),
    "a sibling without a referrer": (
        *("None", SIBLING),
        *('<meta name="referrer" content="no-referrer">{}', ("origin", "null")),
    ),
    "a sibling's sandbox": (
        *("None", SIBLING),
        '<iframe sandbox="allow-scripts allow-forms allow-top-navigation" srcdoc="{}">',
        ("origin", "null"),
    ),
}


@pytest.mark.parametrize(
    ("same_site", "host", "html", "shown"), FORMS.values(), ids=FORMS, indirect=["same_site"]
)
def test_a_form_of(scene, user, host, html, shown):
    form = escape(scene.form("_top")) if "srcdoc" in html else scene.form()
    scene.lure(html.replace("{}", form), host)
    pages.expect_page(scene.page, pages.UNVERIFIED)
    [refused] = [one for one in scene.requests if one.method == "POST"]
    assert shown in refused.all_headers().items()
    assert user.cookie in refused.all_headers()["cookie"]


def test_links_images_frames_and_prefetches(scene, console):
    # Some Chromiums (Debian's) keep cookies back from another site's frame: there it comes as nobody,
    # and the console names the blocked page in the frame's place.
    console.expect("the server responded with a status of 401 () (chrome-error://")
    url = scene.app + pages.review_url(OTHER)
    tags = (
        f'<link rel="prefetch" href="{url}"><link rel="prerender" href="{url}">'
        f'<img src="{url}&image"><script src="{url}&script"></script>'
        f'<link rel="stylesheet" href="{url}&style"><iframe src="{url}&frame"></iframe>'
        f'<form action="{scene.app}/onboarding/review"></form><a href="{url}">win</a>'
    )
    for host in (SIBLING, OTHER_SITE):
        scene.lure(tags, host)
        scene.page.wait_for_load_state()
        scene.page.get_by_role("link", name="win").click()
        pages.expect_page(scene.page, REVIEW)
        assert len([one for one in scene.requests if one.url.startswith(url)]) >= 5
        scene.requests.clear()


def test_fetches_with_credentials(scene, console):
    console.expect("blocked by CORS policy", "net::ERR_FAILED")
    for host in (SIBLING, OTHER_SITE):
        scene.lure("<title>fetches</title>", host)
        assert "read" not in scene.page.evaluate(FETCH, [scene.app, scene.fields])
    assert [one for one in scene.requests if one.method in ("POST", "PUT")]
