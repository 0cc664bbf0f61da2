"""No visitor is sent back and forth between app and main site, whatever each of them believes."""

from datetime import timedelta
from itertools import product

import httpx
import pytest

from tests.compat.browser import Browser
from tests.compat.deployment import Deployment
from tests.compat.presets import with_presets

pytestmark = pytest.mark.slow

PAGES = ("/", "/profile", "/onboarding/", "/onboarding/review")
COOKIES = ("as it is", "forged", "gone", "of the main site alone")
CACHES = ("as it is", "gone")
SESSIONS = {
    "live": lambda deployment, user: None,
    "expired": lambda deployment, user: deployment.expire(user, timedelta(seconds=1)),
    "deleted": lambda deployment, user: deployment.schema.sql("DELETE FROM session"),
    "deleted with its user": lambda deployment, user: deployment.schema.sql(
        f"DELETE FROM {deployment.user_table}"  # noqa: S608 - a name of our own
    ),
}


@with_presets(
    "default",
    "cookie cache, compact",
    "cookie cache, jwe",
    "the app on a sibling subdomain",
    "asked over HTTP, secret not shared",
)
def test_nobody_is_sent_to_the_sign_in_page_twice(deployment: Deployment) -> None:
    ends = set()
    for session, end_session in SESSIONS.items():
        browser = deployment.browser()
        user = deployment.sign_up(browser)
        end_session(deployment, user)
        cookies = {cookie.name: cookie.value or "" for cookie in browser.client.cookies.jar}
        for state in product(PAGES, COOKIES, CACHES):
            ways = follow(deployment, cookies, *state)
            assert ways.count("site") <= 1, (session, state, ways)
            ends.add((session, ways[-1]))
    assert ends >= {("live", "page"), ("deleted", "/signed-out"), ("live", "the sign-in page")}


def follow(
    deployment: Deployment, cookies: dict[str, str], page: str, cookie: str, cache: str
) -> list[str]:
    """Visit a page with these cookies as a browser does; return who answered, and what the end was."""
    sent = dict(cookies)
    for name in cookies:
        if cache == "gone" and "session_data" in name:
            del sent[name]
        if name.endswith("session_token") and cookie == "gone":
            del sent[name]
        if name.endswith("session_token") and cookie == "forged":
            sent[name] = sent[name].replace(".", ".A", 1)[: len(sent[name])]
    origin = deployment.settings.app_origin
    client = Browser(deployment.site, origin, deployment.app).client
    url, ways = httpx.URL(origin + page), []
    for _ in range(8):
        is_app = str(url).startswith(origin)
        ways.append("app" if is_app else "site")
        reaches = not (is_app and cookie == "of the main site alone")
        header = "; ".join(f"{name}={value}" for name, value in sent.items()) if reaches else ""
        client.cookies.clear()
        response = client.get(url, headers={"Cookie": header})
        if response.next_request is None:
            assert response.status_code in (200, 401), response
            end = url.path if url.path == "/signed-out" else "page"
            return [*ways, end if is_app else "the sign-in page"]
        url = response.next_request.url
    return ways
