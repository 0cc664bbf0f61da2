"""What the doctor finds by asking real main sites for their cookie and their base path."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from devstack.processes import free_port
from onboarding.doctor import cookie, main_site
from tests.compat.conftest import Rerouted
from tests.compat.sites import NEWEST, Sites
from tests.conftest import Environment
from tests.doctor.conftest import run_check

SITE, APP = "https://www.example.com", "https://app.example.com"
SHARED = {"crossSubDomainCookies": {"enabled": True, "domain": "example.com"}}
SHARE = 'set advanced.crossSubDomainCookies: { enabled: true, domain: "example.com" } there'


def attributes(**values: object) -> dict:
    return SHARED | {"defaultCookieAttributes": values}


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    started = Sites(NEWEST, "UTC")
    yield started
    started.stop()


@pytest.fixture
def run(sites: Sites, environment: Environment):
    """Return what a check finds on a site with these advanced options, a line each."""
    with ExitStack() as stack:

        def run(check, site_url: str = SITE, options: dict = SHARED, **changed: str) -> list[str]:
            port = free_port()
            order = {
                "port": port,
                "siteUrl": site_url,
                "onboardingOrigin": APP,
                "databaseUrl": environment.database_url,
                "secret": environment.app_server.secret,
                "options": {"advanced": options},
                "plugins": {},
                "migrate": False,
            }
            stack.enter_context(sites.open(**order))
            return find(check, Rerouted(port), BETTER_AUTH_SECRET=order["secret"], **changed)

        yield run


def find(check, transport: httpx.BaseTransport, **changed: str) -> list[str]:
    environ = {
        "DATABASE_URL": "postgresql://app@db.example.com/site",
        "BETTER_AUTH_SECRET": "x1y2" * 10,
        "SIGN_IN_URL": f"{SITE}/sign-in",
        "BETTER_AUTH_URL": SITE,
        "APP_URL": APP,
        **changed,
    }
    findings = run_check(check, environ, transport=transport)
    return [f"{found.level}: {found.fix or found.message}" for found in findings]


# Better-Auth's advanced options, the app's variables, and what to fix.
COOKIES = {
    "all right": (SHARED, {}, []),
    "prefix": (SHARED | {"cookiePrefix": "acme"}, {}, ["fault: set BETTER_AUTH_COOKIE_PREFIX=acme"]),
    "name with its prefix": (
        SHARED | {"cookies": {"session_token": {"name": "sid"}}},
        {"BETTER_AUTH_COOKIE_NAME": "__Secure-sid"},
        ["fault: set BETTER_AUTH_COOKIE_NAME=sid"],
    ),
    "everything at once": (
        {"cookiePrefix": "acme", "useSecureCookies": False, "defaultCookieAttributes": {"path": "/site"}},
        {"BETTER_AUTH_COOKIE_NAME": "sid"},
        [
            "fault: unset BETTER_AUTH_COOKIE_NAME, set BETTER_AUTH_SECURE_COOKIES=false, set BETTER_AUTH_COOKIE_PREFIX=acme",
            f"fault: {SHARE}",
            'fault: set path: "/" there',
        ],
    ),
    "no domain": ({}, {}, [f"fault: {SHARE}"]),
    "the site's own domain": ({"crossSubDomainCookies": {"enabled": True}}, {}, [f"fault: {SHARE}"]),
    "another domain": ({"crossSubDomainCookies": {"enabled": True, "domain": "example.org"}}, {}, [f"fault: {SHARE}"]),
    "strict": (attributes(sameSite="strict"), {}, ['warning: set sameSite: "lax" there']),
}  # fmt: skip


@pytest.mark.parametrize("name", COOKIES)
def test_the_main_sites_own_cookie_is_compared_with_the_settings(name: str, run) -> None:
    options, changed, expected = COOKIES[name]
    found = run(cookie.of_main_site, options=options, **changed)
    assert found == (expected or [found[0]])
    assert found[0].startswith("ok: " if not expected else expected[0])


@pytest.mark.parametrize(
    ("status", "part"),
    [(400, "upgrade the main site to 1.6"), (404, "--cookie"), (200, "--cookie")],
)
def test_a_cookie_that_cannot_be_compared_is_a_warning(status: int, part: str) -> None:
    silent = httpx.MockTransport(lambda _: httpx.Response(status, text="null"))
    for check in (cookie.of_main_site, main_site.same_secret, main_site.trusted_origin):
        [found] = find(check, silent)
        assert found.startswith("warning: ")
    assert part in find(cookie.of_main_site, silent)[0]


def test_a_cookie_that_browsers_refuse_is_a_fault() -> None:
    # As Better-Auth up to 1.7.0 sets it.
    line = "__Secure-better-auth.session_token=; Max-Age=0; Domain=example.com; SameSite=None"
    site = httpx.MockTransport(lambda _: httpx.Response(200, headers={"Set-Cookie": line}))
    assert find(cookie.of_main_site, site) == ['fault: set sameSite: "lax" there']


# The site's base URL, the app's BETTER_AUTH_URL, and what to fix.
BASES = [
    (SITE, SITE, "ok: https://www.example.com/api/auth/get-session answers 200 and null"),
    (f"{SITE}/auth", f"{SITE}/auth", "ok: https://www.example.com/auth/get-session answers 200 and null"),
    (SITE, f"{SITE}/en", "warning: set BETTER_AUTH_URL=https://www.example.com: "),
    (f"{SITE}/auth", SITE, "warning: set BETTER_AUTH_URL=https://www.example.com/auth: "),
    (f"{SITE}/shop/api/auth", f"{SITE}/shop", "warning: set BETTER_AUTH_URL=https://www.example.com/shop/api/auth: "),
    (f"{SITE}/odd", SITE, "warning: set BETTER_AUTH_URL to the main site's baseURL"),
]  # fmt: skip


@pytest.mark.parametrize(("site_url", "given", "expected"), BASES)
def test_the_base_path_is_read_as_better_auth_reads_it(
    site_url: str, given: str, expected: str, run
) -> None:
    [found] = run(main_site.get_session, site_url, BETTER_AUTH_URL=given)
    assert found.startswith(expected)


def test_a_host_name_that_redirects_is_replaced_by_its_target(run) -> None:
    def redirect(request: httpx.Request) -> httpx.Response:
        if request.url.host == "example.com":
            target = request.url.copy_with(host="www.example.com")
            return httpx.Response(308, headers={"Location": str(target)})
        return httpx.Response(200, text="null")

    transport = httpx.MockTransport(redirect)
    [found] = find(main_site.get_session, transport, BETTER_AUTH_URL="https://example.com")
    assert found.startswith("fault: set BETTER_AUTH_URL=https://www.example.com: ")
