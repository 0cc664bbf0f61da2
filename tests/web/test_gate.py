"""The gate: who is sent where, what they keep on the way, and what can't steer it."""

from urllib.parse import urlencode, urlsplit

import pytest

from tests.browser import Browser, page
from tests.questionnaires import some_answers
from tests.web.conftest import FRAMED, REASONS, parts_of, redirect_of


def return_url_of(sign_in_url: str) -> str:
    """Return the URL that a link to the sign-in page leads back to."""
    return parts_of(sign_in_url)[1]["callbackURL"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_the_sign_in_page_gets_the_url_to_come_back_to(site, method):
    url, _ = site.last_form()
    response = site.browser("signed out").request(method, url)
    location = response.headers["Location"]
    assert (response.status_code, location.partition("?")[0]) == (303, site.settings.sign_in_url)
    back = urlsplit(return_url_of(location))
    assert back._replace(query=back.query.removesuffix("signed_in=1").rstrip("&")).geturl() == (
        site.settings.app_origin + url.rstrip("?")
    )


def test_whoever_comes_back_from_the_sign_in_page_without_a_cookie_is_not_sent_there_again(
    site, caplog
):
    nobody, user = site.browser("signed out"), site.browser()
    for url in ("/", "/profile?tab=2", site.question_urls[0]):
        back = return_url_of(nobody.get(url).headers["Location"])
        path, query, _ = redirect_of(nobody.get(back.removeprefix(site.settings.app_origin)))
        assert (path, query["reason"]) == ("/signed-out", "no-cookie")
        assert "signed_in" not in query["next"]
        # With a cookie nothing of it is left.
        onward = user.get(back.removeprefix(site.settings.app_origin))
        assert "signed_in" not in onward.headers.get("Location", "")
    assert "came back from SIGN_IN_URL without a session cookie" in caplog.text


@pytest.mark.parametrize("state", REASONS)
def test_nobody_is_sent_to_the_sign_in_page_twice_in_a_row(default_site, state):
    window, settings = default_site.browser(state), default_site.settings
    for url in ("/", "/profile", "/onboarding/", "/onboarding/review"):
        location = window.get(url).headers["Location"]
        if location.startswith(settings.sign_in_url):
            back = return_url_of(location).removeprefix(settings.app_origin)
            location = window.get(back).headers["Location"]
        assert location.startswith("/signed-out")


def test_the_wanted_page_is_kept_for_afterwards(site):
    window, first = site.browser(), site.question_urls[0]
    response = window.get("/profile?tab=2&return_to=http://evil.example")
    assert redirect_of(response) == (first, {"next": "/profile?tab=2"}, "")
    assert redirect_of(window.get("/")) == (first, {"next": "/"}, "")


def test_a_form_of_somebody_signed_out_meanwhile_keeps_its_answer(site):
    url, own = site.last_form()
    for state in ("signed out", "expired", "revoked"):
        path, query, fragment = redirect_of(site.browser(state).post(url, own))
        assert (path, query["reason"], fragment) == ("/signed-out", "expired", "h")
        kept = parts_of(query["next"])
        assert kept == (site.question_urls[-1], some_answers(site.questionnaire), "")


@pytest.mark.parametrize("headers", [{}, FRAMED], ids=["top", "frame"])
def test_whoever_is_out_is_told_why_where_a_redirect_could_loop(default_site, headers):
    texts = set()
    for state, reason in REASONS.items():
        window = default_site.browser(state, **headers)
        response = window.get("/profile")
        if not reason and not headers:
            assert response.headers["Location"].startswith(default_site.settings.sign_in_url)
            continue
        path, query, fragment = redirect_of(response)
        assert (path, query.get("reason"), query["next"]) == ("/signed-out", reason, "/profile")
        # A first load must not take the focus.
        assert fragment == ""
        texts.add(page(window.get(response.headers["Location"])).main.text)
    assert len(texts) == len(set(REASONS.values()) - ({None} if not headers else set()))


def test_cookies_of_two_users_are_refused_and_of_one_user_they_count_as_one(default_site, caplog):
    one, other = default_site.user("onboarded"), default_site.user("onboarded")
    gone = default_site.user("revoked")
    same, many = default_site.new_session(one), [default_site.new_session(one) for _ in range(4)]
    for users, status in (
        *(((one, other), 400), ((other, gone, one), 400), (many, 400)),
        *(((one, same), 200), ((gone, one), 200), ((one, same, gone), 200), ((gone,) * 2, 401)),
        ((gone, default_site.user("revoked")), 401),
    ):
        cookies = "; ".join(user.cookie for user in users)
        window = default_site.browser("signed out", Cookie=cookies)
        assert window.get("/api/profile").status_code == status
        assert window.get("/profile").status_code == (303 if status == 401 else status)
    assert "session cookies of different users" in caplog.text
    assert one.token not in caplog.text


def test_a_user_with_two_sessions_answers_in_one_of_them(default_site):
    user = default_site.user()
    window = Browser(default_site.app, user, {})
    both = {"Cookie": f"{user.cookie}; {default_site.new_session(user).cookie}"}
    url = default_site.question_urls[0]
    token = page(window.get(url, both)).find("input", {"name": "csrf_token"})["value"]
    form = {"csrf_token": token, **some_answers(default_site.questionnaire)}
    assert redirect_of(window.post(url, form, both))[0] == default_site.question_urls[1]


# Names that no host has, so that no URL can be looked up under them.
NO_HOSTS = ["a..b", ".x", "x" * 70, f"{'a' * 70}.com"]
OTHER_HOSTS = ["localhost/x", "localhost?x", "", "[", "é", "evil.test", "10.0.0.7:8000"]


@pytest.mark.parametrize("host", [*NO_HOSTS, *OTHER_HOSTS])
def test_another_host_name_is_refused_except_for_probes_and_files(default_site, host):
    nobody = default_site.browser("signed out", Host=host)
    for path in ("/profile", "/signed-out", "/nowhere", "/api/profile"):
        response = nobody.get(path)
        assert response.status_code == 400
        assert response.is_json or page(response).h1
    for path in ("/healthz", "/readyz", "/static/style.css", "/embed.js"):
        assert nobody.get(path).status_code == (400 if host in NO_HOSTS else 200)


EVIL = "evil.example"
STEERING = {
    **dict.fromkeys(("X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override"), "DELETE"),
    **dict.fromkeys(("X-Original-URL", "X-Rewrite-URL"), "/healthz"),
    **dict.fromkeys(("X-Forwarded-Host", "X-Forwarded-Server", "X-Host"), EVIL),
    **dict.fromkeys(("SCRIPT_NAME", "X-Forwarded-Prefix", "X-Script-Name"), "/evil"),
    **dict.fromkeys(("X-Forwarded-Port", "X-Forwarded-For"), "1"),
    "X-Forwarded-Proto": "https",
    "Forwarded": f"host={EVIL};proto=https",
}
# What a trusted proxy sets.
OF_PROXIES = {"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}


def test_headers_that_only_a_proxy_may_set_have_no_effect(default_site):
    nobody = default_site.browser("signed out")
    plain, steered = nobody.get("/profile"), nobody.get("/profile", STEERING)
    assert steered.status_code == plain.status_code == 303
    assert steered.headers["Location"] == plain.headers["Location"]


def test_behind_a_proxy_only_its_own_three_count_and_of_each_the_last_word(make_app):
    window = Browser(make_app(forwarded_proxies=1), None, {})
    host, plain = window.origin.partition("//")[2], window.get("/profile")
    others = {name: value for name, value in STEERING.items() if name not in OF_PROXIES}
    for headers in (
        others,
        {"X-Forwarded-Host": f"{EVIL}, {host}"},
        {"Host": "10.0.0.1", "X-Forwarded-Host": host},
    ):
        steered = window.get("/profile", headers)
        assert steered.status_code == plain.status_code == 303
        assert steered.headers["Location"] == plain.headers["Location"]
    assert window.get("/profile", {"X-Forwarded-Host": f"{host}, {EVIL}"}).status_code == 400


def test_no_parameter_chooses_another_method(site):
    window, (first, *_) = site.browser(), site.question_urls
    url, own = site.last_form()
    for method in ("PUT", "DELETE", "POST"):
        assert window.get(f"{url}&_method={method}&{urlencode(own)}").status_code == 200
        assert window.post(first, {"_method": method}).status_code == 303
    assert site.row(window.user) is None


def test_the_home_page_keeps_the_query_and_cannot_be_steered_by_it(default_site):
    query = "?return_to=http://a.example&_external=1&_scheme=javascript&_anchor=x&_method=POST"
    response = default_site.browser("onboarded").get(f"/{query}")
    assert response.headers["Location"] == f"/profile{query}"


@pytest.mark.parametrize(
    ("path", "status"), [("/onboarding", 303), ("//profile", 303), ("//evil.example/profile", 404)]
)
def test_no_address_is_mended_by_an_absolute_redirect(default_site, path, status):
    response = default_site.browser().get(path)
    assert response.status_code == status
    assert response.headers.get("Location", "/onboarding/").startswith("/onboarding/")


@pytest.mark.parametrize("state", ["no row", "signed out"])
def test_the_longest_return_address_still_fits_every_hop(site, state):
    back = f"{site.settings.site_url}/" + "?a=b&c" * 160
    window = site.browser(state, **FRAMED)
    response = window.get(f"/?{urlencode({'return_to': back})}")
    while "Location" in response.headers:
        assert len(response.headers["Location"]) < 8000
        response = window.get(response.headers["Location"])
    assert response.status_code in (200, 401)


@pytest.mark.parametrize(
    ("headers", "has_answer"), [(FRAMED, False), (FRAMED, True), ({}, False)], ids=str
)
def test_signing_in_leads_back_to_where_nothing_is_lost(site, headers, has_answer):
    around = f"{site.settings.site_url}/setup"
    _, own = site.last_form()
    query = {"return_to": around, **(own if has_answer else {})}
    window = site.browser("signed out", **headers)
    response = window.post(f"{site.question_urls[-1]}?{urlencode(query)}", {})
    shown = page(window.get(response.headers["Location"]))
    link = shown.find("a", class_="button")
    assert link["target"] == "_top"
    back = return_url_of(link["href"])
    if headers and not has_answer:
        assert back == around
    else:
        # The page around the frame couldn't keep the answer.
        assert back.startswith(site.settings.app_origin + site.question_urls[-1])
        assert parts_of(back)[1]["return_to"] == around
