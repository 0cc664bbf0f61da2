"""The pages under generated requests: no 5xx, nothing saved that no right form asked for.

hypothesis makes them out of right parts and of nearly right ones: paths, queries, headers, cookies,
forms. Each comes to a profile in a state of its own. How often each status came, and how often a
request saved something, shows how deep they went.
"""

from collections import Counter
from urllib.parse import quote, urlencode, urlsplit

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from onboarding import create_app
from onboarding.config import Settings
from onboarding.profiles.questions import QUESTIONS
from onboarding.web.csrf import CsrfTokens
from tests.visitor import Visitor, newcomer

STATES = ("nobody", "forged", "no row", "draft", "final")
BOTH = {"python_proficiency": "Intermediate", "developer_role": "None"}
# From so many on, shares are held.
MANY = 3000
# The least share of each status, and of requests that saved something.
DEPTH = {200: 0.04, 303: 0.2, 400: 0.02, 403: 0.005, 404: 0.005, 405: 0.002}
LEAST_SAVED = 0.02
# Too rare to be counted on in a short run.
RARE = {401}

# Nothing of this may ever stand in a page as it is.
MARK = "<x y='z\">"
JUNK = st.one_of(
    st.sampled_from(
        [
            *("", "\0", "\ud800", "None\0", "NONE", " None", "True", "[]", "__class__"),
            *("//evil.test", "/\\evil.test", "https://evil.test", "javascript:alert(1)"),
            *("{{7*7}}", "%s%n", "' OR 1=1 --", MARK, "\r\nSet-Cookie: a=b", "../" * 9, "a" * 3000),
        ]
    ),
    st.text(max_size=12),
)
ANSWERS = {
    question.field: st.sampled_from([answer.value for answer in question.answers])
    for question in QUESTIONS
}
TARGETS = st.sampled_from(["/profile", "/onboarding/review", "/profile?tab=2", "/healthz"])
PARAMETERS = {
    **ANSWERS,
    "next": TARGETS,
    "return_to": st.just("RETURN"),
    "theme": st.sampled_from(["dark", "light", "auto"]),
    "lang": st.sampled_from(["en", "ur", "pt-BR"]),
    "problem": st.sampled_from(["1", "stale"]),
    "already": st.just("1"),
    "reason": st.sampled_from(["banned", "expired", "unverified"]),
}
PATHS = [
    *("/", "/profile", "/signed-out", "/onboarding/", "/onboarding", "/onboarding/review"),
    *(f"/onboarding/{question.slug}" for question in QUESTIONS),
]
FORM = "application/x-www-form-urlencoded"


@st.composite
def pairs(draw: st.DrawFn, known: dict[str, st.SearchStrategy[str]]) -> list[tuple[str, str]]:
    """Some names with values that mostly are right, some twice, some of neither."""
    names = draw(st.lists(st.sampled_from(list(known)), max_size=4, unique=draw(st.booleans())))
    made = [(name, draw(known[name] if draw(st.integers(0, 3)) else JUNK)) for name in names]
    if draw(st.integers(0, 9)) == 0:
        made.append((draw(JUNK), draw(JUNK)))
    return made


def encoded(values: list[tuple[str, str]]) -> str:
    return urlencode(
        [
            (a.encode("utf-8", "surrogatepass"), b.encode("utf-8", "surrogatepass"))
            for a, b in values
        ]
    )


def escaped(text: str) -> str:
    """Give a text as a part of a path: dots and slashes as they are."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="/").lstrip("/")


@st.composite
def forms(draw: st.DrawFn) -> list[tuple[str, str]]:
    """The fields of a form: right in half of the cases."""
    if draw(st.booleans()):
        return [(name, draw(value)) for name, value in ANSWERS.items()]
    extra = {"is_onboarded": st.just("true"), "user_id": JUNK, "_method": st.just("DELETE")}
    return draw(pairs({**ANSWERS, **extra}))


def seldom(draw: st.DrawFn, odd: object, usual: object) -> object:
    """The usual in all but one of sixteen cases."""
    return draw(odd) if draw(st.integers(0, 15)) == 7 else usual


class Windows:
    """A window of somebody in each state, who is put back into it when a request has moved them."""

    def __init__(self, owner: psycopg.Connection, app, settings, database_url: str) -> None:
        self.owner, self._app, self._settings = owner, app, settings
        self._database_url = database_url
        self.windows = {state: self._window(state) for state in STATES}

    def _window(self, state: str) -> Visitor:
        person = newcomer(self._database_url, self._settings.session_cookie)
        visitor = Visitor(self._app, person, {})
        if state == "draft":
            visitor.answer(*BOTH.values())
        if state == "final":
            visitor.finish(*BOTH.values())
        return visitor

    def row(self, state: str) -> list[tuple]:
        user_id = self.windows[state].person.user_id
        query = "SELECT * FROM user_profile WHERE user_id = %s"
        return self.owner.execute(query, [user_id]).fetchall()

    def put_back(self, state: str) -> None:
        self.windows[state] = self._window(state)


@pytest.fixture(scope="module")
def app(stage):
    """The app without a limit on writes: each person here makes hundreds a minute."""
    app = create_app(Settings.from_environ({**stage.app.environment(), "WRITES_PER_MINUTE": "0"}))
    yield app
    app.extensions["onboarding"].database.engine.dispose()


@pytest.fixture(scope="module")
def windows(app, stage, settings):
    with psycopg.connect(stage.database_url, autocommit=True) as owner:
        yield Windows(owner, app, settings, stage.database_url)


def test_generated_requests_to_the_pages(windows, settings, stage, request):
    seen, saved = Counter(), Counter()
    tokens = CsrfTokens(settings.secret)
    old = CsrfTokens(settings.secret, clock=lambda: 1_000_000.0)
    cases = request.config.getoption("--cases") * 2 // 3

    @hypothesis_settings(
        max_examples=cases,
        database=None,
        deadline=None,
        # The short form is the same each time: in so few, a rare status may not come at all.
        derandomize=cases < MANY,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(STATES), st.data())
    def ask(state, data):
        draw = data.draw
        window = windows.windows[state]
        method = draw(st.sampled_from([*["GET"] * 4, *["POST"] * 6, "HEAD", "OPTIONS"]))
        method = seldom(draw, st.sampled_from(["PUT", "DELETE", "TRACE", "QUERY"]), method)
        path = draw(st.sampled_from(PATHS[-3:] if method == "POST" else PATHS))
        path = seldom(draw, JUNK.map(lambda junk: f"{path.rstrip('/')}/{escaped(junk)}"), path)
        query = encoded(draw(pairs(PARAMETERS))).replace("RETURN", stage.site.url)
        token = seldom(draw, st.one_of(JUNK, st.just(old.issue(window.person.token))), None)
        form = [("csrf_token", token or tokens.issue(window.person.token)), *draw(forms())]
        cookie = {"nobody": None, "forged": window.person.cookie[:-6] + "AAAAAA"}.get(
            state, window.person.cookie
        )
        headers = {
            "Cookie": seldom(draw, st.sampled_from([None, "x", window.person.cookie * 2]), cookie),
            "Origin": seldom(draw, st.sampled_from([None, "null", stage.site.url]), window.origin),
            "Content-Type": seldom(
                draw,
                st.sampled_from([None, "text/plain", "multipart/form-data", f"{FORM};;"]),
                FORM,
            ),
            "Host": seldom(draw, st.just("evil.test"), urlsplit(window.origin).netloc),
            "Sec-Fetch-Site": seldom(draw, st.sampled_from(["same-site", "cross-site", "é"]), None),
            "Sec-Fetch-Dest": draw(st.sampled_from([None, None, "iframe", "document"])),
            "Accept": draw(st.sampled_from([None, "text/html", "application/json", ",;q=é"])),
            "Accept-Language": draw(st.sampled_from([None, "ur", "de, en;q=0.5", "-;q", "*"])),
            "X-Forwarded-Host": draw(st.sampled_from([None, "evil.test"])),
        }
        before = windows.row(state)
        answer = window.request(
            method,
            f"{path}?{query}",
            headers,
            data=encoded(form) if method == "POST" else None,
        )
        after = windows.row(state)

        told = f"{method} {path!r}?{query} {state} {answer.status_code}"
        assert answer.status_code < 500, told
        assert MARK not in answer.text, told
        assert "Set-Cookie" not in answer.headers, told
        assert "frame-ancestors" in answer.headers["Content-Security-Policy"], told
        location = answer.headers.get("Location", "/")
        origins = {urlsplit(settings.sign_in_url)[:2], urlsplit(stage.site.url)[:2], ("", "")}
        assert urlsplit(location)[:2] in origins, told
        assert not location.startswith(("//", "/\\")), told
        if after != before:
            assert (method, answer.status_code) == ("POST", 303), told
            assert state in ("no row", "draft"), told
            saved[urlsplit(location).path] += 1
            windows.put_back(state)
        seen[answer.status_code] += 1

    ask()
    shares = {status: count / seen.total() for status, count in sorted(seen.items())}
    told = ", ".join(f"{status} {share:.1%}" for status, share in shares.items())
    print(f"{seen.total()} requests: {told}; {saved.total()} saved: {dict(saved)}")
    assert set(seen) >= set(DEPTH)
    assert saved
    if cases >= MANY:
        assert {status for status, share in DEPTH.items() if shares[status] < share} == set()
        assert set(seen) >= RARE
        assert saved.total() / seen.total() >= LEAST_SAVED
