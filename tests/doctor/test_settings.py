"""What the settings alone tell: who shares the cookie, its name, the proxies, the secret's fingerprint."""

import os
import subprocess

import pytest

from onboarding.doctor import cookie, hosts, settings
from onboarding.doctor.report import Check, Finding
from tests.doctor.conftest import run_check

SITE, APP = "https://www.example.com", "https://app.example.com"
SECRET = "a secret: of the main site, with an é"


def find(check: Check, site: str = SITE, app: str = APP, **changed: str) -> Finding:
    """Return what a check finds for these addresses of main site and app."""
    environ = {
        "DATABASE_URL": "postgresql://app@db.example.com/site",
        "BETTER_AUTH_SECRET": "a secret of the main site, long enough",
        "SIGN_IN_URL": "https://www.example.com/sign-in",
        "BETTER_AUTH_URL": site,
        "APP_URL": app,
        **changed,
    }
    (finding,) = run_check(check, environ)
    return finding


@pytest.mark.parametrize(
    ("site", "app", "level", "part"),
    [
        ("https://example.com", "https://example.com:8443", "ok", "on one host"),
        ("http://localhost:3000", "http://localhost:8000", "ok", "on one host"),
        ("https://www.example.com", "https://app.example.com", "ok", "cookies of example.com"),
        ("https://auth.example.com", "https://example.com", "ok", "cookies of example.com"),
        ("https://www.example.co.uk", "https://app.example.co.uk", "ok", "cookies of example.co.uk"),
        ("https://a.me.fly.dev", "https://b.me.fly.dev", "ok", "cookies of me.fly.dev"),
        ("https://xn--bcher-kva.example", "https://a.xn--bcher-kva.example", "ok", "xn--bcher-kva.example"),
        ("https://www.example.com", "https://app.example.org", "fault", "a name under example.com"),
        ("https://me.fly.dev", "https://you.fly.dev", "fault", "a domain you own"),
        ("https://me.vercel.app", "https://you.fly.dev", "fault", "a domain you own"),
        ("https://192.0.2.1", "https://198.51.2.1", "fault", "different sites"),
        ("https://[2001:db8::1]", "https://[2001:db8::2]", "fault", "different sites"),
        ("https://main", "https://app", "fault", "different sites"),
        ("http://127.0.0.1:3000", "http://localhost:8000", "fault", "two sites to a browser"),
    ],
)  # fmt: skip
def test_cookies_reach_hosts_under_one_registered_domain(
    site: str, app: str, level: str, part: str
) -> None:
    finding = find(hosts.related, site, app)
    assert finding.level == level
    assert part in f"{finding.message} {finding.fix}"


@pytest.mark.parametrize(
    ("app", "page", "level", "part"),
    [
        (APP, "https://www.example.com", "ok", "is the same site"),
        (APP, "https://app.example.com", "ok", "is the same site"),
        (APP, "https://example.com:8443", "ok", "is the same site"),
        (APP, "https://docs.example.org", "warning", "is another site"),
        (APP, "http://localhost:3000", "warning", "is another site"),
        ("http://localhost:8000", "https://localhost:3000", "warning", "has another scheme"),
        (APP, "", "ok", "no page may frame the app"),
    ],
)
def test_a_frame_gets_the_cookie_on_the_same_site_only(
    app: str, page: str, level: str, part: str
) -> None:
    finding = find(hosts.embedding, app=app, EMBED_ORIGINS=page)
    assert finding.level == level
    assert part in finding.message


HOST_COOKIE = {"BETTER_AUTH_COOKIE_NAME": "__Host-sid", "BETTER_AUTH_SECURE_COOKIES": "false"}


@pytest.mark.parametrize(
    ("app", "changed", "level", "name", "reason"),
    [
        (SITE, {}, "ok", "__Secure-better-auth.session_token", "the default prefix, and BETTER_AUTH_URL is https"),
        (SITE, {"BETTER_AUTH_COOKIE_PREFIX": "acme"}, "ok", "__Secure-acme.session_token", "BETTER_AUTH_COOKIE_PREFIX"),
        (SITE, {"BETTER_AUTH_COOKIE_NAME": "acme_sid"}, "ok", "__Secure-acme_sid", "BETTER_AUTH_COOKIE_NAME"),
        ("http://localhost:8000", {}, "warning", "__Secure-better-auth.session_token", "APP_URL is plain http"),
        (SITE, HOST_COOKIE, "ok", "__Host-sid", "BETTER_AUTH_SECURE_COOKIES is false"),
        (APP, HOST_COOKIE, "fault", "__Host-sid", "never reaches app.example.com"),
    ],
)  # fmt: skip
def test_the_name_of_the_cookie_is_explained(
    app: str, changed: dict[str, str], level: str, name: str, reason: str
) -> None:
    finding = find(cookie.name, app=app, **changed)
    assert finding.level == level
    assert {name, reason} == {part for part in (name, reason) if part in finding.message}


@pytest.mark.parametrize(
    ("app", "levels"), [(APP, ["ok", "ok"]), ("http://localhost:8000", ["ok", "warning"])]
)
def test_an_app_on_this_machine_has_no_proxies(app: str, levels: list[str]) -> None:
    found = [find(settings.proxies, app=app, FORWARDED_PROXIES=count) for count in ("0", "1")]
    assert [finding.level for finding in found] == levels


@pytest.mark.parametrize(
    ("variable", "value", "secret"),
    [
        ("BETTER_AUTH_SECRET", SECRET, SECRET),
        ("BETTER_AUTH_SECRET", f" {SECRET} ", f" {SECRET} "),
        ("BETTER_AUTH_SECRETS", "2: new: with a colon ,1:old", "new: with a colon"),
    ],
)
def test_node_prints_the_same_fingerprint(variable: str, value: str, secret: str) -> None:
    printed = subprocess.check_output(
        ["sh", "-c", settings.FINGERPRINT_COMMANDS[variable]],
        env={"PATH": os.environ["PATH"], variable: value},
        text=True,
    )
    assert printed.strip() == settings.fingerprint(secret)
