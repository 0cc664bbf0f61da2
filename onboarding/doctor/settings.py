"""Checks of the environment alone: the settings, the secret, the number of proxies."""

import hashlib
import hmac
import re
from collections.abc import Iterator

from onboarding.betterauth.secret import SecretError, signing_secret
from onboarding.doctor.installation import Installation, Missing
from onboarding.doctor.report import Finding, fault, ok, skipped, warning
from onboarding.settings import SECRET_VARIABLES, unknown_variables
from onboarding.urls import is_loopback

_ONE, _SEVERAL = SECRET_VARIABLES

COPY_SECRET = "give this app the main site's secret, letter for letter, in the same variable"  # noqa: S105
_NEW_SECRET = (
    "give the main site and this app the same value of at least 32 random characters; "  # noqa: S105
    "a new one signs everybody out"
)
# What hardly any random secret has, and examples and placeholders of templates do.
_EXAMPLE = re.compile(
    r"secret|password|change[-_ ]?(?:me|this|it)|your[-_ ]|placeholder|example|12345678|(.)\1{7}",
    re.IGNORECASE,
)
# Neon signs the cookies of Neon Auth, so Neon alone can verify them.
_NEON_AUTH = {
    "SESSION_SOURCE": "http",
    "BETTER_AUTH_SCHEMA": "neon_auth",
    "BETTER_AUTH_COOKIE_PREFIX": "neon-auth",
    "BETTER_AUTH_COOKIE_NAME": "",
    _ONE: "",
    _SEVERAL: "",
}

# What an operator runs on the main site; it prints the same as `fingerprint`.
_COMMAND = """node -e 'console.log(crypto.scryptSync({},"onboarding",6).toString("hex"))'"""
FINGERPRINT_COMMANDS = {
    _ONE: _COMMAND.format(f"process.env.{_ONE}"),
    _SEVERAL: _COMMAND.format(
        f'process.env.{_SEVERAL}.split(",")[0].split(":").slice(1).join(":").trim()'
    ),
}


def fingerprint(secret: str) -> str:
    """Return 12 hex digits that show whether two people have the same secret.

    scrypt with the default costs of Node's `crypto.scryptSync`: 0.05 s and 16 MB a guess, so that a
    printed fingerprint doesn't reveal a weak secret.
    """
    digest = hashlib.scrypt(secret.encode(), salt=b"onboarding", n=16384, r=8, p=1, dklen=6)
    return digest.hex()


def well_formed(installation: Installation) -> Iterator[Finding]:
    """Every required setting is set, each is well-formed, and no variable is misspelled."""
    errors = installation.settings_errors
    # The secret has a condition of its own.
    malformed = [line for line in errors if line.partition(" ")[0] not in SECRET_VARIABLES]
    for line in malformed:
        yield fault(line, "see docs/configuration.md")
    for line in unknown_variables(installation.environ):
        message, _, fix = line.partition(": ")
        yield warning(message, fix)
    yield from _neon_auth(installation)
    if not malformed:
        yield ok(f"every setting {'but the secret ' if errors else ''}is well-formed")


def secret(installation: Installation) -> Iterator[Finding]:
    """The secret is set, long enough, and not publicly known."""
    try:
        value = _secret(installation)
    except SecretError as error:
        yield fault(str(error), _NEW_SECRET)
        return
    if _EXAMPLE.search(value):
        yield warning(
            f"{_variable(installation)} looks like an example, which others know, too", _NEW_SECRET
        )
    else:
        yield ok(f"{_variable(installation)} has {len(value)} characters")


def same_fingerprint(installation: Installation) -> Iterator[Finding]:
    """The fingerprint of the secret is that of the main site's secret."""
    try:
        computed = fingerprint(_secret(installation))
    except SecretError:
        raise Missing("the secret is missing or unsafe") from None
    command = FINGERPRINT_COMMANDS[_variable(installation)]
    if installation.fingerprint is None:
        yield skipped(
            f"the app's secret has the fingerprint {computed}; "
            "to compare, give --fingerprint what this command prints on the main site",
            command,
        )
    elif hmac.compare_digest(computed, installation.fingerprint.lower()):
        yield ok(f"the main site's secret has the same fingerprint, {computed}")
    else:
        yield fault(
            f"the secrets differ: the app's has the fingerprint {computed}, "
            f"the main site's {installation.fingerprint.lower()}",
            f"copy the main site's secret; this command prints its fingerprint there: {command}",
        )


def proxies(installation: Installation) -> Iterator[Finding]:
    """The number of trusted proxies suits the app's URL."""
    settings = installation.settings
    count, is_local = settings.forwarded_proxies, is_loopback(settings.app_origin)
    if count and is_local:
        yield warning(
            f"FORWARDED_PROXIES is {count}, but APP_URL is this machine",
            "set it to 0 if there is no proxy: otherwise clients can pretend to be somebody else",
        )
    elif not count and settings.app_origin.startswith("https:") and not is_local:
        yield ok(
            "FORWARDED_PROXIES is 0: the app ignores the headers of the proxy that ends TLS",
            "that proxy must pass Host on unchanged; if it sets X-Forwarded-Host, count it",
        )
    else:
        yield ok(f"FORWARDED_PROXIES is {count}")


def _neon_auth(installation: Installation) -> Iterator[Finding]:
    """Yield how the settings differ from those that Neon Auth needs."""
    if not installation.uses_neon_auth:
        return
    environ = {name: value.strip() for name, value in installation.environ.items()}
    changes = [
        f"set {variable}={value}" if value else f"unset {variable}"
        for variable, value in _NEON_AUTH.items()
        if environ.get(variable, "") != value
    ]
    if ".neonauth." in environ.get("BETTER_AUTH_URL", ""):
        changes.append("set BETTER_AUTH_URL to your own site, whose /api/auth forwards to Neon")
    if not changes:
        return
    reason = "Neon keeps the secret that signs Neon Auth's cookies"
    if environ.get("NEON_AUTH_COOKIE_SECRET", "-") == environ.get(_ONE):
        reason += f"; {_ONE} is NEON_AUTH_COOKIE_SECRET, which signs a cache alone"
    yield fault(reason, ", ".join(changes))


def _secret(installation: Installation) -> str:
    environ = installation.environ
    if installation.uses_http and not any(environ.get(name) for name in SECRET_VARIABLES):
        raise Missing("not needed: SESSION_SOURCE is http")
    return signing_secret(environ)


def _variable(installation: Installation) -> str:
    return _SEVERAL if installation.environ.get(_SEVERAL) else _ONE
