"""The headers of every route, by every method, for everybody: none lacks its own, none comes twice."""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from itertools import product

import pytest
from werkzeug.test import TestResponse

from onboarding.themes import DEFAULTS, Theme
from tests.browser import Browser, page
from tests.web.test_walk import urls_of

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT"]
METHODS += ["PROPFIND", "QUERY", "get", "X"]
VISITORS = ("signed out", "draft", "onboarded", "impersonated")
NOWHERE = ("/nowhere", "/profile/x.css", "/api/nowhere", "/static/nothing.css", "//profile", "/%00")

# Of each style sheet its hash, and nothing else: neither a file nor any other text.
STYLES = re.compile(r"'sha256-[A-Za-z0-9+/]{43}='(?: 'sha256-[A-Za-z0-9+/]{43}=')*")
FIXED = {
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def faults(path: str, response: TestResponse, ancestors: str) -> Iterator[str]:
    """Return what the headers of a response lack, or have too much of."""
    headers = response.headers
    yield from (
        f"no {name}: {value}" for name, value in FIXED.items() if headers.get(name) != value
    )
    counts = Counter(name.lower() for name, _ in headers)
    yield from (f"{name} comes {count} times" for name, count in counts.items() if count > 1)
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    if not STYLES.fullmatch(policy.pop("style-src")):
        yield "policy: style-src"
    own = ("script-src", "img-src", "font-src", "connect-src", "form-action")
    none = {"default-src": "'none'", "base-uri": "'none'", "frame-ancestors": ancestors}
    if policy != {**dict.fromkeys(own, "'self'"), **none}:
        yield f"policy: {policy}"
    yield from (f"has {one}" for one in ("Set-Cookie", "Server", "X-Powered-By") if one in headers)
    is_file = re.match(r"/static/|/embed\.js", path) and response.status_code < 400
    is_call = path.startswith("/api/")
    is_shared = path == "/embed.js" and is_file
    if headers["Cross-Origin-Resource-Policy"] != ("cross-origin" if is_shared else "same-site"):
        yield "wrong Cross-Origin-Resource-Policy"
    if ("Access-Control-Allow-Origin" in headers) != bool(is_shared or is_call):
        yield "wrong Access-Control-Allow-Origin"
    if response.status_code >= 500:
        yield "failed"
    if is_file:
        return
    kept = "private, no-cache" if response.status_code < 400 else "no-store"
    if headers["Cache-Control"] != (kept if is_call else "no-store, no-transform"):
        yield f"may be kept: {headers['Cache-Control']}"
    if not {"Cookie", *(["Origin"] if is_call else [])} <= set(response.vary):
        yield f"varies by {response.vary}"


@pytest.mark.parametrize("state", VISITORS)
def test_every_response_carries_its_headers_once_and_none_fails(default_site, state):
    browser, wrong, statuses = default_site.browser(state), [], set()
    rules = default_site.app.url_map.iter_rules()
    paths = [url for rule in rules for url in urls_of(rule, default_site)]
    for path, method in product([*paths, *NOWHERE], METHODS):
        response = browser.request(method, path, {"Origin": browser.origin})
        statuses.add(response.status_code)
        found = faults(path, response, default_site.settings.site_origin)
        wrong += [(method, path, response.status_code, fault) for fault in found]
    assert wrong == []
    # It came through the gate, not only up to it.
    assert {200, 303, 404, 405} <= statuses


def test_over_https_and_with_nobody_around_there_are_two_more(make_app, default_site):
    app = make_app(app_origin="https://app.example", embed_origins=())
    window = Browser(app, None, {"Origin": "https://app.example"})
    for path in ("/signed-out", "/profile", "/nowhere", "/healthz", "/api/nowhere"):
        response = window.get(path)
        assert list(faults(path, response, "'none'")) == []
        # MDN's Observatory asks for half a year at least.
        security = response.headers["Strict-Transport-Security"]
        assert int(security.removeprefix("max-age=")) > 15_768_000
        assert response.headers["X-Frame-Options"] == "DENY"
    others = default_site.browser().get("/signed-out").headers
    assert not {"Strict-Transport-Security", "X-Frame-Options"} & set(others.keys())


def test_each_style_in_a_page_is_one_that_its_policy_names(make_app, default_site):
    app = make_app(themes={"acme": Theme(DEFAULTS, "0", "serif", "auto")})
    window, first = Browser(app, default_site.user("draft"), {}), default_site.question_urls[0]
    paths = [f"{path}?theme=acme" for path in (first, "/onboarding/review", "/nowhere")]
    for path in (first, "/signed-out?theme=dark", *paths):
        response = window.get(path)
        styles = re.findall(rb"<style>(.*?)</style>", response.data, re.DOTALL)
        named = re.search("style-src ([^;]*);", response.headers["Content-Security-Policy"])[1]
        hashes = {f"'sha256-{b64encode(sha256(style).digest()).decode()}'" for style in styles}
        assert len(styles) == 1
        assert hashes <= set(named.split())


@pytest.mark.parametrize(
    ("where", "scripts"), [("document", 0), ("iframe", 1), ("embed", 1), (None, 1)]
)
def test_a_page_has_a_script_where_another_may_be_around_it(default_site, where, scripts):
    window = default_site.browser("signed out")
    html = page(window.get("/signed-out", {"Sec-Fetch-Dest": where} if where else {}))
    assert len(html.find_all("script")) == scripts
    assert ("data-parents" in html.body.attrs) == bool(scripts)
