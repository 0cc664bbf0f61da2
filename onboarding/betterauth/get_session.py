"""Ask the main site's `get-session` endpoint who a visitor is, with the visitor's own cookie.

For main sites whose session table or secret isn't shared (Redis only, Neon Auth). It never refreshes
a session and ignores the cookie cache, which keeps revoked sessions alive for minutes
(better-auth 1.7.25, measured).
"""

import json
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from math import inf
from typing import Any
from urllib.parse import urlsplit

import httpx
from cachetools import TLRUCache

from onboarding.betterauth.cookie import ForwardedCookie
from onboarding.betterauth.session import SignedIn

# Concurrent requests to the main site.
_MAX_CONNECTIONS = 5
_MAX_ANSWER_BYTES = 64 * 1024
# Anybody may call a readiness probe, and each request counts in the main site's rate limit.
_CHECK_CACHE_S = 10
# A token and what is known about its owner: about 1 kB each.
_MAX_CACHED = 10_000
_MAX_RETRY_AFTER_S = 60
_QUERY = {"disableCookieCache": "true", "disableRefresh": "true"}


class MainSiteError(Exception):
    """The main site gave no answer that identifies the visitor. The message never has the cookie.

    `retry_after_s` is the main site's own advice in seconds, None if it gave none.
    """

    def __init__(self, reason: str, retry_after_s: int | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


def get_session_url(base_url: str) -> str:
    """Return the URL of `get-session` under a main site's base URL.

    As Better-Auth reads its base URL (1.7.25, source): the endpoints are under its path, or under
    ``/api/auth`` if it has none.
    """
    url = urlsplit(base_url)
    path = url.path.rstrip("/") or "/api/auth"
    return url._replace(path=f"{path}/get-session", query="", fragment="").geturl()


def trusts_environment(url: str) -> bool:
    """Return whether a proxy named in the environment may be used for `url`.

    Plain http is for this machine only: a proxy can't help there, and would read the cookie.
    """
    return url.startswith("https:")


class GetSession:
    """Turns a forwarded cookie into a signed-in user by asking the main site, and caches the answer.

    `cache_s` is how many seconds a user may stay in after the main site has signed them out. The
    cache protects the main site's rate limit: 100 requests in 10 seconds from one address (1.7.25,
    measured).
    """

    def __init__(self, url: str, cookie: ForwardedCookie, cache_s: int) -> None:
        self.url = url
        self._cookie = cookie
        self._cache_s = cache_s
        # A cookie that the main site sets for one visitor must never be sent with another's request.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx.Client(
            params=_QUERY, cookies=no_cookies, trust_env=trusts_environment(url)
        )
        self._connections = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        # By token: the user, and for how many seconds that may be reused.
        self._known: TLRUCache[str, tuple[SignedIn | None, float]] = TLRUCache(
            _MAX_CACHED, lambda _, known, now: now + known[1], time.monotonic
        )
        self._lock = threading.Lock()
        self._checked: tuple[float, MainSiteError | None] = (-inf, None)

    def signed_in(self, token: str, timeout_s: float) -> SignedIn | None:
        """Return the user whose cookie `ForwardedCookie.token` returned, None if nobody is signed in.

        `timeout_s` covers everything, the wait for a free connection included. Raise `MainSiteError`
        unless the answer is clear.
        """
        with self._lock:
            known = self._known.get(token)
        if known is None:
            began = time.monotonic()
            body = self._ask(token, began + timeout_s)
            user, session_s = _parse(body, token.rpartition(".")[0], datetime.now(UTC))
            # Counted from the request, so that the delay is never longer than promised.
            lifetime_s = min(self._cache_s - (time.monotonic() - began), session_s)
            known = user, lifetime_s
            with self._lock:
                self._known[token] = known
        return known[0]

    def check(self, timeout_s: float) -> None:
        """Ask without a cookie. Raise `MainSiteError` unless the answer is "nobody".

        Any other answer means that the URL isn't that of `get-session`. The result is kept for ten
        seconds.
        """
        expires, error = self._checked
        if time.monotonic() >= expires:
            error = self._check(time.monotonic() + timeout_s)
            self._checked = time.monotonic() + _CHECK_CACHE_S, error
        if error:
            raise MainSiteError(str(error), error.retry_after_s)

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()

    def _ask(self, token: str, deadline: float) -> Mapping[str, Any] | None:
        # Not httpx's own limit: a request that has waited for a connection would get its whole
        # timeout again for the answer.
        if not self._connections.acquire(timeout=max(deadline - time.monotonic(), 0)):
            raise MainSiteError(f"{self.url}: too many requests are waiting")
        try:
            headers = {"Cookie": self._cookie.header(token)}
            return _get(self._client, self.url, headers, deadline)
        finally:
            self._connections.release()

    def _check(self, deadline: float) -> MainSiteError | None:
        # A client of its own: this may run before a server forks, and no connection may be shared.
        try:
            with httpx.Client(params=_QUERY, trust_env=trusts_environment(self.url)) as client:
                if _get(client, self.url, {}, deadline):
                    return MainSiteError(f"{self.url} returns a session for a request without one")
        except MainSiteError as error:
            return error
        return None


def _get(
    client: httpx.Client, url: str, headers: Mapping[str, str], deadline: float
) -> Mapping[str, Any] | None:
    try:
        try:
            response, content = _fetch(client, url, headers, deadline)
        except httpx.RemoteProtocolError:
            # The main site closed the kept connection just as it was used again.
            response, content = _fetch(client, url, headers, deadline)
    except httpx.HTTPError as error:
        raise MainSiteError(f"{url}: {type(error).__name__}") from None
    return _body(response, content, url)


def _fetch(
    client: httpx.Client, url: str, headers: Mapping[str, str], deadline: float
) -> tuple[httpx.Response, bytes]:
    """Return a response and its body before the deadline; httpx itself limits each read only."""
    timeout_s = max(deadline - time.monotonic(), 0.01)
    with client.stream("GET", url, headers=headers, timeout=timeout_s) as response:
        content = b""
        for chunk in response.iter_bytes():
            content += chunk
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer took too long")
            if len(content) > _MAX_ANSWER_BYTES:
                raise MainSiteError(f"{url} answers with more than any session has")
        return response, content


def _body(response: httpx.Response, content: bytes, url: str) -> Mapping[str, Any] | None:
    """Return the session and user in a response, None for "nobody": 200 with `null`, never 401."""
    if response.status_code == 429:
        # Better-Auth writes the header with an X.
        wait = response.headers.get("X-Retry-After") or response.headers.get("Retry-After", "")
        seconds = min(int(wait), _MAX_RETRY_AFTER_S) if wait.isdecimal() else None
        raise MainSiteError(f"{url} answers 429: the main site's rate limit is reached", seconds)
    if response.status_code != 200:
        raise MainSiteError(f"{url} answers {response.status_code}")
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise MainSiteError(f"{url} answers with something that isn't JSON") from None
    if not isinstance(body, dict):
        return None
    session, user = body.get("session"), body.get("user")
    return body if isinstance(session, dict) and isinstance(user, dict) else None


def _parse(
    body: Mapping[str, Any] | None, token: str, now: datetime
) -> tuple[SignedIn | None, float]:
    """Return the user in an answer, and for how many seconds their session stays live."""
    if body is None:
        return None, inf
    session, user = body["session"], body["user"]
    user_id = _id(user.get("id"))
    if user_id is None or _id(session.get("userId")) != user_id:
        raise MainSiteError("get-session returned a session that doesn't belong to its user")
    # Both come from the same visitor, and the main site has already judged the cookie.
    # ast-grep-ignore: secrets-are-compared-in-constant-time
    if session.get("token", token) != token:
        # A cache in between mixes up visitors: better nobody than somebody else.
        raise MainSiteError("get-session returned another session than the cookie's")
    ban_expires, expires = _time(user.get("banExpires")), _time(session.get("expiresAt"))
    signed_in = SignedIn(
        user_id=user_id,
        name=_text(user.get("name")),
        email=_text(user.get("email")),
        banned=user.get("banned") is True and (ban_expires is None or ban_expires >= now),
        anonymous=user.get("isAnonymous") is True,
        impersonated=session.get("impersonatedBy") is not None,
    )
    return signed_in, inf if expires is None else (expires - now).total_seconds()


def _id(value: object) -> str | None:
    # JSON carries ids as text, whatever the column is (1.7.25, measured); a number does no harm.
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        return None
    return _text(value)


def _text(value: object) -> str:
    # JSON may contain a lone surrogate, which no page and no database can hold.
    return "" if value is None else str(value).encode(errors="replace").decode()


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
