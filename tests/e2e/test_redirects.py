"""URLs that look like ours to one reader or another and lead elsewhere, as parameters and as paths.

The app answers in this process; a browser's own parser says where each URL in its answers leads.
"""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode

import psycopg
import pytest
from werkzeug.test import TestResponse

from tests.e2e import pages
from tests.e2e.pages import SOME
from tests.questionnaires import DEFAULT
from tests.users import create_user, insert_user

pytestmark = pytest.mark.slow

# Escaped as in Python; SITE and APP are the origins that may be led to.
HOSTILE_TARGETS = {
    "other origins, plainly and by schemes": r"""
        https://evil.test/profile HTTPS://EVIL.TEST/profile hTtP://evil.test/profile
        ftp://evil.test/profile ws://evil.test/profile file:///etc/passwd about:blank
        blob:https://evil.test/1 view-source:https://evil.test/
        intent://evil.test/#Intent;scheme=https;end javascript:alert(1) JaVaScRiPt:alert(1)
        java\tscript:alert(1) \x01javascript:alert(1) javascript://localhost:PORT/%0aalert(1)
        vbscript:msgbox(1) data:text/html,<script>alert(1)</script>
        data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==""",
    "without a scheme, or with half of one": r"""
        //evil.test/profile ///evil.test/profile ////evil.test/profile /\\evil.test/profile
        \\/evil.test/profile \\\\evil.test/profile /\\/evil.test/profile https:evil.test/profile
        https:/evil.test/profile https:/\\evil.test/profile http:///evil.test/profile
        evil.test/profile ?next=//evil.test #//evil.test""",
    "control characters and blanks, which browsers drop": r"""
        /\t/evil.test/profile /\n/evil.test/profile /\r/evil.test/profile /\x0b/evil.test/profile
        /\x00/evil.test/profile /\x7f/evil.test/profile /\x85/evil.test/profile
        \x01https://evil.test/profile \x20https://evil.test/profile \x20//evil.test/profile
        \t//evil.test/profile /\u200b/evil.test/profile \ufeff//evil.test/profile
        /\u2028/evil.test/profile""",
    "line breaks for a header of their own": r"""
        /profile\r\nLocation:\x20https://evil.test/ /profile\nSet-Cookie:\x20a=b
        /%0d%0aLocation:%20https://evil.test/ /%0a%0a<script>alert(1)</script>""",
    "escapes, once and twice, and dots": r"""
        /%2fevil.test/profile %2f%2fevil.test/profile /%2F%2Fevil.test/profile
        /%5cevil.test/profile /%09/evil.test/profile /%00/evil.test/profile
        /%252fevil.test/profile %68%74%74%70%73%3a%2f%2fevil.test/profile
        https%3A%2F%2Fevil.test%2Fprofile /.//evil.test/profile /..//evil.test/profile
        /onboarding/..//evil.test/profile /%2e%2e//evil.test/profile
        /profile/../..//evil.test/profile""",
    "userinfo, ports and other spellings of a host": r"""
        APP@evil.test/profile SITE@evil.test/ SITE:x@evil.test/ SITE%40evil.test/
        https://localhost:PORT%2f@evil.test/ SITE.evil.test/ SITE%2eevil.test/ SITE\u3002evil.test/ SITE\x20.evil.test/ SITE\\@evil.test/
        SITE\\.evil.test/ SITE;@evil.test/ SITE\t@evil.test/ SITE0/ SITE:80/
        http://localhost.:PORT/ http://127.0.0.1:PORT/ http://[::1]:PORT/ http://0:PORT/
        http://2130706433:PORT/ https://localhost:PORT/ https://evil.test/profile#SITE/
        https://evil.test/profile?SITE/ https://evil.test\\SITE/ https://evil.test;SITE/""",
    "letters that browsers map onto others": r"""
        https://evil\xe4.test/profile https://evil\u3002test/profile //evil\u3002test/profile
        https://\u24d4\u24e5\u24d8\u24db.test/profile \uff0f\uff0fevil.test/profile
        /\uff0fevil.test/profile https://xn--/profile http://\u24dbocalhost:PORT
        http://l\u043ecalhost:PORT""",
}

# [origin, path, what the sign-in page gets as the URL to come back to] of URLs with their bases.
PARSE = """urls => urls.map(([url, base]) => {
    if (!URL.canParse(url, base)) return ["no URL", url, null];
    const { origin, protocol, pathname, searchParams } = new URL(url, base);
    return [origin === "null" ? protocol : origin, pathname, searchParams.get("callbackURL")];
})"""


@pytest.fixture
def targets(environment):
    site, app = environment.main_site.url, environment.app_server.url
    written = " ".join(HOSTILE_TARGETS.values()).split()
    read = [text.encode().decode("unicode_escape") for text in written]
    port = site.rpartition(":")[2]
    fixed = [text.replace("SITE", site).replace("APP", app).replace("PORT", port) for text in read]
    long = [f"//evil.test/{'a' * 3000}", f"{site}/{'a' * 3000}", "/" * 300 + "evil.test"]
    return [*fixed, "", *long]


@pytest.fixture
def own_origins(environment):
    """The origins that anybody may be led to."""
    return {environment.main_site.url, environment.app_server.url}


@pytest.fixture
def parse(page, environment):
    """Parse URLs of the app's pages as a browser does."""
    base = environment.app_server.url
    return lambda urls: page.evaluate(PARSE, [[url, base] for url in urls])


def query_of(target: str) -> str:
    return urlencode({"next": target, "return_to": target})


def urls_in(response: TestResponse) -> Iterator[str]:
    """Return every URL that an answer may lead to."""
    if location := response.headers.get("Location"):
        yield location
    if refresh := response.headers.get("Refresh"):
        yield refresh.partition("url=")[2]
    for url in re.findall(r'(?:href|action|data-url)="([^"]*)"', response.text):
        yield unescape(url)


def test_no_answer_to_a_hostile_target_leads_elsewhere(
    open_browser, environment, settings, targets, own_origins, parse
):
    nobody = open_browser()
    new, done = (
        open_browser(create_user(environment.database_url, settings.session_cookie))
        for _ in range(2)
    )
    done.finish()
    framed = {"Sec-Fetch-Dest": "iframe"}
    found = {}
    for target in targets:
        query = query_of(target)
        for name, response in {
            "signed out": nobody.get(f"/profile?{query}"),
            "signed out in a frame": nobody.get(f"/signed-out?{query}", framed),
            "continue": nobody.get(f"/continue?{query}"),
            "new": new.get(f"/?{query}"),
            "question": new.get(f"{pages.path(DEFAULT.questions[0])}?{query}"),
            "onboarded": done.get(f"/onboarding/?{query}"),
            "profile": done.get(f"/profile?{query}"),
        }.items():
            assert response.status_code in (200, 303, 401), (name, target)
            found |= {(name, target, url): url for url in urls_in(response)}
    for (name, target, _), (origin, _, back) in zip(
        found, parse(list(found.values())), strict=True
    ):
        assert origin in own_origins, (name, target)
        if back:
            assert parse([back])[0][0] == environment.app_server.url, (name, target)
    assert len(found) > 10 * len(targets)


def test_no_confirmation_with_a_hostile_target_leads_elsewhere(
    open_browser, environment, settings, targets, parse
):
    locations = []
    with psycopg.connect(environment.database_url, autocommit=True) as connection:
        for target in targets:
            browser = open_browser(insert_user(connection, settings.session_cookie))
            response = browser.post(f"/onboarding/review?{query_of(target)}", SOME)
            assert response.status_code == 303, target
            locations.append(response.headers["Location"])
    for target, (origin, where, _) in zip(targets, parse(locations), strict=True):
        assert (origin, where) == (environment.app_server.url, "/profile"), target


def test_a_hostile_path_leads_nowhere(open_browser, user):
    browser = open_browser(user)
    paths = """//evil.test //evil.test/profile /%2fevil.test/ /%5cevil.test/ /%09/evil.test/
        /onboarding//evil.test/ /onboarding/%2f%2fevil.test /profile/..//evil.test /static//evil.test"""
    for hostile in paths.split():
        response = browser.get(hostile)
        assert (response.status_code, response.headers.get("Location")) == (404, None), hostile
