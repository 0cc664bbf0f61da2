"""Every way in which somebody else's page could send a form for a person who is signed in.

In a real browser, under host names as in the wild: the app and an attacker side by side under one
parent domain that the session cookie belongs to, and an attacker on another site. After each attack
the row is what it was, and the person's own page still works.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

import pytest
from playwright.sync_api import Page, Request

from devstack.app import App
from devstack.processes import free_port
from onboarding.web.csrf import LIFETIME_S, CsrfTokens
from tests.conftest import Stage
from tests.e2e.conftest import Stranger, Watch
from tests.e2e.pages import REVIEW, confirm, expect_page, expect_profile
from tests.visitor import Person, newcomer

# Chromium resolves every name below localhost to this machine, and takes it for as safe as https.
FAMILY = "family.localhost"
SIBLING, OTHER_SITE = f"evil.{FAMILY}", "127.0.0.1"
FIELDS = {"python_proficiency": "Beginner", "developer_role": "None"}
NOBODY = "the server responded with a status of 401 () (chrome-error://"
REFUSED = "This did not come from our page"


@pytest.fixture(scope="module")
def family_app(stage: Stage) -> Iterator[str]:
    """The app under a host name that has siblings; gives its address."""
    port = free_port()
    url = f"http://app.{FAMILY}:{port}"
    app = App(port, stage.database_url, stage.app.secret, stage.site.url, settings={"APP_URL": url})
    with app.start(stage.logs / "family-app.log"):
        yield url


@dataclass(frozen=True)
class Scene:
    """A person's browser with their draft open, an attacker's web server, and what was sent."""

    page: Page
    app: str
    secret: str
    person: Person
    other: Person
    stranger: Stranger
    watch: Watch
    sent: list[Request]

    def lure(self, html: str, host: str) -> None:
        """Lead the person to a page of the attacker's under `host`."""
        head = '<!doctype html><link rel="icon" href="data:,">'
        self.page.goto(self.stranger.put_up(head + html, host), wait_until="commit")

    def posts(self) -> list[Request]:
        """The requests to the app that could change anything, so far."""
        return [
            one
            for one in self.sent
            if one.url.startswith(self.app) and one.method not in ("GET", "OPTIONS")
        ]

    def own_form(self, token: str | None) -> None:
        """Send the form of the person's own page, with another token or without one."""
        self.page.goto(f"{self.app}/onboarding/review", wait_until="domcontentloaded")
        self.page.evaluate(
            """token => {
                const field = document.querySelector("[name=csrf_token]");
                if (token === null) field.remove(); else field.value = token;
                document.querySelector("form[method=post]").requestSubmit();
            }""",
            token,
        )


def form(scene: Scene, path: str = "/onboarding/review", target: str = "_self", **more: str) -> str:
    """A form that a script sends at once, with a valid token of the person's, had it leaked."""
    leaked = CsrfTokens(scene.secret).issue(scene.person.token)
    fields = {**FIELDS, "csrf_token": leaked, **more}
    inputs = "".join(f'<input name="{k}" value="{escape(v)}">' for k, v in fields.items())
    return (
        f'<form method="post" target="{target}" action="{scene.app}{path}">{inputs}</form>'
        "<script>document.forms[0].submit()</script>"
    )


def another_site(scene: Scene) -> None:
    scene.lure(form(scene), OTHER_SITE)
    expect_page(scene.page, REFUSED)


def a_sibling(scene: Scene) -> None:
    scene.lure(form(scene), SIBLING)
    expect_page(scene.page, REFUSED)
    headers = scene.posts()[-1].all_headers()
    # The one attack that SameSite=Lax doesn't see.
    assert headers["sec-fetch-site"] == "same-site"
    assert scene.person.cookie in headers["cookie"]


def a_sibling_that_hides_its_origin(scene: Scene) -> None:
    scene.lure('<meta name="referrer" content="no-referrer">' + form(scene), SIBLING)
    expect_page(scene.page, REFUSED)
    assert scene.posts()[-1].all_headers()["origin"] == "null"


def a_sandbox(scene: Scene) -> None:
    inside = escape(form(scene, target="_top"))
    sandbox = "allow-scripts allow-forms allow-top-navigation"
    scene.lure(f'<iframe sandbox="{sandbox}" srcdoc="{inside}"></iframe>', SIBLING)
    expect_page(scene.page, REFUSED)
    assert scene.posts()[-1].all_headers()["origin"] == "null"


def no_token(scene: Scene) -> None:
    scene.own_form(None)
    expect_page(scene.page, REFUSED)
    assert scene.posts()[-1].all_headers()["sec-fetch-site"] == "same-origin"


def the_token_of_another_session(scene: Scene) -> None:
    scene.own_form(CsrfTokens(scene.secret).issue(scene.other.token))
    expect_page(scene.page, REFUSED)


def a_stale_token(scene: Scene) -> None:
    long_ago = time.time() - LIFETIME_S - 3600
    scene.own_form(CsrfTokens(scene.secret, clock=lambda: long_ago).issue(scene.person.token))
    expect_page(scene.page, REVIEW)
    assert "problem=stale" in scene.page.url


def links_and_prefetches(scene: Scene) -> None:
    address = f"{scene.app}/onboarding/review?python_proficiency=Beginner&developer_role=None"
    tags = (
        f'<link rel="prefetch" href="{address}"><link rel="prerender" href="{address}">'
        f'<img src="{address}&image"><script src="{address}&script"></script>'
        f'<link rel="stylesheet" href="{address}&style"><iframe src="{address}&frame"></iframe>'
        f'<form action="{scene.app}/onboarding/review"></form><a href="{address}">win</a>'
    )
    # Some Chromiums (Debian's) keep cookies back from another site's frame: there it comes as nobody, and
    # the console names the blocked page in the frame's place.
    scene.watch.expect(NOBODY)
    for host in (SIBLING, OTHER_SITE):
        scene.lure(tags, host)
        scene.page.wait_for_load_state()
        scene.page.get_by_role("link", name="win").click()
        expect_page(scene.page, REVIEW)
        assert len([one for one in scene.sent if one.url.startswith(address)]) >= 5
        scene.sent.clear()


def links_where_a_frame_gets_no_cookie(scene: Scene) -> None:
    network = scene.page.context.new_cdp_session(scene.page)
    network.send("Network.enable")
    network.send(
        "Network.setCookieControls",
        {
            "enableThirdPartyCookieRestriction": True,
            "disableThirdPartyCookieMetadata": True,
            "disableThirdPartyCookieHeuristics": True,
        },
    )
    links_and_prefetches(scene)
    assert [one for one in scene.watch.expected if NOBODY in one]


def fetches(scene: Scene) -> None:
    scene.watch.expect("blocked by CORS policy")
    scene.watch.expect("net::ERR_FAILED")
    for host in (SIBLING, OTHER_SITE):
        scene.lure("<title>fetches</title>", host)
        ends = scene.page.evaluate(
            """async ([app, form]) => {
                const ends = [], json = JSON.stringify({...form, is_onboarded: true});
                const go = async (path, options) => {
                    try {
                        const answer = await fetch(app + path, {credentials: "include", ...options});
                        ends.push(answer.type === "opaque" ? "opaque" : "read");
                    } catch { ends.push("refused") }
                };
                const review = "/onboarding/review", api = "/api/profile";
                const body = new URLSearchParams(form);
                await go(review, {method: "POST", body});
                await go(review, {method: "POST", body, mode: "no-cors"});
                await go(api, {method: "POST", body: json, mode: "no-cors"});
                await go(api, {method: "PUT", body: json});
                await go(api, {method: "PUT", body: json, headers: {"Content-Type": "text/plain"}});
                await go(api, {method: "PUT", body: json, headers: {"Content-Type": "application/json"}});
                await go(api, {});
                navigator.sendBeacon(app + review, body);
                return ends;
            }""",
            [
                scene.app,
                {**FIELDS, "csrf_token": CsrfTokens(scene.secret).issue(scene.person.token)},
            ],
        )
        assert "read" not in ends, ends
    assert scene.posts()


ATTACKS = {
    "another site": another_site,
    "a sibling subdomain": a_sibling,
    "a sibling that hides its origin": a_sibling_that_hides_its_origin,
    "a sandbox, whose origin is null": a_sandbox,
    "no token": no_token,
    "the token of another session": the_token_of_another_session,
    "a stale token": a_stale_token,
    "links, images and prefetches": links_and_prefetches,
    "links where a frame gets no cookie": links_where_a_frame_gets_no_cookie,
    "fetch with credentials": fetches,
}
# The most careless main site there is sends its cookie along from everywhere.
SAME_SITE = {"a sibling subdomain": "Lax"}


@pytest.mark.parametrize("what", ATTACKS)
def test_what_somebody_elses_page_sends_changes_nothing(
    window: Callable[..., Page],
    stage: Stage,
    settings,
    family_app: str,
    stranger: Stranger,
    watch: Watch,
    ada: Person,
    what: str,
) -> None:
    stage.sql(
        "INSERT INTO user_profile (user_id, python_proficiency, developer_role) "
        "VALUES (%s, 'Intermediate', 'Frontend Developer')",
        ada.user_id,
    )
    before = row_of(stage, ada)
    page = window()
    same_site = SAME_SITE.get(what, "None")
    name, _, value = ada.cookie.partition("=")
    page.context.add_cookies(
        [
            {
                "name": name,
                "value": value,
                "domain": f".{FAMILY}",
                "path": "/",
                "httpOnly": True,
                "sameSite": same_site,
                "secure": same_site == "None",
            }
        ]
    )
    for status in (403, 405, 404):
        watch.expect_status(status)
    # What a page of ours is for as an image, a script or a frame of somebody else's: nothing.
    for refusal in ("frame-ancestors", "net::ERR_BLOCKED_BY_RESPONSE", "MIME type"):
        watch.expect(refusal)
    sent: list[Request] = []
    page.context.on("request", lambda request: sent.append(request))
    eve = newcomer(stage.database_url, settings.session_cookie)
    ATTACKS[what](Scene(page, family_app, stage.app.secret, ada, eve, stranger, watch, sent))
    assert row_of(stage, ada) == before

    page.goto(f"{family_app}/onboarding/review")
    confirm(page)
    expect_profile(page, "Intermediate", "Frontend developer")


def row_of(stage: Stage, person: Person) -> list[tuple]:
    return stage.sql("SELECT * FROM user_profile WHERE user_id = %s", person.user_id)
