"""People, and how they visit: requests as a browser sends them, without a browser."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bs4 import BeautifulSoup
from flask import Flask
from werkzeug.test import TestResponse


@dataclass(frozen=True)
class Person:
    """Somebody who signed up on the main site; `cookie` is their Cookie header."""

    user_id: str
    name: str
    email: str
    password: str
    cookie: str = field(repr=False)
    token: str = field(repr=False)


class Visitor:
    """A browser window: sends the person's cookie, Host, Origin and the page's CSRF token."""

    def __init__(self, app: Flask, person: Person | None, headers: dict[str, str]) -> None:
        parts = app.extensions["onboarding"]
        self.origin = parts.settings.app_origin
        self.person = person
        self._csrf = parts.csrf
        self._client = app.test_client(use_cookies=False)
        self._headers = {
            "Host": urlsplit(self.origin).netloc,
            **({"Cookie": person.cookie} if person else {}),
            **headers,
        }

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, **more
    ) -> TestResponse:
        """Send a request; `headers` come over the window's own, and None takes one away."""
        merged = {**self._headers, **(headers or {})}
        kept = {name: value for name, value in merged.items() if value is not None}
        return self._client.open(
            path.partition("#")[0], method=method, headers=kept, buffered=True, **more
        )

    def get(self, path: str, headers: dict[str, str] | None = None) -> TestResponse:
        return self.request("GET", path, headers)

    def post(
        self, path: str, data: object = None, headers: dict[str, str] | None = None
    ) -> TestResponse:
        """Send a form with a valid CSRF token, unless `data` brings its own `csrf_token`."""
        token = self._csrf.issue(self.person.token) if self.person else "none"
        if isinstance(data, dict) or data is None:
            data = {"csrf_token": token, **(data or {})}
        return self.request("POST", path, {"Origin": self.origin, **(headers or {})}, data=data)

    def answer(self, proficiency: str = "Intermediate", role: str = "None") -> TestResponse:
        """Answer both questions, which leaves a draft."""
        first = self.post("/onboarding/python-proficiency", {"python_proficiency": proficiency})
        return self.post(first.headers["Location"], {"developer_role": role})

    def finish(self, proficiency: str = "Intermediate", role: str = "None") -> TestResponse:
        """Answer both questions and confirm."""
        self.answer(proficiency, role)
        return self.post(
            "/onboarding/review", {"python_proficiency": proficiency, "developer_role": role}
        )


def page(response: TestResponse) -> BeautifulSoup:
    """Parse an answer's HTML as a browser would."""
    return BeautifulSoup(response.text, "html5lib")
