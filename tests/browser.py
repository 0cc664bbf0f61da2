"""Requests as a browser sends them to the app in this process."""

import json
from urllib.parse import urlsplit

from bs4 import BeautifulSoup
from flask import Flask
from werkzeug.test import EnvironBuilder, TestResponse

from tests.questionnaires import some_answers
from tests.users import User


class Browser:
    """A browser window: sends the user's cookie, Host, Origin and the page's CSRF token."""

    def __init__(self, app: Flask, user: User | None, headers: dict[str, str]) -> None:
        services = app.extensions["onboarding"]
        self.origin = services.settings.app_origin
        self.questionnaire = services.questionnaire
        self.user = user
        self._csrf = services.csrf
        self._cookie = services.settings.session_cookie
        self._client = app.test_client(use_cookies=False)
        self._headers = {
            "Host": urlsplit(self.origin).netloc,
            **({"Cookie": user.cookie} if user else {}),
            **headers,
        }

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, **more
    ) -> TestResponse:
        """Send a request; `headers` come over the window's own, and None takes one away."""
        merged = {**self._headers, **(headers or {})}
        sent = {name: value for name, value in merged.items() if value is not None}
        path = path.partition("#")[0]
        if path.startswith("//"):
            # A server hands it over as it is; the client of tests would take its start for a host.
            more["environ_overrides"] = {"PATH_INFO": path.partition("?")[0]}
        return self._client.open(path, method=method, headers=sent, buffered=True, **more)

    def get(self, path: str, headers: dict[str, str] | None = None) -> TestResponse:
        return self.request("GET", path, headers)

    def environ(self, path: str) -> dict[str, object]:
        """Return a GET as a WSGI server hands it to the app."""
        return EnvironBuilder(path, headers=self._headers).get_environ()

    def post(
        self, path: str, data: object = None, headers: dict[str, str] | None = None
    ) -> TestResponse:
        """Send a form with a valid CSRF token, unless `data` brings its own `csrf_token`."""
        session_token = self._cookie.token(self.user.cookie) if self.user else None
        token = self._csrf.issue(session_token) if session_token else "none"
        if isinstance(data, dict) or data is None:
            data = {"csrf_token": token, **(data or {})}
        return self.request("POST", path, {"Origin": self.origin, **(headers or {})}, data=data)

    def put(self, body: object, headers: dict[str, str] | None = None, **more) -> TestResponse:
        """Call the API with a body: bytes as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        fixed = {"Origin": self.origin, "Content-Type": "application/json"}
        return self.request("PUT", "/api/profile", {**fixed, **(headers or {})}, data=data, **more)

    def answer(self, answers: dict[str, str] | None = None) -> TestResponse:
        """Answer every question, which leaves a draft. Return the last response."""
        answers = answers or some_answers(self.questionnaire)
        response, query = None, ""
        for question in self.questionnaire:
            url = f"/onboarding/{question.slug}{query}"
            response = self.post(url, {question.name: answers[question.name]})
            location = response.headers["Location"].partition("#")[0]
            query = f"?{location.partition('?')[2]}"
        return response

    def finish(self, answers: dict[str, str] | None = None) -> TestResponse:
        """Answer every question and confirm. Return the response to the confirmation."""
        answers = answers or some_answers(self.questionnaire)
        self.answer(answers)
        return self.post("/onboarding/review", answers)


def headers_without_date(response: TestResponse) -> dict[str, str]:
    """Return the headers of a response but `Date`, which differs from second to second."""
    return {name: value for name, value in response.headers if name != "Date"}


def page(response: TestResponse) -> BeautifulSoup:
    """Parse an answer's HTML as a browser would."""
    return BeautifulSoup(response.text, "html5lib")
