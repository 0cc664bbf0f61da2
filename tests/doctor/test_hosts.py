"""Which hosts can share the session cookie, and which pages can frame the app."""

import pytest

from onboarding.doctor import cookie, environment, hosts
from onboarding.doctor.installation import Installation

ENVIRON = {
    "DATABASE_URL": "postgresql://app@db.example.com/site",
    "BETTER_AUTH_SECRET": "a secret of the main site, long enough",
    "SIGN_IN_URL": "https://www.example.com/sign-in",
}


def installation(site: str, app: str, **changed: str) -> Installation:
    return Installation({**ENVIRON, "BETTER_AUTH_URL": site, "APP_URL": app, **changed})


@pytest.mark.parametrize(
    ("site", "app", "level", "part"),
    [
        ("https://example.com", "https://example.com", "ok", "on one host"),
        ("https://example.com", "https://example.com:8443", "ok", "on one host"),
        ("http://localhost:3000", "http://localhost:8000", "ok", "on one host"),
        ("https://192.0.2.1", "https://192.0.2.1:8443", "ok", "on one host"),
        ("https://me.fly.dev", "https://me.fly.dev:8443", "ok", "on one host"),
        ("https://www.example.com", "https://app.example.com", "ok", 'domain: "example.com"'),
        ("https://example.com", "https://app.example.com", "ok", 'domain: "example.com"'),
        ("https://auth.example.com", "https://example.com", "ok", 'domain: "example.com"'),
        ("https://a.in.example.com", "https://b.in.example.com", "ok", 'domain: "in.example.com"'),
        ("https://www.example.co.uk", "https://app.example.co.uk", "ok", 'domain: "example.co.uk"'),
        ("https://a.me.fly.dev", "https://b.me.fly.dev", "ok", 'domain: "me.fly.dev"'),
        ("https://xn--bcher-kva.example", "https://a.xn--bcher-kva.example", "ok", "xn--bcher-kva.example"),
        ("https://www.example.com", "https://app.example.org", "fault", "a name under example.com"),
        ("https://one.co.uk", "https://two.co.uk", "fault", "a name under one.co.uk"),
        ("https://www.example.com", "https://me.fly.dev", "fault", "a name under example.com"),
        ("https://me.fly.dev", "https://you.fly.dev", "fault", "fly.dev is a public suffix"),
        ("https://me.vercel.app", "https://you.vercel.app", "fault", "vercel.app is a public"),
        ("https://me.pages.dev", "https://you.pages.dev", "fault", "a domain you own"),
        ("https://me.vercel.app", "https://you.fly.dev", "fault", "a domain you own"),
        ("https://192.0.2.1", "https://198.51.2.1", "fault", "different sites"),
        ("https://[2001:db8::1]", "https://[2001:db8::2]", "fault", "different sites"),
        ("https://www.example.com", "https://192.0.2.2", "fault", "different sites"),
        ("https://main", "https://app", "fault", "different sites"),
        ("http://127.0.0.1:3000", "http://localhost:8000", "fault", "two sites to a browser"),
        ("http://[::1]:3000", "http://localhost:8000", "fault", "two sites to a browser"),
        ("http://a.localhost:3000", "http://b.localhost:8000", "fault", "two sites to a browser"),
    ],
)  # fmt: skip
def test_cookies_of_one_host_reach_another(site: str, app: str, level: str, part: str) -> None:
    (finding,) = hosts.shared(installation(site, app))
    assert finding.level == level
    assert part in f"{finding.says} {finding.mend}"


@pytest.mark.parametrize(
    ("page", "level", "part"),
    [
        ("https://www.example.com", "ok", "is the same site"),
        ("https://app.example.com", "ok", "is the same site"),
        ("https://example.com:8443", "ok", "is the same site"),
        ("https://docs.example.org", "warning", "is another site"),
        ("http://localhost:3000", "warning", "is another site"),
    ],
)
def test_a_frame_gets_the_cookie_on_the_same_site_only(page: str, level: str, part: str) -> None:
    examined = installation(
        "https://www.example.com", "https://app.example.com", EMBED_ORIGINS=page
    )
    (finding,) = hosts.embedding(examined)
    assert finding.level == level
    assert part in finding.says


def test_another_scheme_is_another_site_to_a_frame() -> None:
    examined = installation(
        "https://localhost:3000", "http://localhost:8000", EMBED_ORIGINS="https://localhost:3000"
    )
    (finding,) = hosts.embedding(examined)
    assert finding.level == "warning"
    assert "another scheme" in finding.says


def test_without_origins_nobody_may_frame_the_app() -> None:
    (finding,) = hosts.embedding(installation("https://www.example.com", "https://app.example.com"))
    assert finding.says == "EMBED_ORIGINS is empty: no page may frame the app"


@pytest.mark.parametrize(
    ("app", "changed", "told"),
    [
        (
            "https://www.example.com",
            {},
            "ok: __Secure-better-auth.session_token is expected: the default prefix, and BETTER_AUTH_URL is https",
        ),
        (
            "https://www.example.com",
            {"BETTER_AUTH_COOKIE_PREFIX": "acme", "BETTER_AUTH_SECURE_COOKIES": "false"},
            "ok: acme.session_token is expected: BETTER_AUTH_COOKIE_PREFIX, and BETTER_AUTH_SECURE_COOKIES is false",
        ),
        (
            "https://www.example.com",
            {"BETTER_AUTH_COOKIE_NAME": "acme_sid"},
            "ok: __Secure-acme_sid is expected: BETTER_AUTH_COOKIE_NAME, and BETTER_AUTH_URL is https",
        ),
        (
            "http://localhost:8000",
            {},
            "warning: __Secure-better-auth.session_token is a Secure cookie, and APP_URL is plain http",
        ),
    ],
)
def test_the_cookies_name_is_explained(app: str, changed: dict[str, str], told: str) -> None:
    (finding,) = cookie.name(installation("https://www.example.com", app, **changed))
    assert f"{finding.level}: {finding.says}" == told


@pytest.mark.parametrize(
    ("app", "level"), [("https://www.example.com", "ok"), ("https://app.example.com", "fault")]
)
def test_a_host_cookie_reaches_its_own_host_only(app: str, level: str) -> None:
    examined = installation(
        "https://www.example.com",
        app,
        BETTER_AUTH_COOKIE_NAME="__Host-sid",
        BETTER_AUTH_SECURE_COOKIES="false",
    )
    (finding,) = cookie.name(examined)
    assert finding.level == level
    assert "__Host-sid" in finding.says


@pytest.mark.parametrize(
    ("app", "proxies", "level", "mend"),
    [
        ("https://app.example.com", "1", "ok", False),
        ("https://app.example.com", "0", "ok", True),
        ("http://localhost:8000", "0", "ok", False),
        ("http://localhost:8000", "1", "warning", True),
    ],
)
def test_the_number_of_proxies_goes_with_the_address(
    app: str, proxies: str, level: str, mend: bool
) -> None:
    examined = installation("https://www.example.com", app, FORWARDED_PROXIES=proxies)
    (finding,) = environment.proxies(examined)
    assert (finding.level, bool(finding.mend)) == (level, mend)
