"""The secret: is it safe, and is it the main site's own?"""

import hashlib
import hmac
from collections.abc import Iterator

from onboarding.betterauth.secret import SecretFault, signing_secret
from onboarding.doctor.findings import Finding, fault, ok, skipped
from onboarding.doctor.installation import Installation, Missing

_ONE, _SEVERAL = "BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS"

# What an operator runs where the main site runs; the same figure as `fingerprint` gives.
_SNIPPET = """node -e 'console.log(crypto.scryptSync({},"onboarding",6).toString("hex"))'"""
SNIPPETS = {
    _ONE: _SNIPPET.format(f"process.env.{_ONE}"),
    _SEVERAL: _SNIPPET.format(
        f'process.env.{_SEVERAL}.split(",")[0].split(":").slice(1).join(":").trim()'
    ),
}


def fingerprint(secret: str) -> str:
    """Give 12 hex digits by which two people can tell that they hold the same secret.

    scrypt with the costs that Node's `crypto.scryptSync` has by default: 0.05 s and 16 MB a guess, so
    that a fingerprint that somebody printed doesn't give a weak secret away.
    """
    digest = hashlib.scrypt(secret.encode(), salt=b"onboarding", n=16384, r=8, p=1, dklen=6)
    return digest.hex()


def is_about_secret(line: str) -> bool:
    """Tell whether a fault of the settings is one of the secret."""
    return line.partition(" ")[0] in (_ONE, _SEVERAL)


def safe(installation: Installation) -> Iterator[Finding]:
    """There is a secret, long enough, and not the one that everybody knows."""
    try:
        secret = _secret(installation)
    except SecretFault as unsafe:
        yield fault(
            str(unsafe),
            "main site and app need one value, 32 random characters or more; a new one signs all out",
        )
        return
    yield ok(f"{_variable(installation)}: {len(secret)} characters")


def same_as_main_site(installation: Installation) -> Iterator[Finding]:
    """The fingerprint is that of the main site's secret."""
    try:
        ours = fingerprint(_secret(installation))
    except SecretFault:
        raise Missing("the secret is faulty") from None
    snippet = SNIPPETS[_variable(installation)]
    if installation.fingerprint is None:
        yield skipped(
            f"ours is {ours}; to compare, give --fingerprint what this prints on the main site",
            snippet,
        )
    elif hmac.compare_digest(ours, installation.fingerprint.lower()):
        yield ok(f"the main site's secret has the same, {ours}")
    else:
        yield fault(
            f"ours is {ours}, the main site's {installation.fingerprint.lower()}: two secrets",
            f"copy the main site's own; this prints its fingerprint there: {snippet}",
        )


def _secret(installation: Installation) -> str:
    environ = installation.environ
    if installation.by_http and not (environ.get(_ONE) or environ.get(_SEVERAL)):
        raise Missing("not needed: SESSION_SOURCE is http")
    return signing_secret(environ)


def _variable(installation: Installation) -> str:
    return _SEVERAL if installation.environ.get(_SEVERAL) else _ONE
