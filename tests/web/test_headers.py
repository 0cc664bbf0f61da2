"""The headers that every answer carries."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import pytest

from onboarding import create_app
from onboarding.themes import DEFAULTS, Theme
from tests.visitor import Visitor, page

ANSWERS = [
    ("GET", "/", 303),
    ("GET", "/profile", 303),
    ("GET", "/signed-out", 401),
    ("GET", "/healthz", 200),
    ("GET", "/nowhere", 404),
    ("POST", "/profile", 405),
    ("POST", "/onboarding/review", 403),
    ("GET", "/static/style.css", 200),
    ("GET", "/static/nothing.css", 404),
    ("POST", "/static/style.css", 405),
    ("OPTIONS", "/signed-out", 200),
    ("HEAD", "/signed-out", 401),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_stand_on_every_answer(visitor, stage, method, path, status):
    answer = visitor().request(method, path)
    assert answer.status_code == status
    policy = dict(
        part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == stage.site.url
    assert policy["form-action"] == policy["script-src"] == "'self'"
    # The one sheet, in the page: neither a file nor any other text.
    assert re.fullmatch("'sha256-[A-Za-z0-9+/]{43}='", policy["style-src"])
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-site"
    assert "X-Frame-Options" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    if not path.startswith("/static/style") or status >= 400:
        assert answer.headers["Cache-Control"] == "no-store, no-transform"
        assert "Cookie" in answer.headers["Vary"]


def test_without_embedding_origins_nobody_may_frame_us(settings):
    app = create_app(replace(settings, embed_origins=()))
    answer = Visitor(app, None, {}).get("/signed-out")
    app.extensions["onboarding"].database.engine.dispose()
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_each_style_in_a_page_is_one_that_its_policy_names(settings, stage, ada):
    themes = {"acme": Theme(DEFAULTS, "0", "serif", "auto")}
    app = create_app(replace(settings, themes=themes))
    window = Visitor(app, ada, {})
    window.answer()
    paths = [
        ("/onboarding/python-proficiency", 1),
        ("/onboarding/python-proficiency?theme=acme", 2),
        # A policy of its own, for where its form ends.
        (f"/onboarding/review?theme=acme&return_to={stage.site.url}/", 2),
        ("/signed-out?theme=dark", 1),
        ("/nowhere?theme=acme", 2),
    ]
    policies = set()
    for path, count in paths:
        answer = window.get(path)
        styles = re.findall(rb"<style>(.*?)</style>", answer.data, re.DOTALL)
        policy = answer.headers["Content-Security-Policy"]
        named = re.search("style-src ([^;]*);", policy)[1].split()
        hashes = {f"'sha256-{b64encode(sha256(style).digest()).decode()}'" for style in styles}
        assert len(styles) == count
        assert hashes <= set(named)
        assert len(named) == 2
        policies.add(policy)
    assert len(policies) == 2
    app.extensions["onboarding"].database.engine.dispose()


@pytest.mark.parametrize(
    ("where", "scripts"), [("document", 0), ("iframe", 1), ("embed", 1), (None, 1)]
)
def test_a_page_has_a_script_where_another_may_be_around_it(visitor, where, scripts):
    html = page(visitor().get("/signed-out", {"Sec-Fetch-Dest": where} if where else {}))
    assert len(html.find_all("script")) == scripts
    assert ("data-parents" in html.body.attrs) == bool(scripts)


def test_no_page_sets_a_cookie(visitor, ada):
    window = visitor(ada)
    answers = [
        window.answer(),
        window.get("/onboarding/review"),
        window.finish(),
        window.get("/profile"),
    ]
    assert not any("Set-Cookie" in answer.headers for answer in answers)


def test_behind_a_trusted_proxy_its_headers_count(settings, ada):
    app = create_app(replace(settings, forwarded_proxies=1))
    answer = Visitor(
        app, ada, {"Host": "10.0.0.1", "X-Forwarded-Host": settings.app_origin.partition("//")[2]}
    ).get("/profile")
    app.extensions["onboarding"].database.engine.dispose()
    assert answer.status_code == 303
