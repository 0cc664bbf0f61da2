"""Which secret signs the session cookie, and which cookie carries it."""

from collections.abc import Mapping

# Better-Auth falls back to this public constant outside production when it is given no secret
# (better-auth 1.7.25, source). Anybody can sign with it.
PUBLIC_DEFAULT_SECRET = "better-auth-secret-12345678901234567890"  # noqa: S105

# Better-Auth itself warns below this length.
SHORTEST_SECRET = 32


class SecretFault(ValueError):
    """The environment holds no secret that is safe to verify sessions with; says why, never what."""


def signing_secret(environ: Mapping[str, str]) -> str:
    """Give the secret that signs session cookies, by Better-Auth's own order of precedence.

    `BETTER_AUTH_SECRETS` (``version:secret,version:secret``) beats `BETTER_AUTH_SECRET`, and only
    its first entry verifies cookies: the older entries serve encrypted data alone (measured,
    better-auth 1.7.25). A plain secret is taken to the letter, spaces included.

    Raises `SecretFault` for a missing, malformed, short or publicly known secret.
    """
    if environ.get("BETTER_AUTH_SECRETS"):
        variable, secret = "BETTER_AUTH_SECRETS", _first_entry(environ["BETTER_AUTH_SECRETS"])
    else:
        variable, secret = "BETTER_AUTH_SECRET", environ.get("BETTER_AUTH_SECRET", "")
    if not secret.strip():
        raise SecretFault(f"{variable} is missing: give the main site's own value")
    if secret == PUBLIC_DEFAULT_SECRET:
        raise SecretFault(f"{variable} is Better-Auth's public default: anybody could sign in")
    if any("\ud800" <= character <= "\udfff" for character in secret):
        raise SecretFault(f"{variable} must be UTF-8 text")
    if len(secret) < SHORTEST_SECRET:
        raise SecretFault(
            f"{variable} is too short: at least {SHORTEST_SECRET} characters are needed, "
            f"this has {len(secret)}"
        )
    return secret


def _first_entry(entries: str) -> str:
    version, colon, secret = entries.split(",")[0].strip().partition(":")
    if not (colon and version.strip()):
        raise SecretFault(
            "BETTER_AUTH_SECRETS is malformed: its form is version:secret,version:secret"
        )
    return secret.strip()


def session_cookie_name(*, site_is_https: bool, prefix: str, name: str, secure: bool | None) -> str:
    """Give the full name of the session cookie, as Better-Auth 1.6.0 to 1.7.25 build it.

    `secure` is `advanced.useSecureCookies`, None when the main site leaves it to its base URL.
    ``__Secure-`` comes in front of any name, even one that starts with ``__Host-`` (measured).
    Only this one name may ever be accepted: falling back from ``__Secure-`` to the plain name
    would let a sibling subdomain or a plain-http attacker plant a session of their own.
    """
    full = name or f"{prefix}.session_token"
    secured = site_is_https if secure is None else secure
    return f"__Secure-{full}" if secured else full
