"""Addresses from outside: what is not plainly ours or plainly allowed is ignored."""

from urllib.parse import urljoin, urlsplit

import pytest

from onboarding.urls import LONGEST_TARGET, is_local_path, is_loopback, is_on_origin, origin_of
from tests.hostile_targets import HOSTILE, OURS

ALLOWED = frozenset(
    {
        OURS,
        "https://docs.example.com:8443",
        "https://v1.www.example.com",
        "http://localhost:3000",
        "http://[::1]:8000",
    }
)

HONEST_LOCAL = [
    *("/", "/profile", "/onboarding/?next=/profile", "/onboarding/review?a=b&c=None#problem"),
    *("/a/b/../c", "/caf%C3%A9", "/%2F%2Fevil.example", "/%5Cevil.example", "/path//twice"),
    *("/@evil.example", "/:80", "/?u=https://evil.example/", "/javascript:alert(1)"),
    "/" + "a" * (LONGEST_TARGET - 1),
]

# Origin of each, as a browser writes it.
HONEST_URLS = {
    "https://www.example.com": OURS,
    "https://www.example.com/": OURS,
    "https://www.example.com/path?query#fragment": OURS,
    "https://www.example.com?query": OURS,
    "https://www.example.com#https://evil.example": OURS,
    "HTTPS://WWW.Example.COM/": OURS,
    "https://www.example.com:443/": OURS,
    "https://www.example.com:/": OURS,
    "https://www.example.com/@evil.example": OURS,
    "https://www.example.com//evil.example": OURS,
    "https://docs.example.com:8443/a": "https://docs.example.com:8443",
    "http://localhost:3000/a": "http://localhost:3000",
    "http://localhost:80": "http://localhost",
    "http://localhost:443": "http://localhost:443",
    "https://localhost:80": "https://localhost:80",
    "http://127.0.0.1:8000/": "http://127.0.0.1:8000",
    "http://[::1]:8000/": "http://[::1]:8000",
    "https://[::1]:443/": "https://[::1]",
    "https://xn--bcher-kva.example/": "https://xn--bcher-kva.example",
}


@pytest.mark.parametrize("target", HOSTILE, ids=lambda target: ascii(target)[:60])
def test_a_hostile_target_is_neither_local_nor_on_an_allowed_origin(target: str) -> None:
    assert not is_local_path(target)
    assert not is_on_origin(target, ALLOWED)


@pytest.mark.parametrize("target", HONEST_LOCAL)
def test_a_path_of_ours_is_local_and_stays_here(target: str) -> None:
    assert is_local_path(target)
    assert not is_on_origin(target, ALLOWED)
    assert urlsplit(urljoin(f"{OURS}/onboarding/", target)).netloc == "www.example.com"


@pytest.mark.parametrize(("url", "origin"), HONEST_URLS.items())
def test_an_absolute_url_has_the_origin_that_a_browser_writes_and_is_allowed_there_only(
    url: str, origin: str
) -> None:
    assert origin_of(url) == origin == origin_of(origin)
    assert not is_local_path(url)
    assert is_on_origin(url, {origin})
    assert is_on_origin(url, ALLOWED) is (origin in ALLOWED)


# Addresses that no browser reads as http(s) with a host, or that hide what they are.
NO_ORIGIN = [
    "https://xn--a.example",
    *("", "null", "/", "//www.example.com", "www.example.com", "https:", "https://", "https:///"),
    *("https://:443", "https://?", "https://#", "https://@", "https://user@www.example.com"),
    *("https://www.example.com:0", "https://www.example.com:65536", "https://www.example.com:x"),
    *("https://[::1", "https://::1", "https://[::1]x", "https://x[::1]", "https://[v1.a]"),
    *("https://a b", "https://a\tb", "https://a\\b", "https://a%2eb", "https://a_b", "https://*.b"),
    *("https://é.example", "https://exa\u2100mple.com", "https://a\ud800", "https://a\x00b"),
    *("javascript:1", "data:,", "ws://a", "ftp://a", "file:///a", "mailto:a@b", "chrome://a"),
]


@pytest.mark.parametrize("url", NO_ORIGIN)
def test_what_is_no_plain_http_address_has_no_origin(url: str) -> None:
    assert origin_of(url) is None


@pytest.mark.parametrize(
    ("origin", "here"),
    [
        *((f"http://{host}", True) for host in ("localhost", "localhost:3000", "app.localhost:1")),
        *((f"http://{host}", True) for host in ("127.0.0.1:8000", "127.9.9.9", "[::1]:8000")),
        *((f"http://{host}", False) for host in ("localhost.example.com", "notlocalhost")),
        *(
            (f"http://{host}", False)
            for host in ("127.0.0.1.example.com", "192.168.0.1", "10.0.0.1")
        ),
        *((f"http://{host}", False) for host in ("[::2]", "2130706433", "")),
    ],
)
def test_only_this_machine_is_loopback(origin: str, here: bool) -> None:
    assert is_loopback(origin) is here
