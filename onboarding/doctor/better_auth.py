"""The main site's Better-Auth, read over HTTP from here and without any user's cookie."""

import ssl
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from urllib.parse import urlsplit

import httpx

from onboarding.betterauth.get_session import get_session_url, trusts_environment
from onboarding.settings import Settings
from onboarding.urls import origin_of

_TIMEOUT_S = 5
_MAX_BYTES = 4096
_SESSION_QUERY = {"disableRefresh": "true", "disableCookieCache": "true"}


class Unreachable(Exception):
    """The main site gave no answer. The message names the URL and the kind of error."""


@dataclass(frozen=True)
class SiteCookie:
    """A cookie as the main site sets it. Attributes have lower-case names; a flag's value is empty."""

    name: str
    attributes: dict[str, str]

    @classmethod
    def parse(cls, line: str) -> "SiteCookie":
        """Return the cookie of a Set-Cookie header."""
        pair, *rest = line.split(";")
        attributes = (part.strip().partition("=") for part in rest)
        return cls(
            pair.partition("=")[0].strip(), {name.lower(): text for name, _, text in attributes}
        )

    @property
    def domain(self) -> str:
        """The domain that the cookie is for, empty if it is for one host alone."""
        return self.attributes.get("domain", "").removeprefix(".").lower()


@dataclass(frozen=True)
class Answer:
    """The beginning of an answer; `target` is the absolute URL of a redirect, or empty."""

    status: int
    body: str
    target: str
    cookies: tuple[SiteCookie, ...]

    @property
    def is_nobody(self) -> bool:
        """Whether this is how `get-session` answers a request without a session."""
        return (self.status, self.body.strip()) == (200, "null")

    def session_cookie(self, expected: str) -> SiteCookie | None:
        """Return the session cookie that `sign-out` removes, None if it removes none.

        Better-Auth removes the session cookie first, then those that depend on it (1.4.6 to 1.7.25,
        source).
        """
        removed = [one for one in self.cookies if one.attributes.get("max-age") == "0"]
        return min(
            removed,
            key=lambda one: (one.name != expected, not one.name.endswith("session_token")),
            default=None,
        )


class BetterAuth:
    """What the main site answers. Each answer is fetched once, when it is first needed."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        self._site_url = settings.site_url
        self._transport = transport

    @property
    def expected_base(self) -> str:
        """The URL that the endpoints are under according to the settings."""
        return get_session_url(self._site_url).removesuffix("/get-session")

    @cached_property
    def base(self) -> str:
        """The URL that the endpoints are really under, or the expected one if they can't be found.

        Sites redirect from one host name to another, and have another base path than they seem to.
        """
        answer = self.get_session(f"{self.expected_base}/get-session")
        if answer.is_nobody:
            return self.expected_base
        origins = filter(None, map(origin_of, (self.expected_base, answer.target)))
        path = urlsplit(self._site_url).path.rstrip("/")
        paths = (urlsplit(self.expected_base).path, "/api/auth", f"{path}/api/auth", "/auth")
        bases = dict.fromkeys(map("".join, product(dict.fromkeys(origins), paths)))
        return next(
            (base for base in bases if self.get_session(f"{base}/get-session").is_nobody),
            self.expected_base,
        )

    @cached_property
    def sign_out(self) -> Answer:
        """The answer to a sign-out of nobody, which changes nothing and removes the cookies."""
        return self.fetch(f"{self.base}/sign-out", "POST")

    def get_session(self, url: str) -> Answer:
        """Return the response of a `get-session` to a request without a cookie."""
        return self.fetch(str(httpx.URL(url).copy_merge_params(_SESSION_QUERY)))

    def verify_email(self, token: str, callback_url: str) -> Answer:
        """Return the response to a `verify-email` with a token that is invalid or has expired."""
        parameters = {"token": token, "callbackURL": callback_url}
        return self.fetch(str(httpx.URL(f"{self.base}/verify-email", params=parameters)))

    def fetch(self, url: str, method: str = "GET") -> Answer:
        """Send a request on a connection of its own: no answer's cookie goes with the next one."""
        try:
            with (
                httpx.Client(
                    transport=self._transport,
                    timeout=_TIMEOUT_S,
                    headers={"Accept": "*/*", "User-Agent": "onboarding-doctor"},
                    trust_env=trusts_environment(url),
                    verify=_tls(),
                ) as client,
                client.stream(method, url, json={} if method == "POST" else None) as response,
            ):
                body = next(response.iter_bytes(_MAX_BYTES), b"")
        except httpx.HTTPError as error:
            reason = f"{without_query(url)} can't be reached from here: {type(error).__name__}"
            raise Unreachable(reason) from None
        # The main site's own.
        # ast-grep-ignore: no-cookie-of-our-own
        cookies = response.headers.get_list("Set-Cookie")
        return Answer(
            response.status_code,
            body.decode(errors="replace"),
            str(response.next_request.url) if response.next_request else "",
            tuple(map(SiteCookie.parse, cookies)),
        )


def without_query(url: str) -> str:
    """Return a URL as it may be printed."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


@cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes longer than all of the requests.
    return httpx.create_ssl_context()
