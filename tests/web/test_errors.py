"""Errors: a human sentence, a reference that finds the log line, nothing internal, nothing lost."""

import json
import logging
import re
import time
from dataclasses import replace

import pytest
from flask import abort
from sqlalchemy import make_url

from devstack.processes import free_port
from onboarding import create_app
from tests.faults.proxy import Proxy, let_pass, stall_all
from tests.visitor import Visitor, page

Q2 = "/onboarding/developer-role?python_proficiency=Advanced"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def app_without_database(settings):
    """The app while nothing listens where its database should be."""
    url = make_url(
        f"postgresql+psycopg://nobody:a-password-in-the-url@127.0.0.1:{free_port()}/gone"
    )
    down = replace(settings.database, url=url)
    app = create_app(replace(settings, database=down, read_budget_s=0.2))
    yield app
    app.extensions["onboarding"].database.engine.dispose()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/profile/", 404),
        ("GET", "/onboarding/nonsense", 404),
        ("POST", "/profile", 405),
        ("DELETE", "/onboarding/review", 405),
        ("PUT", "/onboarding/python-proficiency", 405),
        ("TRACE", "/profile", 405),
        ("POST", "/", 405),
    ],
)
def test_a_wrong_address_or_method_is_told_plainly(visitor, ada, method, path, status):
    answer = visitor(ada).request(method, path, HTML)
    assert answer.status_code == status
    html = page(answer)
    assert html.h1.text
    assert re.search(r"reference: [0-9a-f]{8}", html.main.text)
    assert (status == 405) == ("Allow" in answer.headers)


def test_the_reference_finds_the_log_line(visitor, ada, log_lines):
    answer = visitor(ada).get("/nowhere%0d%0aforged=line?python_proficiency=Advanced")
    reference = re.search(r"reference: ([0-9a-f]{8})", page(answer).main.text)[1]
    (line,) = [line for line in log_lines() if line["request_id"] == reference]
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "onboarding.web.errors",
        "event": "refused",
        "status": 404,
        "method": "GET",
        "path": "/nowhere\r\nforged=line",
        "request_id": reference,
    }


def test_a_problem_names_the_same_line(visitor, log_lines):
    answer = visitor().get("/api/nowhere")
    (line,) = log_lines()
    assert answer.json["instance"] == f"urn:onboarding:{line['request_id']}"


def test_a_foreign_host_is_named_in_the_log_and_not_on_the_page(visitor, log_lines):
    answer = visitor().get("/profile", {"Host": "evil.example\tX"})
    assert answer.status_code == 400
    assert log_lines()[0]["event"] == r"refused: its host 'evil.example\tX' isn't that of APP_URL"
    assert "evil" not in answer.text


def test_who_asks_for_json_gets_a_problem(visitor):
    for path, headers in (("/nowhere", {"Accept": "application/json"}), ("/api/nowhere", {})):
        answer = visitor().get(path, headers)
        assert answer.status_code == 404
        assert answer.mimetype == "application/problem+json"
        assert json.loads(answer.data)["status"] == 404


@pytest.mark.parametrize("size", [16 * 1024 + 1, 5_000_000])
def test_a_body_that_is_too_large_is_refused(visitor, ada, size):
    answer = visitor(ada).post(Q2, {"developer_role": "x" * size})
    assert answer.status_code == 413
    assert page(answer).find("a", class_="button")["href"] == Q2


@pytest.mark.parametrize("body", [b"ZZZ\r\n", b"5\r\nabc"])
def test_a_body_of_unknown_length_is_refused_unread(visitor, ada, body):
    answer = visitor(ada).post("/onboarding/review", body, {"Transfer-Encoding": "chunked"})
    assert answer.status_code == 411


class TestWithoutDatabase:
    def test_a_page_says_so_and_asks_to_try_again(self, app_without_database, ada):
        answer = Visitor(app_without_database, ada, HTML).get(Q2)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert page(answer).find("a", class_="button")["href"] == Q2

    def test_a_form_is_kept_and_can_be_sent_again(self, app_without_database, visitor, ada, stage):
        answer = Visitor(app_without_database, ada, HTML).post(Q2, {"developer_role": "None"})
        assert answer.status_code == 503
        form = page(answer).form
        fields = {field["name"]: field["value"] for field in form.find_all("input")}
        assert fields["developer_role"] == "None"
        again = visitor(ada).post(form["action"], fields)
        assert again.headers["Location"] == "/onboarding/review#h"
        assert stage.sql(
            "SELECT python_proficiency FROM user_profile WHERE user_id = %s", ada.user_id
        ) == [("Advanced",)]

    def test_sending_again_may_lead_to_the_main_site(self, app_without_database, ada, stage):
        answer = Visitor(app_without_database, ada, HTML).post(
            f"/onboarding/review?return_to={stage.site.url}/"
        )
        assert f"form-action 'self' {stage.site.url};" in answer.headers["Content-Security-Policy"]

    def test_nobody_is_taken_for_signed_out(self, app_without_database, ada):
        for path in ("/profile", "/onboarding/", "/onboarding/review"):
            assert Visitor(app_without_database, ada, {}).get(path).status_code == 503

    def test_a_forged_or_missing_cookie_needs_no_database(self, app_without_database, ada):
        forged = replace(ada, cookie=ada.cookie[:-6] + "AAAA%3D")
        for person in (forged, None):
            assert Visitor(app_without_database, person, {}).get("/profile").status_code == 303

    def test_liveness_is_untouched_and_readiness_fails(self, app_without_database):
        nobody = Visitor(app_without_database, None, {})
        assert nobody.get("/healthz").status_code == 200
        ready = nobody.get("/readyz")
        assert ready.status_code == 503
        assert ready.json["faults"] == ["the database does not answer"]

    def test_nothing_secret_is_shown_or_logged(self, app_without_database, ada, settings, caplog):
        with caplog.at_level(logging.DEBUG):
            answer = Visitor(app_without_database, ada, {}).get("/profile")
        for secret in ("a-password-in-the-url", ada.token, settings.session_cookie.secret):
            assert secret not in caplog.text
            assert secret not in answer.text
        assert "127.0.0.1" not in answer.text


class TestAFaultOfOurs:
    """Whatever fails, wherever: 503, a page or a problem, and a loud line that its reference finds."""

    @pytest.fixture
    def faulty(self, settings):
        made = create_app(settings)
        yield made
        made.extensions["onboarding"].database.engine.dispose()

    @staticmethod
    def fail(*_: object, **__: object) -> str:
        raise ZeroDivisionError("an internal detail")

    def assert_told(self, answer, log_lines, *, calls=False):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.mimetype == ("application/problem+json" if calls else "text/html")
        assert "an internal detail" not in answer.text
        loud = [line for line in log_lines() if line["level"] == "error"]
        assert loud
        for line in loud:
            assert line["request_id"] in answer.text
        assert any("an internal detail" in line.get("exception", "") for line in loud)

    @pytest.mark.parametrize(
        ("endpoint", "path"), [("signed_out.page", "/signed-out"), ("api.read", "/api/profile")]
    )
    def test_in_a_view(self, faulty, ada, log_lines, endpoint, path):
        faulty.view_functions[endpoint] = self.fail
        answer = Visitor(faulty, ada, HTML).get(path)
        self.assert_told(answer, log_lines, calls=endpoint == "api.read")

    def test_before_a_view(self, faulty, log_lines):
        faulty.before_request_funcs[None].insert(0, self.fail)
        self.assert_told(Visitor(faulty, None, HTML).get("/signed-out"), log_lines)

    def test_after_a_view(self, faulty, log_lines):
        faulty.after_request_funcs[None].insert(0, self.fail)
        self.assert_told(Visitor(faulty, None, HTML).get("/signed-out"), log_lines)

    def test_in_every_template(self, faulty, log_lines):
        faulty.extensions["onboarding"].pages._asked = self.fail
        answer = Visitor(faulty, None, HTML).get("/signed-out")
        self.assert_told(answer, log_lines)
        assert page(answer).h1.text == "We cannot reach your profile right now"

    @pytest.mark.parametrize("status", [500, 501, 502, 504])
    def test_of_any_number(self, faulty, log_lines, status):
        faulty.view_functions["health.alive"] = lambda: abort(status)
        answer = Visitor(faulty, None, HTML).get("/healthz")
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers
        assert log_lines()[0]["level"] == "error"

    def test_keeps_a_form(self, faulty, visitor, ada, log_lines):
        faulty.view_functions["wizard.answer"] = self.fail
        answer = Visitor(faulty, ada, HTML).post(Q2, {"developer_role": "None"})
        self.assert_told(answer, log_lines)
        form = page(answer).form
        fields = {field["name"]: field["value"] for field in form.find_all("input")}
        assert (
            visitor(ada).post(form["action"], fields).headers["Location"] == "/onboarding/review#h"
        )


class TestWhatWasTyped:
    """Is kept in the way back from each refusal, where it can be read without danger."""

    KEPT = "/onboarding/developer-role?python_proficiency=Advanced&developer_role=None"

    @staticmethod
    def back(answer) -> tuple[int, str]:
        return answer.status_code, page(answer).find("a", class_="button")["href"]

    def test_without_a_token(self, visitor, ada):
        answer = visitor(ada).post(Q2, {"developer_role": "None", "csrf_token": ""})
        assert self.back(answer) == (403, self.KEPT)

    def test_from_elsewhere(self, visitor, ada):
        answer = visitor(ada).post(Q2, {"developer_role": "None"}, {"Origin": "https://evil.test"})
        assert self.back(answer) == (403, self.KEPT)

    def test_from_a_sandbox(self, visitor, ada):
        headers = {"Origin": "null", "Sec-Fetch-Dest": "iframe"}
        answer = visitor(ada).post(Q2, {"developer_role": "None"}, headers)
        assert self.back(answer) == (403, self.KEPT)

    def test_under_another_host_name(self, visitor, ada):
        answer = visitor(ada).post(Q2, {"developer_role": "None"}, {"Host": "evil.test"})
        assert self.back(answer) == (400, self.KEPT)

    def test_with_the_cookies_of_two_people(self, visitor, ada, sign_up):
        both = f"{ada.cookie}; {sign_up('Grace Hopper').cookie}"
        answer = visitor(ada).post(Q2, {"developer_role": "None"}, {"Cookie": both})
        assert self.back(answer) == (400, self.KEPT)

    def test_in_another_form_of_form(self, visitor, ada):
        answer = visitor(ada).request(
            "POST",
            Q2,
            {"Origin": visitor(ada).origin, "Content-Type": "multipart/form-data; boundary=X"},
            data=b'--X\r\nContent-Disposition: form-data; name="developer_role"\r\n\r\nNone\r\n--X--\r\n',
        )
        assert self.back(answer) == (415, self.KEPT)

    @pytest.mark.parametrize(
        "content_type", ["multipart/form-data", "multipart/form-data; boundary=Y", "text/plain", ""]
    )
    def test_in_what_nobody_can_read_the_rest_is(self, visitor, ada, content_type):
        headers = {"Origin": visitor(ada).origin, "Content-Type": content_type}
        answer = visitor(ada).request("POST", Q2, headers, data=b"--X\r\n\x00\xff")
        assert self.back(answer) == (415, Q2)


def test_a_page_may_wait_as_long_as_its_budget_says_whatever_a_save_may(settings, stage, ada):
    with Proxy(stage.server.port) as proxy:
        address = replace(settings.database, url=settings.database.url.set(port=proxy.port))
        app = create_app(replace(settings, database=address, read_budget_s=1.0, write_budget_s=0.3))
        visitor = Visitor(app, ada, {})
        assert visitor.get("/onboarding/python-proficiency").status_code == 200
        proxy.follow(stall_all)
        begun = time.monotonic()
        assert visitor.get("/profile").status_code == 503
        assert time.monotonic() - begun > 0.8
        proxy.follow(let_pass)
        app.extensions["onboarding"].database.engine.dispose()
