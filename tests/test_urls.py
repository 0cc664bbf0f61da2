"""Addresses from outside: what is not plainly ours or plainly allowed is ignored."""

from urllib.parse import urljoin, urlsplit

import pytest

from onboarding.urls import (
    LONGEST_TARGET,
    is_local_path,
    is_loopback,
    is_on_origin,
    origin_of,
)

OURS = "https://www.example.com"
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
    "/",
    "/profile",
    "/onboarding/?next=/profile",
    "/onboarding/review?python_proficiency=Advanced&developer_role=None#problem",
    "/a/b/../c",
    "/caf%C3%A9",
    "/%2F%2Fevil.example",
    "/%5Cevil.example",
    "/path//twice",
    "/@evil.example",
    "/:80",
    "/?u=https://evil.example/",
    "/javascript:alert(1)",
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

# Neither a path of ours nor an address on an allowed origin, whatever a browser would make of it.
HOSTILE = {
    "nothing": "",
    "a bare name": "profile",
    "a dot path": "./profile",
    "a query alone": "?next=/",
    "a fragment alone": "#top",
    "two slashes": "//evil.example",
    "three slashes": "///evil.example",
    "slash, backslash": "/\\evil.example",
    "backslash, slash": "\\/evil.example",
    "slash, backslash, slash": "/\\/evil.example",
    "a backslash further on": "/profile\\..\\evil",
    "slash, tab, slash": "/\t/evil.example",
    "slash, newline, slash": "/\n/evil.example",
    "slash, return, newline": "/\r\nSet-Cookie: a=b",
    "a leading space": " /profile",
    "a leading NUL": "\x00/profile",
    "a leading no-break space": "\xa0//evil.example",
    "a trailing space": "/profile ",
    "a space inside": "/pro file",
    "NUL inside": "/pro\x00file",
    "escape inside": "/\x1b[2J",
    "a C1 control inside": "/\x85evil.example",
    "a lone surrogate": "/\ud800",
    "a surrogate escape": "/\udcff",
    "unescaped letters": "/café",
    "a fullwidth slash": "/\uff0fevil.example",
    "a fraction slash": "/\u2044evil.example",
    "an ideographic full stop": "/\u3002evil",
    "a right-to-left override": "/\u202eelpmaxe",
    "a line separator": "/\u2028evil.example",
    "10 kB of path": "/" + "a" * 10_000,
    "one character too many": "/" + "a" * LONGEST_TARGET,
    "10 kB of an allowed origin": f"{OURS}/" + "a" * 10_000,
    "javascript": "javascript:alert(document.domain)",
    "javascript with a tab": "java\tscript:alert(1)",
    "javascript with a newline": "java\nscript:alert(1)",
    "javascript behind an origin": "javascript://www.example.com/%0aalert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "vbscript": "vbscript:msgbox(1)",
    "file": "file:///etc/passwd",
    "a websocket": "wss://www.example.com/",
    "no scheme": "www.example.com",
    "an empty scheme": "://www.example.com/",
    "another host": "https://evil.example/",
    "plain http": "http://www.example.com/",
    "one slash": "https:/www.example.com/",
    "three slashes after the scheme": "https:///www.example.com/",
    "backslashes after the scheme": "https:\\\\www.example.com/",
    "our host as a prefix": "https://www.example.com.evil.example/",
    "our host as a suffix": "https://evilwww.example.com/",
    "our host under another": "https://evil.example/www.example.com",
    "our host in the fragment": "https://evil.example#https://www.example.com",
    "a parent domain": "https://example.com/",
    "a child domain": "https://a.www.example.com/",
    "a trailing dot": "https://www.example.com./",
    "a user": "https://www.example.com@evil.example/",
    "a user with our host behind": "https://evil.example@www.example.com/",
    "a user and password": "https://www.example.com:443@evil.example/",
    "an empty user": "https://@www.example.com/",
    "an encoded @": "https://www.example.com%40evil.example/",
    "an encoded slash": "https://www.example.com%2F.evil.example/",
    "an encoded dot": "https://www%2eexample.com/",
    "a backslash before @": "https://www.example.com\\@evil.example/",
    "a backslash behind the host": "https://evil.example\\.www.example.com/",
    "a semicolon": "https://www.example.com;@evil.example/",
    "another port": "https://www.example.com:8443/",
    "the right host, the port of another": "https://docs.example.com/",
    "port 0": "https://www.example.com:0/",
    "a port too high": "https://www.example.com:65536/",
    "a port that is none": "https://www.example.com:https/",
    "a port in other digits": "https://www.example.com:\u0664\u0664\u0663/",
    "a tab in the host": "https://www.exa\tmple.com/",
    "a space before": " https://www.example.com/",
    "a newline behind": "https://www.example.com/\n",
    "NUL in the host": "https://www.example.com\x00.evil.example/",
    "an international name": "https://www.exаmple.com/",
    "a fullwidth dot": "https://www\uff0eexample.com/",
    "an ideographic dot": "https://www\u3002example.com/",
    "a name that normalises to a slash": "https://www.example.com\u2100.evil.example/",
    "a soft hyphen": "https://www.exam\u00adple.com/",
    "an address in brackets": "https://[www.example.com]/",
    "an open bracket": "https://[::1/",
    "letters behind brackets": "http://[::1]x:8000/",
    "a zone": "http://[::1%25eth0]:8000/",
    "all of this machine": "http://127.1:3000/",
    "a number": "http://2130706433:3000/",
    "this machine, another port": "http://localhost:3001/",
    "an allowed list": f"{OURS},https://evil.example",
    "a wildcard": "https://*.example.com/",
    "null": "null",
}


@pytest.mark.parametrize("target", HOSTILE.values(), ids=HOSTILE)
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
