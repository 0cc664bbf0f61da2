"""Errors: a sentence for people, a reference that finds the log line, nothing internal, nothing lost."""

import json
import logging
import re

import pytest
from sqlalchemy import make_url

from devstack.processes import free_port
from tests.browser import Browser, page
from tests.questionnaires import some_answers
from tests.web.conftest import FRAMED, form_of, parts_of, redirect_of

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
REVIEW = "/onboarding/review"
REFERENCE = re.compile(r"reference ([0-9a-f]{8})")


def way_back(response) -> tuple[str, dict[str, str], str]:
    """Return the parts of an error page's link."""
    return parts_of(page(response).find("a", class_="button")["href"])


WRONG = {"GET": ["/nowhere", "/profile/x", "/onboarding/nonsense"], "POST": ["/", "/profile"]}
WRONG |= {"DELETE": [REVIEW], "TRACE": ["/profile"]}


@pytest.mark.parametrize("method", WRONG)
def test_a_wrong_address_or_method_is_told_plainly(default_site, method):
    for path in WRONG[method]:
        response = default_site.browser().request(method, path, HTML)
        assert response.status_code == (404 if method == "GET" else 405)
        assert page(response).h1.text
        assert REFERENCE.search(response.text)
        assert (method != "GET") == ("Allow" in response.headers)


def test_the_reference_finds_the_log_line(default_site, log_lines):
    response = default_site.browser().get("/nowhere%0d%0aforged=line?secret=answer")
    reference = REFERENCE.search(page(response).main.text)[1]
    (line,) = [line for line in log_lines() if line["request_id"] == reference]
    assert line.pop("time").endswith("Z")
    assert line.pop("logger").startswith("onboarding.")
    assert line == {
        "level": "info",
        "event": "refused",
        "status": 404,
        "method": "GET",
        "path": "/nowhere\r\nforged=line",
        "request_id": reference,
    }


def test_a_foreign_host_is_named_in_the_log_and_not_on_the_page(default_site, log_lines):
    response = default_site.browser().get("/profile", {"Host": "evil.example\tX"})
    assert response.status_code == 400
    assert log_lines()[0]["event"] == r"refused: its host 'evil.example\tX' isn't that of APP_URL"
    assert "evil" not in response.text


@pytest.mark.parametrize(("path", "accept"), [("/nowhere", "application/json"), ("/api/no", None)])
def test_a_program_gets_a_problem_that_names_the_log_line(default_site, log_lines, path, accept):
    response = default_site.browser().get(path, {"Accept": accept, "Accept-Language": "ur"})
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")
    (line,) = log_lines()
    problem = json.loads(response.data)
    assert problem["instance"] == f"urn:onboarding:{line['request_id']}"
    assert (problem["status"], problem["title"]) == (404, "Not Found")
    assert problem["detail"].isascii()
    assert "Content-Language" not in response.headers


def test_a_body_that_is_too_large_is_refused_unread(site):
    window, (url, form) = site.browser(), site.last_form()
    for size in (16 * 1024 + 1, 5_000_000):
        response = window.post(url, dict.fromkeys(form, "x" * size))
        assert response.status_code == 413
        assert way_back(response)[0] == site.question_urls[-1]


class TestWithoutDatabase:
    @pytest.fixture
    def down(self, make_app):
        """The app while nothing listens where its database should be."""
        address = f"postgresql+psycopg://nobody:a-password-in-the-url@127.0.0.1:{free_port()}/gone"
        return make_app(database_url=make_url(address), read_budget_s=0.2)

    def test_nobody_is_taken_for_signed_out_and_all_may_try_again(self, down, default_site):
        window = Browser(down, default_site.user("onboarded"), HTML)
        for path in ("/", "/profile", "/onboarding/", *default_site.question_urls, REVIEW):
            response = window.get(path)
            assert response.status_code == 503
            assert int(response.headers["Retry-After"]) > 0
            assert way_back(response)[0] == path

    def test_a_form_is_kept_and_can_be_sent_again(self, down, default_site):
        user, (url, form) = default_site.user(), default_site.last_form()
        response = Browser(down, user, HTML).post(url, form)
        assert response.status_code == 503
        again = Browser(default_site.app, user, {}).post(*form_of(response))
        assert again.headers["Location"] == f"{REVIEW}#h"
        assert default_site.row(user) == {**some_answers(), "is_onboarded": False}

    def test_a_call_and_the_probes_are_told_too(self, down, default_site):
        window = Browser(down, default_site.user(), {})
        for response in (window.get("/api/profile"), window.put(some_answers())):
            assert (response.status_code, response.mimetype) == (503, "application/problem+json")
            assert int(response.headers["Retry-After"]) > 0
        assert window.get("/healthz").status_code == 200
        ready = window.get("/readyz")
        assert (ready.status_code, ready.json["faults"]) == (503, ["the database does not answer"])

    def test_a_forged_or_missing_cookie_needs_no_database(self, down, default_site):
        for user in (default_site.user("forged"), None):
            assert Browser(down, user, {}).get("/profile").status_code == 303

    def test_nothing_secret_is_shown_or_logged(self, down, default_site, caplog):
        user = default_site.user()
        with caplog.at_level(logging.DEBUG):
            response = Browser(down, user, {}).get("/profile")
        for secret in ("a-password-in-the-url", user.token, default_site.settings.secret):
            assert secret not in caplog.text
            assert secret not in response.text
        assert "127.0.0.1" not in response.text


class TestAFaultOfOurs:
    """Whatever fails, wherever: 503, a page or a problem, and a loud line that its reference finds."""

    @staticmethod
    def fail(*_: object, **__: object) -> str:
        raise ZeroDivisionError("an internal detail")

    @staticmethod
    def assert_told(response, log_lines, mimetype="text/html"):
        assert (response.status_code, response.mimetype) == (503, mimetype)
        assert int(response.headers["Retry-After"]) > 0
        assert "an internal detail" not in response.text
        loud = [line for line in log_lines() if line["level"] == "error"]
        assert loud
        assert all(line["request_id"] in response.text for line in loud)
        assert any("an internal detail" in line.get("exception", "") for line in loud)

    @pytest.mark.parametrize(
        "where", ["before_request", "after_request", "context_processor", None]
    )
    def test_is_told(self, make_app, default_site, log_lines, where):
        app = make_app()
        if where:
            getattr(app, where)(self.fail)
        else:
            app.view_functions["signed_out.page"] = app.view_functions["api.read"] = self.fail
        window = Browser(app, default_site.user(), HTML)
        self.assert_told(window.get("/signed-out"), log_lines)
        if where != "context_processor":
            kind = "application/problem+json"
            self.assert_told(window.get("/api/profile"), lambda: log_lines()[-1:], kind)

    def test_keeps_a_form(self, make_app, default_site, log_lines):
        app, user, (url, form) = make_app(), default_site.user(), default_site.last_form()
        app.view_functions["wizard.answer"] = self.fail
        response = Browser(app, user, HTML).post(url, form)
        self.assert_told(response, log_lines)
        again = Browser(default_site.app, user, {}).post(*form_of(response))
        assert redirect_of(again)[0] == REVIEW


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null", **FRAMED}, 403),
        ({"Host": "evil.test"}, 400),
        ({"Cookie": "{user.cookie}; {other.cookie}"}, 400),
        ({"Content-Type": "multipart/form-data; boundary=X"}, 415),
    ],
    ids=str,
)
def test_each_refusal_leads_back_with_what_was_typed(site, headers, status):
    window, (url, form) = site.browser(), site.last_form()
    people = {"user": window.user, "other": site.user()}
    headers = {name: text.format(**people) for name, text in headers.items()}
    ((name, value),) = form.items()
    part = f'--X\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--X--\r\n'
    response = window.post(url, part.encode() if status == 415 else form, headers)
    assert response.status_code == status
    assert way_back(response) == (site.question_urls[-1], some_answers(site.questionnaire), "")


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=Y", "text/plain", ""]
)
def test_what_nobody_can_read_is_left_out(default_site, kind):
    url, _ = default_site.last_form()
    response = default_site.browser().post(url, b"--X\r\n\x00\xff", {"Content-Type": kind})
    assert response.status_code == 415
    assert page(response).find("a", class_="button")["href"] == url
