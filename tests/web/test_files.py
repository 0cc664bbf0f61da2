"""The files that are the same for everybody: their names, what may be kept, and who may load them."""

import base64
import hashlib
import re

import pytest

from devstack.processes import ROOT
from onboarding.web.static_files import embed_script
from tests.browser import headers_without_date, page

STATIC = ROOT / "onboarding" / "static"
EMBED_SCRIPT = STATIC / "embed.js"
FOR_EVER = "public, max-age=31536000, immutable"
FOREIGN = {"Origin": "https://docs.example.com"}


@pytest.fixture
def nobody(default_site):
    return default_site.browser("signed out")


def test_pages_name_each_file_by_its_content_and_it_is_kept_for_good(nobody):
    html = page(nobody.get("/signed-out"))
    names = [link["href"] for link in html.find_all("link")]
    names += [script["src"] for script in html.find_all("script")]
    assert len(names) == 2
    for name in names:
        file = STATIC / re.fullmatch(r"/static/(\w+)\.[0-9a-f]{12}(\.\w+)", name).expand(r"\1\2")
        response = nobody.get(name)
        assert (response.status_code, response.data) == (200, file.read_bytes())
        assert response.headers["Cache-Control"] == FOR_EVER
        assert response.headers["Vary"] == "Accept-Encoding"
        head = nobody.request("HEAD", name)
        assert (head.status_code, head.data) == (200, b"")
        assert headers_without_date(head) == headers_without_date(response)


@pytest.mark.parametrize("file", ["frame.js", "style.css"])
@pytest.mark.parametrize("old_hash", ["", ".0123456789ab"])
def test_a_name_of_another_release_gives_the_present_file_and_is_checked_each_time(
    nobody, file, old_hash
):
    response = nobody.get(f"/static/{file.replace('.', f'{old_hash}.')}")
    assert (response.status_code, response.data) == (200, (STATIC / file).read_bytes())
    kind = "text/css" if file.endswith("css") else "text/javascript"
    assert response.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache"


NO_FILES = ["", "nothing.css", "style.0123456789ab.js", "style.0123.css", "../wsgi.py"]


@pytest.mark.parametrize("name", [*NO_FILES, "%2e%2e/wsgi.py", f"style{'.0123456789ab' * 2}.css"])
def test_anything_else_is_not_found(nobody, name):
    response = nobody.get(f"/static/{name}")
    assert response.status_code == 404
    assert response.headers["Cache-Control"] == "no-store, no-transform"


def test_whoever_has_a_file_is_not_sent_it_again(nobody):
    for path in ("/static/frame.js", "/static/style.css", "/embed.js"):
        first = nobody.get(path)
        again = nobody.get(path, {"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        kept = ("ETag", "Cache-Control", "Vary")
        assert [again.headers[name] for name in kept] == [first.headers[name] for name in kept]
        assert nobody.get(path, {"If-None-Match": '"another"'}).status_code == 200


def test_any_page_may_load_the_embed_script_and_its_copy_with_a_hash_is_kept_for_good(nobody):
    hashed, integrity = embed_script("")
    kept = dict.fromkeys(("/static/embed.js", "/static/embed.0123456789ab.js"), "no-cache")
    for path, cache in {"/embed.js": "public, max-age=300", hashed: FOR_EVER, **kept}.items():
        response = nobody.get(path, FOREIGN)
        assert (response.data, response.mimetype) == (EMBED_SCRIPT.read_bytes(), "text/javascript")
        assert response.headers["Cache-Control"] == cache
        assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Cookie" not in response.vary
    digest = base64.b64encode(hashlib.sha384(response.data).digest()).decode()
    assert integrity == f"sha384-{digest}"
