"""What pages of other sites load from us, and what our pages say to the page around them."""

import base64
import hashlib
from dataclasses import replace
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from devstack.processes import ROOT
from tests.visitor import page

STATIC = ROOT / "onboarding" / "static"


def test_the_script_is_kept_for_minutes_and_asked_for_by_its_tag(visitor):
    answer = visitor().get("/embed.js")
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "max-age=300, public"
    # Without what is written for its readers.
    source = (STATIC / "embed.js").read_text()
    code = [line.strip() for line in source.splitlines()]
    served = [line for line in code if line and not line.startswith("//")]
    assert answer.text.splitlines() == served
    again = visitor().get("/embed.js", {"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"] == "max-age=300, public"


@pytest.mark.parametrize("path", ["/embed.js", "/static/embed.0123456789ab.js"])
def test_any_page_may_load_the_script_and_check_its_hash(visitor, path):
    answer = visitor().get(path, {"Origin": "https://docs.example.com"})
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/static/style.css", "/static/frame.js", "/signed-out", "/no.js"])
def test_nothing_else_of_ours_may_be_read_by_other_origins(visitor, path):
    answer = visitor().get(path, {"Origin": "https://docs.example.com"})
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-site"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_copy_under_its_hash_is_kept_for_good(app, visitor):
    assets = app.extensions["onboarding"].assets
    answer = visitor().get(assets.address("/embed.js"))
    assert answer.headers["Cache-Control"] == "max-age=31536000, public, immutable"
    digest = base64.b64encode(hashlib.sha384(answer.data).digest()).decode()
    assert assets.integrity("/embed.js") == f"sha384-{digest}"


STEPS = {
    "/onboarding/python-proficiency": ("python-proficiency", "1", "3"),
    "/onboarding/developer-role": ("developer-role", "2", "3"),
    "/onboarding/review?python_proficiency=Beginner&developer_role=None": ("review", "3", "3"),
    "/nowhere": ("error", None, None),
}


@pytest.mark.parametrize(("path", "facts"), STEPS.items())
def test_each_page_names_its_step_and_who_may_hear_it(visitor, ada, stage, path, facts):
    body = page(visitor(ada).get(path)).body
    assert (body["data-step"], body.get("data-index"), body.get("data-total")) == facts
    assert body["data-parents"] == stage.site.url


def test_the_profile_and_the_signed_out_page_name_themselves(visitor, ada, settings):
    window = visitor(ada)
    window.finish()
    body = page(window.get("/profile")).body
    assert (body["data-step"], body.get("data-index")) == ("profile", None)
    body = page(visitor().get("/signed-out?next=/profile")).body
    assert (body["data-step"], body["data-reason"]) == ("signed-out", "no-session")
    assert body["data-url"].startswith(settings.sign_in_url)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("expired", "expired"),
        ("cross-site", "cookies-blocked"),
        ("banned", "refused"),
        ("anonymous", "refused"),
        ("unverified", "refused"),
        ('"><script>', "no-session"),
    ],
)
def test_a_reason_is_told_in_the_words_of_the_event(visitor, reason, told):
    answer = visitor().request("GET", "/signed-out", query_string={"reason": reason})
    assert page(answer).body["data-reason"] == told


@pytest.mark.parametrize("reason", ["banned", "anonymous", "unverified"])
def test_who_is_refused_gets_no_address_that_would_send_them_back(visitor, reason):
    answer = visitor().request("GET", "/signed-out", query_string={"reason": reason})
    assert "data-url" not in page(answer).body.attrs


FRAMED = {"Sec-Fetch-Dest": "iframe"}


@pytest.mark.parametrize("length", [900, 1000])
def test_an_answer_is_kept_beside_the_longest_way_back(visitor, ada, stage, length):
    around = f"{stage.site.url}/?q=" + "%20" * 400
    around = around[:length]
    path = "/onboarding/developer-role?python_proficiency=Beginner&return_to=" + quote(around)
    lost = visitor(replace(ada, cookie="a=b"), **FRAMED).request(
        "POST",
        path,
        {"Origin": stage.app.url, "Content-Type": "application/x-www-form-urlencoded"},
        data={"developer_role": "None", "csrf_token": "x"},
    )
    shown = visitor(**FRAMED).get(lost.headers["Location"])
    onward = page(shown).find("a", class_=False)["href"]
    again = page(visitor(ada, **FRAMED).get(onward))
    assert again.find("option", selected=True)["value"] == "None"
    assert parse_qs(urlsplit(again.form["action"]).query)["return_to"] == [around]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, "cross-site"),
        ({"Sec-Fetch-Site": "same-site"}, None),
        ({"Sec-Fetch-Site": "same-origin"}, None),
        ({}, None),
    ],
)
def test_a_frame_across_sites_is_told_from_a_mere_visitor(visitor, headers, reason):
    answer = visitor(**FRAMED, **headers).get("/profile")
    assert answer.headers["Location"].startswith("/signed-out")
    assert ("reason=cross-site" in answer.headers["Location"]) is (reason is not None)


def test_a_window_across_sites_is_sent_to_sign_in_as_ever(visitor, settings):
    answer = visitor(**{"Sec-Fetch-Site": "cross-site"}).get("/profile")
    assert answer.headers["Location"].startswith(settings.sign_in_url)


def test_an_opaque_origin_in_a_frame_is_a_sandbox_and_elsewhere_a_stranger(visitor, ada):
    form = {"python_proficiency": "Advanced"}
    path = "/onboarding/python-proficiency"
    sandboxed = visitor(ada, **FRAMED).post(path, form, {"Origin": "null"})
    assert sandboxed.status_code == 403
    link = page(sandboxed).find("a", class_="button")
    assert link["target"] == "_blank"
    assert "python_proficiency=Advanced" in link["href"]
    stranger = visitor(ada).post(path, form, {"Origin": "null"})
    assert stranger.status_code == 403
    assert "did not come from our page" in page(stranger).h1.text


def test_a_theme_goes_along_with_every_step(visitor, ada):
    window = visitor(ada)
    answer = window.get("/?theme=dark")
    while answer.status_code == 303:
        assert "theme=dark" in answer.headers["Location"]
        answer = window.get(answer.headers["Location"])
    html = page(answer)
    assert html.html["data-theme"] == "dark"
    answer = window.post(html.form["action"], {"python_proficiency": "Beginner"})
    answer = window.post(answer.headers["Location"], {"developer_role": "None"})
    review = page(window.get(answer.headers["Location"]))
    assert review.html["data-theme"] == "dark"
    assert all("theme=dark" in link["href"] for link in review.find_all("a"))
    answer = window.post(
        review.form["action"], {"python_proficiency": "Beginner", "developer_role": "None"}
    )
    assert page(window.get(answer.headers["Location"])).html["data-theme"] == "dark"
    # And whoever comes back to the wizard afterwards.
    assert "theme=dark" in window.get("/onboarding/?theme=dark").headers["Location"]


@pytest.mark.parametrize(
    "theme", ["", "acme", "LIGHT", "dark'", "../x", "\u202e", "light&theme=dark"]
)
def test_an_unknown_theme_is_none(visitor, ada, theme):
    html = page(
        visitor(ada).request("GET", "/onboarding/developer-role", query_string={"theme": theme})
    )
    assert "data-theme" not in html.html.attrs
    assert len(html.find_all("style")) == 1
