"""Asks the main site by HTTP, without any cookie."""

import ssl
from dataclasses import dataclass
from functools import cache
from urllib.parse import urljoin

import httpx

from onboarding.addresses import origin_of
from onboarding.betterauth.endpoints import get_session_url
from onboarding.betterauth.get_session import trusts_environment

_TIMEOUT_S = 5
_MOST_READ = 4096
_MOST_HOPS = 5


@dataclass(frozen=True)
class Answer:
    """What came back, as far as anybody looks at it."""

    status: int
    body: str
    leads_to: str
    """The absolute address of a redirect."""


def endpoint(base_url: str, name: str) -> str:
    """Give the address of one of Better-Auth's endpoints under a main site's base URL."""
    return get_session_url(base_url).removesuffix("get-session") + name


def follow(address: str) -> Answer:
    """Ask, and follow redirects as long as they stay on the same origin."""
    answer = ask(address)
    for _ in range(_MOST_HOPS):
        if not answer.leads_to or origin_of(answer.leads_to) != origin_of(address):
            return answer
        answer = ask(answer.leads_to)
    return answer


def ask(address: str) -> Answer:
    """Send a GET on a connection of its own: nothing that one answer sets goes with the next."""
    with httpx.stream(
        "GET",
        address,
        timeout=_TIMEOUT_S,
        headers={"Accept": "*/*", "User-Agent": "onboarding-doctor"},
        trust_env=trusts_environment(address),
        verify=_tls(),
    ) as answer:
        body = b""
        for piece in answer.iter_bytes():
            body += piece
            if len(body) >= _MOST_READ:
                break
        target = answer.headers.get("Location", "") if answer.is_redirect else ""
        return Answer(
            answer.status_code, body[:_MOST_READ].decode(errors="replace"), _joined(address, target)
        )


@cache
def _tls() -> ssl.SSLContext:
    # To read the certificates takes longer than all of the questions.
    return httpx.create_ssl_context()


def _joined(address: str, target: str) -> str:
    try:
        return urljoin(address, target) if target else ""
    except ValueError:
        return ""
