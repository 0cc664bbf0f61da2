"""The files that are the same for everybody: names, encodings, headers, and what may be kept."""

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap

import brotli
import pytest

from devstack.processes import ROOT
from onboarding import create_app
from onboarding.web.assets import Assets
from tests.visitor import Visitor, page

STATIC = ROOT / "onboarding" / "static"
ASSETS = Assets(STATIC, {"acme": ":root { color: red }"})
NAMES = ("/static/frame.js", "/static/icon.svg")
SECURITY = {
    "Content-Security-Policy",
    "Cross-Origin-Embedder-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
}


def test_pages_name_each_file_by_its_content_and_it_is_kept_for_good(visitor):
    html = page(visitor().get("/signed-out"))
    named = [link["href"] for link in html.find_all("link", rel=("icon", "stylesheet"))]
    named += [script["src"] for script in html.find_all("script")]
    assert sorted(named) == sorted(map(ASSETS.address, NAMES))
    for name in named:
        answer = visitor().get(name)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "max-age=31536000, public, immutable"
        assert answer.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("accepted", "encoding", "decoded"),
    [
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("gzip, deflate", "gzip", gzip.decompress),
        ("", None, bytes),
    ],
)
def test_each_file_stands_ready_in_each_encoding(visitor, name, accepted, encoding, decoded):
    answer = visitor().get(ASSETS.address(name), {"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == encoding
    assert decoded(answer.data) == ASSETS.content(name)
    assert answer.headers["Content-Length"] == str(len(answer.data))


def test_a_script_is_its_source_without_what_is_for_readers():
    lines = [line.strip() for line in (STATIC / "frame.js").read_text().splitlines()]
    served = ASSETS.content("/static/frame.js").decode().splitlines()
    assert served == [line for line in lines if line and not line.startswith("//")]


@pytest.mark.parametrize("name", [*NAMES, "/embed.js"])
@pytest.mark.parametrize("accepted", ["br", "gzip", ""])
def test_whoever_has_it_gets_it_once(visitor, name, accepted):
    window = visitor(**{"Accept-Encoding": accepted})
    address = name if name == "/embed.js" else ASSETS.address(name)
    tag = window.get(address).headers["ETag"]
    again = window.get(address, {"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert window.get(address, {"If-None-Match": '"of another"'}).status_code == 200


@pytest.fixture
def alone(settings, tmp_path, monkeypatch):
    """Give an app whose files are in a folder of its own, and that folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = create_app(settings)
    [folder] = tmp_path.iterdir()
    yield app, folder
    app.extensions["onboarding"].database.engine.dispose()


def test_instances_that_started_apart_give_equal_answers(visitor, alone):
    address = ASSETS.address("/static/frame.js")
    first, second = visitor().get(address), Visitor(alone[0], None, {}).get(address)
    assert first.data == second.data
    assert dict(first.headers) == dict(second.headers)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("frame.js", "text/javascript"),
        ("frame.0123456789ab.js", "text/javascript"),
        # The release before the sheet stood in the page.
        ("style.css", "text/css"),
        ("style.0123456789ab.css", "text/css"),
    ],
)
def test_a_name_of_another_release_gives_the_present_file_and_is_not_kept(visitor, name, kind):
    answer = visitor().get(f"/static/{name}")
    assert answer.data == ASSETS.content(f"/static/{name}")
    assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    [
        "nothing.css",
        "embed.d.ts",
        "style.0123456789ab.js",
        "style.0123.css",
        "../wsgi.py",
        "%2e%2e/wsgi.py",
        "themes/acme.css",
        "",
    ],
)
def test_anything_else_is_not_found(visitor, name):
    answer = visitor().get(f"/static/{name}")
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store, no-transform"


def test_a_part_of_a_file_is_not_given(visitor):
    answer = visitor().get(ASSETS.address("/static/frame.js"), {"Range": "bytes=0-0"})
    assert (answer.status_code, answer.data) == (200, ASSETS.content("/static/frame.js"))


def test_each_has_the_headers_of_every_answer(visitor):
    signed_out = dict(visitor().get("/signed-out").headers)
    common = {name: signed_out[name] for name in SECURITY}
    for name in NAMES:
        headers = dict(visitor().get(ASSETS.address(name)).headers)
        assert headers | common == headers


def test_whoever_wants_to_change_one_is_refused_by_the_app(visitor):
    answer = visitor().post(ASSETS.address("/static/frame.js"))
    assert answer.status_code == 405
    assert page(answer).h1


def test_head_says_what_get_gives(visitor):
    address = ASSETS.address("/static/frame.js")
    whole, head = visitor().get(address), visitor().request("HEAD", address)
    assert (head.status_code, head.data) == (200, b"")
    assert dict(head.headers) == dict(whole.headers)


def test_the_files_are_served_though_their_folder_was_tidied_away(alone):
    app, folder = alone
    address = ASSETS.address("/static/frame.js")
    shutil.rmtree(folder)
    answer = Visitor(app, None, {}).get(address)
    assert (answer.status_code, answer.data) == (200, ASSETS.content("/static/frame.js"))


def test_the_folder_lasts_as_long_as_the_process_that_made_it(tmp_path):
    script = """
        import os, sys
        from pathlib import Path
        from flask import Flask
        from onboarding.web.assets import Assets
        from onboarding.web.files import serve_before
        app = Flask("x")
        serve_before(app, Assets(Path("onboarding/static"), {}), {})
        worker = os.fork()
        if not worker:
            sys.exit()
        os.waitpid(worker, 0)
        [folder] = Path(os.environ["TMPDIR"]).iterdir()
        assert len(list(folder.iterdir())) >= 8, "the worker took the folder along"
        assert oct(folder.stat().st_mode)[-3:] == "755"
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        check=True,
        timeout=60,
    )
    assert list(tmp_path.iterdir()) == []


# Bytes as they are sent: gzip, brotli.
WEIGHTS = {
    "/static/frame.js": (920, 730),
    "/embed.js": (1500, 1270),
}


@pytest.mark.parametrize(("name", "most"), WEIGHTS.items())
def test_each_file_is_light(visitor, name, most):
    address = name if name == "/embed.js" else ASSETS.address(name)
    sent = [visitor().get(address, {"Accept-Encoding": way}).data for way in ("gzip", "br")]
    assert [len(data) <= size for data, size in zip(sent, most, strict=True)] == [True, True]
