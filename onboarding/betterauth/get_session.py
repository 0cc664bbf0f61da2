"""Asks the main site itself who a visitor is: its `get-session` endpoint, with the visitor's cookie.

For main sites whose session table or secret isn't shared (Redis only, Neon Auth). It never refreshes
a session, and takes nothing from the cookie cache, which keeps revoked sessions alive for minutes
(better-auth 1.7.25, measured).
"""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from math import inf
from typing import Any

import httpx
from cachetools import TLRUCache

from onboarding.betterauth.cookie import ForwardedCookie
from onboarding.betterauth.session import SignedIn
from onboarding.resilience import Bulkhead, NotAsked, seconds_left

# For the whole of an answer, the wait for one's turn to ask included.
TIMEOUT_S = 3
_MOST_AT_ONCE = 5
_LARGEST_ANSWER = 64 * 1024
# Probes may come from anybody, and each question counts in the main site's rate limit.
_CHECK_LASTS_S = 10
# A token and what is known about its owner: about 1 kB each.
_MOST_CACHED = 10_000
_QUERY = {"disableCookieCache": "true", "disableRefresh": "true"}
_LONGEST_WAIT_S = 60


class MainSiteSilent(Exception):
    """The main site gave no answer that says who a visitor is; one clear line, without the cookie.

    `retry_after_s`: when asking again may help, None where the main site didn't say.
    """

    def __init__(self, reason: str, retry_after_s: int | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class _NoAnswer(MainSiteSilent):
    """It didn't answer at all. One that does isn't down, whatever it says to a visitor's cookie."""


@dataclass(frozen=True)
class _Known:
    """An answer, and for how long it may be given again."""

    user: SignedIn | None
    lifetime_s: float


def trusts_environment(url: str) -> bool:
    """Tell whether a proxy of the environment's may stand in the way to `url`.

    Plain http is for this machine alone: there a proxy is no way, and would read the cookie.
    """
    return url.startswith("https:")


class GetSession:
    """Turns a forwarded cookie into a signed-in person, by asking; remembers the answer for a while.

    `cache_s` is how long a person may still be in after the main site has signed them out. It keeps
    its rate limit in peace: 100 questions in 10 seconds from one address (1.7.25, measured).

    `room` is for how many may be inside at once, those that wait for their turn to ask included; as
    with `database.Database`, fewer than the server's threads.
    """

    def __init__(self, url: str, cookie: ForwardedCookie, cache_s: int, room: float = inf) -> None:
        self.url = url
        self._cookie = cookie
        self._cache_s = cache_s
        # What the main site sets for one visitor must never travel with another's question.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx.Client(
            params=_QUERY, cookies=no_cookies, trust_env=trusts_environment(url)
        )
        self._bulkhead = Bulkhead(url, _MOST_AT_ONCE, room, _is_silence)
        self._known: TLRUCache[str, _Known] = TLRUCache(
            _MOST_CACHED, lambda _, known, now: now + known.lifetime_s, time.monotonic
        )
        self._lock = threading.Lock()
        self._checked: tuple[float, MainSiteSilent | None] = (-inf, None)

    def signed_in(self, token: str) -> SignedIn | None:
        """Give who is signed in by what `ForwardedCookie.token` gave; None for nobody.

        Raises `MainSiteSilent` for anything but a clear answer.
        """
        with self._lock:
            known = self._known.get(token)
        if known is None:
            asked_at = time.monotonic()
            user, lives_s = _read(self._answer(token), token.rpartition(".")[0], datetime.now(UTC))
            # Counted from the question, so that the delay is never longer than was promised.
            lifetime_s = min(self._cache_s - (time.monotonic() - asked_at), lives_s)
            known = _Known(user, lifetime_s)
            with self._lock:
                self._known[token] = known
        return known.user

    def check(self) -> None:
        """Ask without a cookie, on a connection of its own. Raises `MainSiteSilent`.

        Anything but "nobody" as the answer means that this isn't `get-session`. What was found is
        kept for ten seconds.
        """
        until, silent = self._checked
        if time.monotonic() >= until:
            silent = self._ask_as_nobody()
            self._checked = time.monotonic() + _CHECK_LASTS_S, silent
        if silent:
            raise MainSiteSilent(str(silent), silent.retry_after_s)

    def _ask_as_nobody(self) -> MainSiteSilent | None:
        # Before a server forks: the kept connections are opened after that, one by one.
        try:
            with httpx.Client(params=_QUERY, trust_env=trusts_environment(self.url)) as client:
                if _ask(client, self.url, {}):
                    return MainSiteSilent(f"{self.url} names somebody to nobody in particular")
        except MainSiteSilent as silent:
            return silent
        return None

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()

    def _answer(self, token: str) -> Mapping[str, Any] | None:
        headers = {"Cookie": self._cookie.header(token)}
        try:
            return self._bulkhead.do(TIMEOUT_S, partial(_ask, self._client, self.url, headers))
        except NotAsked as reason:
            raise MainSiteSilent(str(reason)) from None


def _is_silence(error: BaseException) -> bool:
    return isinstance(error, _NoAnswer)


def _ask(client: httpx.Client, url: str, headers: Mapping[str, str]) -> Mapping[str, Any] | None:
    deadline = time.monotonic() + min(TIMEOUT_S, seconds_left())
    try:
        try:
            answer, content = _fetch(client, url, headers, deadline)
        except httpx.RemoteProtocolError:
            # The main site closed the kept connection while we began to use it.
            answer, content = _fetch(client, url, headers, deadline)
    except httpx.HTTPError as error:
        raise _NoAnswer(f"{url}: {type(error).__name__}") from None
    return _body(answer, content, url)


def _fetch(
    client: httpx.Client, url: str, headers: Mapping[str, str], deadline: float
) -> tuple[httpx.Response, bytes]:
    """Fetch an answer before the deadline. httpx itself bounds each single wait only."""
    left = max(deadline - time.monotonic(), 0.01)
    with client.stream("GET", url, headers=headers, timeout=left) as answer:
        content = b""
        for piece in answer.iter_bytes():
            content += piece
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer took too long")
            if len(content) > _LARGEST_ANSWER:
                raise MainSiteSilent(f"{url} answers more than any session is")
        return answer, content


def _body(answer: httpx.Response, content: bytes, url: str) -> Mapping[str, Any] | None:
    """Give the session and user in an answer, None for "nobody": 200 with `null` (never 401)."""
    if answer.status_code == 429:
        # Better-Auth writes it with an X.
        wait = answer.headers.get("X-Retry-After") or answer.headers.get("Retry-After", "")
        seconds = min(int(wait), _LONGEST_WAIT_S) if wait.isdecimal() else None
        raise MainSiteSilent(f"{url} answers 429: the main site's rate limit is reached", seconds)
    if answer.status_code != 200:
        raise MainSiteSilent(f"{url} answers {answer.status_code}")
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise MainSiteSilent(f"{url} answers something that isn't JSON") from None
    if not isinstance(body, dict):
        body = {}
    session, user = body.get("session"), body.get("user")
    return body if isinstance(session, dict) and isinstance(user, dict) else None


def _read(
    body: Mapping[str, Any] | None, token: str, now: datetime
) -> tuple[SignedIn | None, float]:
    """Give the person in an answer, and for how many seconds their session lives on."""
    if body is None:
        return None, inf
    session, user = body["session"], body["user"]
    user_id = _id(user.get("id"))
    if user_id is None or _id(session.get("userId")) != user_id:
        raise MainSiteSilent("get-session answered with a session that is not its user's")
    # Both are the same visitor's, and the main site has judged the cookie.
    # ast-grep-ignore: secrets-are-compared-in-constant-time
    if session.get("token", token) != token:
        # A cache between us and the main site mixes people up. Nobody is better than somebody else.
        raise MainSiteSilent("get-session answered for another session than was asked about")
    ban_ends, ends = _time(user.get("banExpires")), _time(session.get("expiresAt"))
    person = SignedIn(
        user_id=user_id,
        name=_text(user.get("name")),
        email=_text(user.get("email")),
        banned=user.get("banned") is True and (ban_ends is None or ban_ends >= now),
        anonymous=user.get("isAnonymous") is True,
        impersonated=session.get("impersonatedBy") is not None,
    )
    return person, inf if ends is None else (ends - now).total_seconds()


def _id(value: object) -> str | None:
    # JSON carries ids as text, whatever the column is (1.7.25, measured); a number does no harm.
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        return None
    return _text(value)


def _text(value: object) -> str:
    # JSON can say a lone surrogate, which no page and no database can hold.
    return "" if value is None else str(value).encode(errors="replace").decode()


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
