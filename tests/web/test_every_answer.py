"""The headers of every route, by every method, for everybody: none is without its guard."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from onboarding import create_app
from onboarding.web.access import Area, area_of
from tests.visitor import Visitor

METHODS = (
    *("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"),
    *("TRACE", "CONNECT", "PROPFIND", "MKCOL", "QUERY", "get", "X"),
)
VISITORS = ("signed out", "forged", "no row", "draft", "onboarded", "banned", "impersonated")
# What stands in an address's place for a word.
WORDS = {"filename": "style.css", "name": "acme"}
NOBODYS = ("/nowhere", "/profile/x.css", "/api/nowhere", "/static/nothing.css", "//profile", "/%00")

# Of each style sheet its hash, and nothing else.
STYLES = re.compile(r"'sha256-[A-Za-z0-9+/]{43}='(?: 'sha256-[A-Za-z0-9+/]{43}=')*")
SHARED = re.compile(r"/static/|/embed\.js|/themes/")

FIXED = {
    "Content-Security-Policy",
    "Cross-Origin-Embedder-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
}


def addresses(app: Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        choice = re.search(r"<any\(([^)]*)\):\w+>", rule.rule)
        words = [word.strip(' "') for word in choice[1].split(",")] if choice else [""]
        for word in words:
            path = rule.rule.replace(choice[0], word) if choice else rule.rule
            yield re.sub(r"<(?:\w+:)?(\w+)>", lambda match: WORDS[match[1]], path)
    yield from NOBODYS


def faults(path: str, answer: TestResponse, parents: str) -> Iterator[str]:
    """Give what an answer lacks or has too much of."""
    headers = answer.headers
    yield from (f"lacks {name}" for name in FIXED if len(headers.getlist(name)) != 1)
    policy = dict(
        part.split(" ", 1) for part in headers.get("Content-Security-Policy", "").split("; ")
    )
    expected = {
        "default-src": "'none'",
        "base-uri": "'none'",
        "script-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": parents,
    }
    yield from (f"policy: {name}" for name in expected if policy.get(name) != expected[name])
    if not STYLES.fullmatch(policy.get("style-src", "")):
        yield "policy: style-src"
    values = {
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    yield from (f"wrong {name}" for name, value in values.items() if headers.get(name) != value)
    is_shared = SHARED.match(path) and answer.status_code < 400
    if headers.get("Cross-Origin-Resource-Policy") != "same-site" and not (
        is_shared and path == "/embed.js"
    ):
        yield "wrong Cross-Origin-Resource-Policy"
    yield from (
        f"has {name}" for name in ("Set-Cookie", "Server", "X-Powered-By") if name in headers
    )
    if is_shared:
        return
    is_call = path.startswith("/api/")
    kept = "private, no-cache" if answer.status_code < 400 else "no-store"
    if headers.get("Cache-Control") != (kept if is_call else "no-store, no-transform"):
        yield f"may be kept: {headers.get('Cache-Control')}"
    if "Cookie" not in headers.get("Vary", ""):
        yield "doesn't vary by the cookie"
    if answer.status_code >= 500 and "Retry-After" not in headers:
        yield "doesn't say when to try again"


@pytest.mark.parametrize("state", VISITORS)
def test_every_answer_carries_its_headers_and_none_fails(in_state, plugin_app, stage, state):
    visitor = in_state(state)
    wrong, statuses = [], set()
    for path, method in product(addresses(plugin_app), METHODS):
        answer = visitor.request(method, path, {"Origin": visitor.origin})
        statuses.add(answer.status_code)
        wrong += [
            (method, path, answer.status_code, fault)
            for fault in faults(path, answer, stage.site.url)
        ]
        if answer.status_code >= 500:
            wrong.append((method, path, answer.status_code, "failed"))
    assert wrong == []
    # It went through the doors, not only against them.
    assert {200, 303, 404, 405} <= statuses


def test_every_endpoint_was_asked(plugin_app):
    adapter = plugin_app.url_map.bind("")
    reached = set()
    for path, method in product(addresses(plugin_app), METHODS):
        if path not in NOBODYS and adapter.test(path, method):
            reached.add(adapter.match(path, method)[0])
    assert reached == set(plugin_app.view_functions)
    assert {area_of(endpoint) for endpoint in reached} == set(Area)


@pytest.mark.parametrize(
    "path", ["/signed-out", "/profile", "/nowhere", "/healthz", "/api/profile"]
)
def test_over_https_with_no_parent(settings, path):
    app = create_app(replace(settings, app_origin="https://app.example", embed_origins=()))
    answer = Visitor(app, None, {}).get(path)
    app.extensions["onboarding"].database.engine.dispose()
    assert list(faults(path, answer, "'none'")) == []
    # MDN's Observatory asks for half a year at least.
    assert int(answer.headers["Strict-Transport-Security"].partition("max-age=")[2]) > 15_768_000
    assert answer.headers["X-Frame-Options"] == "DENY"
