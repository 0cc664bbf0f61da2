"""Addresses that look like ours to one reader or another and lead elsewhere, followed by a browser.

Every route that redirects gets each of them as every parameter that names a target. Where the browser
ends up, and what it asked for on its way, is on the app or on the main site.
"""

from collections.abc import Callable
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page

from onboarding.config import Settings
from onboarding.web.csrf import CsrfTokens
from tests.conftest import Stage
from tests.e2e.conftest import Watch
from tests.e2e.pages import (
    PYTHON,
    REVIEW,
    answer_both,
    confirm,
    enter,
    expect_page,
    expect_profile,
    wizard_query,
)
from tests.visitor import Person, newcomer

Window = Callable[..., Page]


def hostile_targets(site: str, app: str) -> list[str]:
    """Give targets that lead elsewhere, or nowhere; `site` and `app` are the origins that may be led to."""
    # Where a target is held against our routes, a path of ours must not make it ours.
    site_host = urlsplit(site).netloc
    return [
        # Other origins, plainly and by schemes.
        "https://evil.test/profile",
        "HTTPS://EVIL.TEST/profile",
        "hTtP://evil.test/profile",
        "ftp://evil.test/profile",
        "ws://evil.test/profile",
        "file:///etc/passwd",
        "about:blank",
        "blob:https://evil.test/1",
        "view-source:https://evil.test/",
        "intent://evil.test/#Intent;scheme=https;end",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "javascript://" + site_host + "/%0aalert(1)",
        "vbscript:msgbox(1)",
        "data:text/html,<script>alert(1)</script>",
        "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
        # Without a scheme, or with half of one.
        "//evil.test/profile",
        "///evil.test/profile",
        "////evil.test/profile",
        "/\\evil.test/profile",
        "\\/evil.test/profile",
        "\\\\evil.test/profile",
        "/\\/evil.test/profile",
        "https:evil.test/profile",
        "https:/evil.test/profile",
        "https:/\\evil.test/profile",
        "http:///evil.test/profile",
        "evil.test/profile",
        "?next=//evil.test",
        "#//evil.test",
        "",
        # Control characters and blanks, which browsers drop.
        "/\t/evil.test/profile",
        "/\n/evil.test/profile",
        "/\r/evil.test/profile",
        "/\x0b/evil.test/profile",
        "/\x00/evil.test/profile",
        "/\x7f/evil.test/profile",
        "/\x85/evil.test/profile",
        "\x01https://evil.test/profile",
        " https://evil.test/profile",
        " //evil.test/profile",
        "\t//evil.test/profile",
        "/\u200b/evil.test/profile",
        "\ufeff//evil.test/profile",
        "/\u2028/evil.test/profile",
        # Line breaks for a header of their own.
        "/profile\r\nLocation: https://evil.test/",
        "/profile\nSet-Cookie: a=b",
        "/%0d%0aLocation:%20https://evil.test/",
        "/%0a%0a<script>alert(1)</script>",
        # Escapes, once and twice.
        "/%2fevil.test/profile",
        "%2f%2fevil.test/profile",
        "/%2F%2Fevil.test/profile",
        "/%5cevil.test/profile",
        "/%09/evil.test/profile",
        "/%00/evil.test/profile",
        "/%252fevil.test/profile",
        "%68%74%74%70%73%3a%2f%2fevil.test/profile",
        "https%3A%2F%2Fevil.test%2Fprofile",
        "/.//evil.test/profile",
        "/..//evil.test/profile",
        "/onboarding/..//evil.test/profile",
        "/%2e%2e//evil.test/profile",
        "/profile/../..//evil.test/profile",
        # Userinfo, ports, other spellings of a host.
        f"{app}@evil.test/profile",
        f"{site}@evil.test/",
        f"{site}:x@evil.test/",
        f"{site}%40evil.test/",
        f"https://{site_host}%2f@evil.test/",
        f"{site}.evil.test/",
        f"{site}%2eevil.test/",
        f"{site}\\@evil.test/",
        f"{site}\\.evil.test/",
        f"{site};@evil.test/",
        f"{site}\t@evil.test/",
        f"{site}0/",
        f"{site}:80/",
        f"{site.replace('localhost', 'localhost.')}/",
        f"{site.replace('localhost', '127.0.0.1')}/",
        f"{site.replace('localhost', '[::1]')}/",
        f"{site.replace('localhost', '0')}/",
        f"{site.replace('localhost', '2130706433')}/",
        f"{site.replace('http:', 'https:')}/",
        f"https://evil.test/profile#{site}/",
        f"https://evil.test/profile?{site}/",
        f"https://evil.test\\{site}/",
        f"https://evil.test;{site}/",
        # Letters beyond ASCII that browsers map onto others.
        "https://evil\u3002test/profile",
        "//evil\u3002test/profile",
        "https://\u24d4\u24e5\u24d8\u24db.test/profile",
        "\uff0f\uff0fevil.test/profile",
        "/\uff0fevil.test/profile",
        "https://xn--/profile",
        site.replace("localhost", "\u24dbocalhost"),
        site.replace("localhost", "l\u043ecalhost"),
        # Too long to be carried on.
        f"//evil.test/{'a' * 3000}",
        f"{site}/{'a' * 3000}",
        "/" * 300 + "evil.test",
    ]


@pytest.fixture
def targets(stage: Stage, served_app: str) -> list[str]:
    made = list(dict.fromkeys(hostile_targets(stage.site.url, served_app)))
    assert len(made) >= 60
    return made


@pytest.fixture
def ours(stage: Stage, served_app: str) -> set[str]:
    """The origins that any navigation may go to."""
    return {stage.site.url, served_app}


def query_of(target: str) -> str:
    escaped = quote(target, safe="")
    return f"next={escaped}&return_to={escaped}"


def test_no_confirmation_with_a_hostile_target_leads_elsewhere(
    window: Window,
    stage: Stage,
    settings: Settings,
    targets: list[str],
    ours: set[str],
    watch: Watch,
) -> None:
    # A page that names its icon: for any other a browser with tabs asks for /favicon.ico, which isn't there.
    somebody = newcomer(stage.database_url, settings.session_cookie)
    page, tokens = window(somebody), CsrfTokens(stage.app.secret)
    page.goto("/onboarding/python-proficiency")
    expect_page(page, PYTHON)
    for target in targets:
        # Somebody new each time: who has confirmed once is led nowhere any more.
        person = newcomer(stage.database_url, settings.session_cookie)
        enter(page.context, person)
        fields = {
            "python_proficiency": "Beginner",
            "developer_role": "None",
            "csrf_token": tokens.issue(person.token),
        }
        with page.expect_navigation(wait_until="domcontentloaded"):
            page.evaluate(SEND, [f"/onboarding/review?{query_of(target)}", fields])
        assert (origin(page.url), urlsplit(page.url).path) == (stage.app.url, "/profile"), target
    print(f"{len(targets)} hostile targets: 0 followed")
    assert {origin(request.url) for request in watch.navigations} <= ours


SEND = """([action, fields]) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = action;
    for (const [name, value] of Object.entries(fields)) {
        const input = document.createElement("input");
        [input.name, input.value] = [name, value];
        form.append(input);
    }
    document.documentElement.append(form);
    form.submit();
}"""


def test_no_link_with_a_hostile_target_leads_elsewhere_by_the_sign_in_page(
    window: Window, stage: Stage, targets: list[str], ours: set[str], watch: Watch
) -> None:
    page = window()
    # Whatever the target is, it travels inside one address of ours: every second one will do.
    for number, target in enumerate(targets[::2]):
        path = ("/", "/profile", "/onboarding/", "/onboarding/developer-role")[number % 4]
        answer = page.goto(f"{path}?{query_of(target)}", wait_until="commit")
        assert (answer and answer.status) == 200, target
        assert origin(page.url) == stage.site.url, target
        [back] = parse_qs(urlsplit(page.url).query)["callbackURL"]
        assert origin(back) == stage.app.url, target
    assert {origin(request.url) for request in watch.navigations} <= ours


def test_no_page_opened_with_a_hostile_target_and_no_link_on_it_leads_elsewhere(
    window: Window, targets: list[str], ours: set[str], ada: Person, watch: Watch
) -> None:
    draft, onboarded, nobody = window(ada), window(), window()
    watch.expect_status(401)
    draft.goto("/profile")
    seen = walk(draft, "/", targets)
    draft.goto(wizard_query("Beginner", "None"))
    confirm(draft)
    expect_profile(draft, "Beginner", "None of these")
    enter(onboarded.context, ada)
    onboarded.goto("/profile")
    seen += walk(onboarded, "/onboarding/", targets)
    nobody.goto("/signed-out")
    seen += walk(nobody, "/signed-out", targets)

    assert len(seen) == 3 * len(targets)
    for asked, url, links in seen:
        assert origin(url) in ours, (asked, url)
        for href in links:
            assert origin(href) in ours, (asked, href)
            for back in parse_qs(urlsplit(href).query).get("callbackURL", []):
                assert origin(back) in ours, (asked, back)
    assert {urlsplit(url).path for _, url, _ in seen} == {
        "/onboarding/python-proficiency",
        "/profile",
        "/signed-out",
    }


def walk(page: Page, path: str, targets: list[str]) -> list[tuple[str, str, list[str]]]:
    """Let a page of ours follow every link, as browsers do; give where each ended, and the links there.

    What leaves our origin on its way is refused there, by `connect-src`, and raises.
    """
    addresses = [f"{path}?{query_of(target)}" for target in targets]
    found = page.evaluate(
        """addresses => Promise.all(addresses.map(async address => {
            const answer = await fetch(address);
            const text = await answer.text();
            const read = new DOMParser().parseFromString(text, "text/html");
            return [address, answer.url, [...read.links].map(link => link.href)];
        }))""",
        addresses,
    )
    return [(asked, url, links) for asked, url, links in found]


def test_hostile_paths_lead_nowhere(
    window: Window, served_app: str, ours: set[str], ada: Person, watch: Watch
) -> None:
    watch.expect_status(404)
    page = window(ada)
    for path in (
        "//evil.test",
        "//evil.test/profile",
        "/%2fevil.test/",
        "/%5cevil.test/",
        "/%09/evil.test/",
        "/onboarding//evil.test/",
        "/onboarding/%2f%2fevil.test",
        "/profile/..//evil.test",
        "/static//evil.test",
    ):
        answer = page.goto(f"{served_app}{path}", wait_until="commit")
        assert (answer and answer.status) == 404, path
        assert origin(page.url) == served_app, path
    assert {origin(request.url) for request in watch.navigations} <= ours


def test_signing_in_from_a_hostile_link_ends_on_our_pages(
    window: Window, stage: Stage, ours: set[str], real_ada: Person, watch: Watch
) -> None:
    page = window()
    for target in ("https://evil.test/profile", "//evil.test/profile"):
        page.goto(f"/onboarding/?{query_of(target)}")
        page.get_by_label("Email").fill(real_ada.email)
        page.get_by_label("Password").fill(real_ada.password)
        page.get_by_role("button", name="Sign in").click()
        expect_page(page, PYTHON)
        page.context.clear_cookies()
    assert {origin(request.url) for request in watch.navigations} == ours


def test_a_hostile_target_is_forgotten_through_the_whole_wizard(
    window: Window, ours: set[str], ada: Person, watch: Watch
) -> None:
    page = window(ada)
    page.goto(f"/?{query_of('//evil.test/profile')}")
    answer_both(page, "Beginner", "None of these")
    expect_page(page, REVIEW)
    confirm(page)
    expect_profile(page, "Beginner", "None of these")
    assert {origin(request.url) for request in watch.navigations} <= ours


def test_a_target_that_is_allowed_is_followed(
    window: Window, stage: Stage, ada: Person, watch: Watch
) -> None:
    """Or all of the above would prove nothing."""
    page = window(ada)
    page.goto(wizard_query("Beginner", "None", return_to=f"{stage.site.url}/?back"))
    confirm(page)
    page.wait_for_url(f"{stage.site.url}/?back")


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
