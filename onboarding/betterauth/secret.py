"""Which secret signs the session cookie, and what the cookie is called."""

from collections.abc import Mapping

# Better-Auth falls back to this public constant outside production if it has no secret
# (better-auth 1.7.25, source). Anybody can sign with it.
PUBLIC_DEFAULT_SECRET = "better-auth-secret-12345678901234567890"  # noqa: S105
# Better-Auth's constant of earlier versions, and what its documentation, Neon's and templates print.
PUBLIC_SECRETS = frozenset(
    {
        PUBLIC_DEFAULT_SECRET,
        "better-auth-secret-123456789",
        "your-secret-at-least-32-characters-long",
        "your-secret-key-at-least-32-characters-long",
        "your-super-secret-key-at-least-32-characters-long",
        "your-random-secret-key-minimum-32-characters-long",
        "your-default-secret-change-in-production",
        "your_super_strong_and_unique_secret_key_here",
        "your-secret-key-here-min-32-chars",
        "your-better-auth-secret-min-32-characters",
    }
)

# Better-Auth itself warns below this length.
MIN_LENGTH = 32


class SecretError(ValueError):
    """The environment has no secret that is safe to verify sessions with.

    The message says why and never contains the secret.
    """


def signing_secret(environ: Mapping[str, str]) -> str:
    """Return the secret that signs session cookies, in Better-Auth's order of precedence.

    `BETTER_AUTH_SECRETS` (``version:secret,version:secret``) overrides `BETTER_AUTH_SECRET`, and only
    its first entry verifies cookies: the older entries are for encrypted data (measured, better-auth
    1.7.25). A plain secret is used letter for letter, spaces included.

    Raise `SecretError` if the secret is missing, malformed, short or publicly known.
    """
    if environ.get("BETTER_AUTH_SECRETS"):
        variable, secret = "BETTER_AUTH_SECRETS", _first_entry(environ["BETTER_AUTH_SECRETS"])
    else:
        variable, secret = "BETTER_AUTH_SECRET", environ.get("BETTER_AUTH_SECRET", "")
    if not secret.strip():
        raise SecretError(f"{variable} is missing: set the main site's own value")
    if secret in PUBLIC_SECRETS:
        raise SecretError(
            f"{variable} is a public default or example: anybody could sign in as anybody"
        )
    if any("\ud800" <= character <= "\udfff" for character in secret):
        raise SecretError(f"{variable} must be UTF-8 text")
    if len(secret) < MIN_LENGTH:
        raise SecretError(
            f"{variable} is too short: at least {MIN_LENGTH} characters are needed, "
            f"this has {len(secret)}"
        )
    return secret


def _first_entry(entries: str) -> str:
    version, colon, secret = entries.split(",")[0].strip().partition(":")
    if not (colon and version.strip()):
        raise SecretError(
            "BETTER_AUTH_SECRETS is malformed: its form is version:secret,version:secret"
        )
    return secret.strip()


def session_cookie_name(*, site_is_https: bool, prefix: str, name: str, secure: bool | None) -> str:
    """Return the full name of the session cookie, as Better-Auth 1.6.0 to 1.7.25 builds it.

    `secure` is `advanced.useSecureCookies`, None if the main site leaves it to its base URL.
    ``__Secure-`` is added to any name, even one that starts with ``__Host-`` (measured).
    Only this one name may ever be accepted: falling back from ``__Secure-`` to the plain name would
    let a sibling subdomain or an attacker on plain http plant a session of their own.
    """
    full = name or f"{prefix}.session_token"
    secured = site_is_https if secure is None else secure
    return f"__Secure-{full}" if secured else full
