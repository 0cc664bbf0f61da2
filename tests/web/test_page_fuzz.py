"""The pages under generated requests: no 5xx, and nothing saved that no right form asked for.

hypothesis makes them of right parts and of nearly right ones: paths, queries, headers, cookies, forms.
"""

from collections import Counter
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.web.page_query import FORM_TYPE
from tests.questionnaires import ODD
from tests.web.fuzzing import MANY, Users, check_depth, examples

pytestmark = pytest.mark.slow

STATES = ("revoked", "forged", "no row", "draft", "onboarded")
DEPTH = {200: 0.04, 303: 0.2, 400: 0.02, 401: 0.0001, 403: 0.005, 404: 0.005, 405: 0.002}
LEAST_SAVED = 0.01

# Nothing of this may ever stand in a page as it is.
MARK = "<x y='z\">"
JUNK = st.text(max_size=12) | st.sampled_from(
    [
        *("", "\0", "\ud800", "None\0", "NONE", " None", "True", "[]", "__class__"),
        *("//evil.test", "/\\evil.test", "https://evil.test", "javascript:alert(1)"),
        *("{{7*7}}", "%s%n", "' OR 1=1 --", MARK, "\r\nSet-Cookie: a=b", "../" * 9, "a" * 3000),
    ]
)
ANSWERS = {question.name: st.sampled_from(question.values) for question in ODD}
PARAMETERS = {
    **ANSWERS,
    "next": st.sampled_from(["/profile", "/onboarding/review", "/profile?tab=2", "/healthz"]),
    "return_to": st.just("RETURN"),
    "theme": st.sampled_from(["dark", "light", "auto"]),
    "lang": st.sampled_from(["en", "ur", "pt-BR"]),
    "problem": st.sampled_from(["1", "stale"]),
    "already": st.just("1"),
    "reason": st.sampled_from(["banned", "expired", "unverified"]),
}
FIELDS = {**ANSWERS, "is_onboarded": st.just("true"), "user_id": JUNK, "_method": st.just("PUT")}
FORM_URLS = ["/onboarding/review", *(f"/onboarding/{slug}" for slug in ODD.by_slug)]
URLS = ["/", "/profile", "/signed-out", "/continue", "/onboarding/", "/onboarding", *FORM_URLS]


@st.composite
def pairs(draw: st.DrawFn, known: dict[str, st.SearchStrategy[str]]) -> list[tuple[str, str]]:
    """Some names with values that mostly are right, some twice, some of neither."""
    names = draw(st.lists(st.sampled_from(list(known)), max_size=4, unique=draw(st.booleans())))
    made = [(name, draw(known[name] if draw(st.integers(0, 3)) else JUNK)) for name in names]
    return [*made, (draw(JUNK), draw(JUNK))] if draw(st.integers(0, 9)) == 0 else made


right_forms = st.fixed_dictionaries(ANSWERS).map(lambda answers: list(answers.items()))


def encoded(values: list[tuple[str, str]]) -> str:
    return urlencode(values, errors="surrogatepass")


def escaped(text: str) -> str:
    """Return a text as a part of a path: dots and slashes as they are."""
    return quote(text, errors="surrogatepass").lstrip("/")


def sometimes(draw: st.DrawFn, odd: st.SearchStrategy, usual: object) -> object:
    """Return the usual in all but one of sixteen cases."""
    return draw(odd) if draw(st.integers(0, 15)) == 7 else usual


def test_generated_requests_to_the_pages(sites, request):
    site = sites("odd")
    users, seen, saved = Users(site, *STATES), Counter(), 0
    csrf, settings = site.app.extensions["onboarding"].csrf, site.settings
    cases = request.config.getoption("--cases") * 2 // 3
    targets = {urlsplit(url)[:2] for url in (settings.sign_in_url, settings.site_url, "")}

    @examples(cases)
    @given(st.sampled_from(STATES), st.data())
    def send(state, data):
        nonlocal saved
        draw, user = data.draw, users.windows[state].user
        method = draw(st.sampled_from([*["GET"] * 4, *["POST"] * 6, "HEAD", "OPTIONS"]))
        method = sometimes(draw, st.sampled_from(["PUT", "DELETE", "TRACE", "QUERY"]), method)
        path = draw(st.sampled_from(FORM_URLS if method == "POST" else URLS))
        path = sometimes(draw, JUNK.map(lambda junk: f"{path.rstrip('/')}/{escaped(junk)}"), path)
        query = encoded(draw(pairs(PARAMETERS))).replace("RETURN", settings.site_url)
        token = sometimes(draw, JUNK | st.just(site.stale_token(user)), csrf.issue(user.token))
        form = [("csrf_token", token), *draw(right_forms | pairs(FIELDS))]
        usual = {
            "Cookie": (user.cookie, [None, "x", user.cookie * 2]),
            "Origin": (settings.app_origin, [None, "null", settings.site_origin]),
            "Content-Type": (FORM_TYPE, [None, "text/plain", "multipart/form-data"]),
            "Host": (urlsplit(settings.app_origin).netloc, ["evil.test", ".", "é"]),
            "Sec-Fetch-Site": (None, ["same-site", "cross-site", "é"]),
        }
        mixed = {
            "Sec-Fetch-Dest": [None, None, "iframe", "document"],
            "Accept": [None, "text/html", "application/json", ",;q=é"],
            "Accept-Language": [None, "ur", "de, en;q=0.5", "-;q", "*"],
            "X-Forwarded-Host": [None, "evil.test"],
        }
        headers = {
            name: sometimes(draw, st.sampled_from(odd), one) for name, (one, odd) in usual.items()
        }
        headers |= {name: draw(st.sampled_from(values)) for name, values in mixed.items()}
        body = encoded(form) if method == "POST" else None
        response, is_changed = users.send(state, method, f"{path}?{query}", headers, data=body)

        shown = f"{method} {path!r}?{query} {state} {response.status_code}"
        seen[response.status_code] += 1
        assert response.status_code < 500, shown
        assert MARK not in response.text, shown
        assert "Set-Cookie" not in response.headers, shown
        assert "frame-ancestors" in response.headers["Content-Security-Policy"], shown
        location = response.headers.get("Location", "/")
        assert urlsplit(location)[:2] in targets, shown
        assert not location.startswith(("//", "/\\")), shown
        if is_changed:
            assert (method, response.status_code) == ("POST", 303), shown
            assert state in ("no row", "draft"), shown
            saved += 1

    send()
    check_depth(seen, DEPTH)
    assert saved / cases >= (LEAST_SAVED if cases >= MANY else 1 / cases)
