"""The log: one line an event, none forged, nothing secret in it."""

import json
import logging
import socket
import sys
import time
from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest
from gunicorn.http.errors import (
    InvalidChunkSize,
    InvalidHeader,
    InvalidHTTPVersion,
    InvalidRequestLine,
    InvalidRequestMethod,
)

from devstack.app import App
from devstack.processes import free_port
from onboarding import create_app
from onboarding.betterauth.cookie import SessionCookie
from onboarding.logs import Asked, formatter
from onboarding.web.csrf import CsrfTokens
from onboarding.web.keys import Pseudonyms
from tests import secrecy
from tests.visitor import Visitor

SECRET = 'a secret with "quotes" and an ü, long enough'
CONTROLS = "".join(map(chr, [*range(32), *range(127, 160), 0x2028, 0x2029, 0x202E, 0xDC80]))

COOKIE = f"t0ken.{SessionCookie('session', SECRET).sign('t0ken')}"
CSRF = CsrfTokens(SECRET).issue("t0ken")


def line(message: str, form: str = "json", secrets: tuple[str, ...] = (), **more: object) -> str:
    """Give the line that a message becomes, without sending it anywhere."""
    record = logging.getLogger("onboarding.test").makeRecord(
        "onboarding.test", logging.WARNING, __file__, 1, message, (), more.pop("exc_info", None)
    )
    vars(record).update(more)
    return formatter(form, secrets, lambda: Asked()).format(record)


@pytest.mark.parametrize("form", ["json", "plain"])
@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_no_control_character_reaches_the_terminal_or_forges_a_line(form, control):
    written = line(f"one{control}two", form, path=f"/a{control}b")
    assert written.isprintable()
    assert "one" in written
    assert "two" in written


def test_json_gives_every_character_back():
    assert json.loads(line(f"one{CONTROLS}two"))["event"] == f"one{CONTROLS}two"


def test_a_traceback_forges_no_line_either():
    try:
        raise ValueError("x\n2026-11-24T00:00:00Z ERROR   onboarding: forged\x1b[2K")
    except ValueError:
        failed = sys.exc_info()
    first, *below = line("failed", "plain", exc_info=failed).splitlines()
    assert first.endswith("WARNING onboarding.test: failed")
    assert all(one.startswith("    ") and one.isprintable() for one in below)
    assert line("failed", exc_info=failed).isprintable()


@pytest.mark.parametrize("form", ["json", "plain"])
@pytest.mark.parametrize(
    ("said", "written"),
    [
        (f"Cookie: session={COOKIE}; a=b", "session=[cookie]; a=b"),
        (f"session={quote(COOKIE, safe='')}", "session=[cookie]"),
        (f"csrf_token={CSRF}&x", "csrf_token=[token]&x"),
        ("postgresql://app:pass@host/name?sslmode=require refused", "[database] refused"),
        ("postgres://app:pass@host", "[database]"),
        ("GET /a/b?python_proficiency=Advanced HTTP/1.1", "/a/b?[query] HTTP/1.1"),
        ("GET /a.?b[]=1&developer_role=None HTTP/1.1", "/a.?[query] HTTP/1.1"),
        (f"it is {SECRET}.", "it is [secret]."),
        ("is it true? a=b", "is it true? a=b"),
        ("File /usr/lib/python3.11/site-packages/flask/app.py", "python3.11/site-packages/flask"),
    ],
    ids=lambda value: value[:12],
)
def test_what_is_secret_is_struck_out_whoever_says_it(form, said, written):
    assert written in line(said, form, (SECRET,))
    assert written in line("x", form, (SECRET,), reason=said).replace("\\'", "'")
    try:
        raise ValueError(said)
    except ValueError:
        assert written in line("x", form, (SECRET,), exc_info=sys.exc_info())


def test_a_rows_values_stay_out_of_it():
    try:
        raise ValueError("violates a foreign key\nDETAIL:  Key (user_id)=(ada) is not present")
    except ValueError:
        written = line("failed", exc_info=sys.exc_info())
    assert "violates a foreign key" in written
    # The line of code above it isn't the database's, and only a test writes such a one.
    assert "\\nDETAIL:  Key" not in written.rpartition("ValueError: ")[2]


@pytest.mark.parametrize("form", ["json", "plain"])
@pytest.mark.parametrize("client", ["", "192.0.2.1", "2001:db8::1"])
@pytest.mark.parametrize(
    "error",
    [
        InvalidRequestLine("GET /a ?developer_role=None"),
        InvalidRequestLine("GET /a?x=\x7f'\"&developer_role=None HTTP/1.1"),
        InvalidRequestMethod("developer_role=None&x"),
        InvalidHTTPVersion("developer_role=None HTTP/1.1"),
        InvalidHeader("developer_role=None\n"),
        InvalidChunkSize(b"developer_role=None"),
    ],
    ids=["line", "odd line", "method", "version", "header", "chunk"],
)
def test_what_is_no_http_stays_out_of_it(form, client, error):
    kind, _, _ = str(error).partition(":")
    written = line(f"Invalid request from ip={client}: {error}", form)
    assert f"Invalid request from ip={client}: {kind}: [request]" in written
    assert "developer_role" not in written


def test_a_long_line_is_written_soon():
    for long in ("a" * 100_000, "a." * 50_000, "?a" * 50_000, "%2B" * 30_000, "f" * 99_999 + "."):
        begun = time.perf_counter()
        line(long)
        assert time.perf_counter() - begun < 2


def test_a_fault_of_ours_hides_the_token_of_whoever_met_it(settings, ada, log_lines):
    app = create_app(settings)

    def broken() -> str:
        raise ZeroDivisionError("token and all: " + "".join(ada.token))

    app.view_functions["health.alive"] = broken
    # Raised on purpose, so not to be found by the search at the end of the run.
    secrecy.KEPT.discard(ada.token)
    answer = Visitor(app, ada, {}).get("/healthz")
    app.extensions["onboarding"].database.engine.dispose()
    assert answer.status_code == 503
    (written,) = [one for one in log_lines() if one.get("status")]
    assert "ZeroDivisionError: token and all: [secret]" in written["exception"]
    assert ada.token not in json.dumps(written)


def test_a_person_stands_in_it_by_a_pseudonym(visitor, ada, settings, log_lines):
    visitor(ada).post("/onboarding/review", {"csrf_token": "forged"})
    (written,) = log_lines()
    assert written["user"] == Pseudonyms(settings.secret).of(ada.user_id)
    assert len(written["user"]) == 16
    assert written["user"] != Pseudonyms("another secret").of(ada.user_id)
    assert Pseudonyms("").of(ada.user_id) != Pseudonyms("").of(ada.user_id)


def test_who_went_well_leaves_no_line(visitor, ada, log_lines):
    visitor(ada).finish()
    visitor(ada).get("/profile")
    # Every page of a main site may ask for its visitors, signed in or not.
    assert visitor().get("/api/profile").status_code == 401
    assert log_lines() == []


def test_a_flood_of_forged_cookies_is_no_flood_of_lines(settings, ada, log_lines):
    app = create_app(settings)
    forged = replace(ada, cookie=ada.cookie.replace(ada.token, "t" * 32))
    window = Visitor(app, forged, {})
    for _ in range(30):
        assert window.get("/profile").status_code == 303
        assert window.get("/api/profile").status_code == 401
        assert window.put({}).status_code == 401
        assert window.post("/onboarding/review").status_code == 303
    app.extensions["onboarding"].database.engine.dispose()
    (written,) = log_lines()
    assert "BETTER_AUTH_SECRET" in written["event"]
    assert "user" not in written


def test_a_flood_of_forged_forms_is_a_line_for_each_reason(settings, ada, log_lines):
    app = create_app(settings)
    window = Visitor(app, ada, {})
    for _ in range(30):
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            assert window.post("/onboarding/review", {}, headers).status_code == 403
        assert window.put({}, {"Origin": "https://evil.example"}).status_code == 403
    app.extensions["onboarding"].database.engine.dispose()
    assert [written["event"] for written in log_lines()] == [
        f"refused: {reason} (1 since the last such line)"
        for reason in (
            "its Sec-Fetch-Site is cross-site",
            "its Origin isn't that of APP_URL",
            "its Origin may not call the API",
        )
    ]


@pytest.mark.parametrize(
    ("proxies", "given", "taken"),
    [
        (1, "0123456789abcdef0123456789abcdef", True),
        (1, "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", True),
        (0, "0123456789abcdef0123456789abcdef", False),
        (1, "short", False),
        (1, "x" * 65, False),
        (1, "0123456789abcdef\tforged", False),
        (1, "<b>0123456789</b>", False),
        (1, "0123456789٣٣٣٣٣", False),
    ],
)
def test_a_trusted_proxys_request_id_is_taken_where_it_looks_like_one(
    settings, log_lines, proxies, given, taken
):
    app = create_app(replace(settings, forwarded_proxies=proxies))
    answer = Visitor(app, None, {"X-Request-ID": given.encode().decode("latin-1")}).get("/nowhere")
    app.extensions["onboarding"].database.engine.dispose()
    (written,) = log_lines()
    assert (written["request_id"] == given) is taken
    assert written["request_id"] in answer.text
    assert (given in answer.text) is taken


def test_the_search_at_the_end_of_a_run_finds_what_leaked(ada, settings):
    with secrecy.listening() as heard:
        log = logging.getLogger("onboarding.test")
        # Nobody else shall hear it.
        log.propagate = False
        listener = next(
            one for one in reversed(logging.getLogger().handlers) if hasattr(one, "heard")
        )
        log.addHandler(listener)
        try:
            log.debug("nothing to see: %s", "a" * 32)
            assert secrecy.leaks("\n".join(heard)) == []
            log.debug("the token is %s", ada.token)
            log.debug("as a field", extra={"reason": f"for {ada.user_id}"})
            log.debug("session=%s", COOKIE)
            log.debug(CSRF)
            log.debug("postgresql://app:pass@host")
        finally:
            log.removeHandler(listener)
            log.propagate = True
    assert len(secrecy.leaks("\n".join(heard))) >= 5


def test_the_search_hears_the_app(visitor, ada):
    with secrecy.listening() as heard:
        visitor(ada).get("/nowhere")
    assert any("refused" in one for one in heard)


def test_the_servers_own_lines_and_the_apps_are_of_one_kind(
    stage, served_app: str, real_ada, tmp_path
):
    port = free_port()
    for form, reads in (("json", json.loads), ("plain", as_plain)):
        app = App(
            port,
            stage.database_url,
            stage.app.secret,
            stage.site.url,
            settings={"LOG_FORMAT": form, "LOG_LEVEL": "debug"},
        )
        with app.start(tmp_path / f"{form}-app.log") as child:
            httpx.get(f"{app.url}/nowhere{form}?q=secret", headers={"Cookie": real_ada.cookie})
            # Refused by gunicorn, before the app.
            httpx.get(f"{app.url}/", headers={"Cookie": f"{real_ada.cookie}{'x' * 40_000}"})
            with socket.create_connection(("127.0.0.1", port)) as unreadable:
                unreadable.sendall(b"q=secret&x\r\n\r\n")
                assert unreadable.recv(12) == b"HTTP/1.1 400"
        lines = [reads(one) for one in child.log.read_text().splitlines()]
        loggers = {one["logger"] for one in lines}
        assert loggers == {"gunicorn.error", "onboarding.web.errors"}
        assert "q=secret" not in child.log.read_text()
        assert "[request]" in child.log.read_text()
        # The server's workers know of their requests, too.
        assert f"nowhere{form}" in child.log.read_text()
        assert "request_id" in child.log.read_text()


def as_plain(written: str) -> dict[str, str]:
    moment, level, logger, said = written.split(maxsplit=3)
    assert moment.endswith("Z")
    return {"logger": logger.removesuffix(":"), "level": level.lower(), "event": said}


def test_a_request_that_goes_well_makes_no_name_for_itself(visitor, ada, monkeypatch):
    made: list[int] = []

    def counted(size: int) -> str:
        made.append(size)
        return "0" * size

    monkeypatch.setattr("onboarding.web.request_id.secrets.token_hex", counted)
    visitor(ada).get("/onboarding/python-proficiency")
    assert made == []
    visitor(ada).get("/nowhere")
    assert made == [4]
