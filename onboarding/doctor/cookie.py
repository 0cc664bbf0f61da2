"""Checks of the session cookie: the name that the app expects, and what the main site sets."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from onboarding.doctor.better_auth import SiteCookie
from onboarding.doctor.hosts import host_of, is_within, shared_parent
from onboarding.doctor.installation import Installation
from onboarding.doctor.report import Finding, fault, ok, warning
from onboarding.settings import Settings

_SECURE = "__Secure-"
_DOMAIN = 'set advanced.crossSubDomainCookies: {{ enabled: true, domain: "{}" }} there'
_NEON_DOMAIN = 'set createNeonAuth({{ cookies: {{ domain: "{}" }} }}) there'


def name(installation: Installation) -> Iterator[Finding]:
    """The name that the app expects can be right."""
    settings = installation.settings
    expected = settings.session_cookie.name
    site, app = host_of(settings.site_origin), host_of(settings.app_origin)
    problems = []
    if expected.startswith("__Host-") and site != app:
        problems.append(
            fault(
                f"the cookie {expected} is for {site} alone and never reaches {app}",
                "give the session cookie of the main site a name without __Host-",
            )
        )
    if expected.startswith(2 * _SECURE):
        base = expected.removeprefix(2 * _SECURE)
        problems.append(
            warning(
                f"{expected} is expected: {_SECURE} is added, and it is in the settings too",
                f"{fix_for(f'{_SECURE}{base}', installation)}, "
                f"unless the name is {_SECURE}{base} in the main site's options, too",
            )
        )
    if expected.startswith((_SECURE, "__Host-")):
        urls = {"BETTER_AUTH_URL": settings.site_origin, "APP_URL": settings.app_origin}
        problems += [
            warning(
                f"{expected} is a Secure cookie, but {variable} is plain http",
                "use https for both: not every browser keeps such a cookie for localhost",
            )
            for variable, origin in urls.items()
            if origin.startswith("http:")
        ]
    yield from problems or [ok(f"{expected} is expected: {_reason(settings)}")]


def of_main_site(installation: Installation) -> Iterator[Finding]:
    """The main site's own cookie has the expected name, browsers keep it, and it reaches the app.

    A sign-out without a session answers with the cookie's name and attributes (1.4.6 to 1.7.25,
    measured).
    """
    expected = installation.settings.session_cookie.name
    answer = installation.better_auth.sign_out
    cookie = answer.session_cookie(expected)
    if cookie is None:
        yield warning(
            f"the main site's session cookie can't be compared: its sign-out answers "
            f"{answer.status} without one",
            "Better-Auth before 1.4 answers so: upgrade the main site to 1.6 or later"
            if answer.status == 400
            else "see get-session; or try a browser's cookie with --cookie",
        )
        return
    problems = list(_problems(installation, cookie))
    if cookie.name != expected:
        problems.insert(
            0,
            fault(
                f"the main site's session cookie is {cookie.name}, not {expected}",
                fix_for(cookie.name, installation),
            ),
        )
    yield from problems or [ok(f"the main site's session cookie is {cookie.name}, and fits")]


def _problems(installation: Installation, cookie: SiteCookie) -> Iterator[Finding]:
    """Yield why browsers refuse the cookie, or don't send it to the app."""
    site, app = host_of(installation.better_auth.base), host_of(installation.settings.app_origin)
    has = cookie.attributes
    parent = shared_parent(site, app)
    option = _NEON_DOMAIN if installation.uses_neon_auth else _DOMAIN
    same_site, path = has.get("samesite", "").lower(), has.get("path", "/")
    if cookie.domain and not is_within(site, cookie.domain):
        yield fault(
            f"browsers refuse the main site's cookie: {site} isn't within its Domain, "
            f"{cookie.domain}",
            option.format(parent) if parent and site != app else "remove that domain there",
        )
    elif (
        # Of a __Host- name `name` says more.
        parent
        and site != app
        and not cookie.name.startswith("__Host-")
        and not (cookie.domain and is_within(app, cookie.domain))
    ):
        reached = f"{cookie.domain} and below" if cookie.domain else f"{site} alone"
        yield fault(
            f"the main site's cookie is for {reached}: it never reaches {app}",
            option.format(parent),
        )
    if same_site == "none" and "secure" not in has:
        yield fault(
            "browsers refuse the main site's cookie: SameSite=None without Secure",
            'set sameSite: "lax" there',
        )
    if same_site == "strict":
        yield warning(
            "the main site's cookie is SameSite=Strict: whoever follows a link from another site "
            "to the app seems to be signed out",
            'set sameSite: "lax" there',
        )
    if path != "/":
        yield fault(
            f"the main site's cookie has the Path {path}: it never reaches the app's pages",
            'set path: "/" there',
        )


def fix_for(cookie_name: str, installation: Installation) -> str:
    """Return which settings to change so that the session cookie's full name is this one."""
    environ = installation.environ
    base = cookie_name.removeprefix(_SECURE)
    prefix = base.removesuffix(".session_token")
    is_secure = cookie_name != base
    site_is_https = installation.settings.site_url.startswith("https:")
    wanted = {
        "BETTER_AUTH_COOKIE_NAME": base if prefix == base else "",
        "BETTER_AUTH_SECURE_COOKIES": "" if is_secure == site_is_https else str(is_secure).lower(),
    }
    if prefix != base:
        wanted["BETTER_AUTH_COOKIE_PREFIX"] = "" if prefix == "better-auth" else prefix
    return ", ".join(
        f"set {variable}={value}" if value else f"unset {variable}"
        for variable, value in wanted.items()
        if value != environ.get(variable, "").strip()
    )


def _reason(settings: Settings) -> str:
    """Return which settings decide the name of the cookie."""
    base = (
        "BETTER_AUTH_COOKIE_NAME"
        if settings.cookie_name
        else "BETTER_AUTH_COOKIE_PREFIX"
        if settings.cookie_prefix != "better-auth"
        else "the default prefix"
    )
    if settings.secure_cookies is None:
        return f"{base}, and BETTER_AUTH_URL is {urlsplit(settings.site_url).scheme}"
    return f"{base}, and BETTER_AUTH_SECURE_COOKIES is {str(settings.secure_cookies).lower()}"
