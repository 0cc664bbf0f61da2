"""Keys of our own, each derived from the main site's secret: there is no other secret."""

import hashlib
import hmac
import secrets


def derived_key(secret: str, label: str) -> bytes:
    """Derive a 32-byte key: HKDF-SHA-256 (RFC 5869) without salt, `label` as info, one block."""
    pseudo_random_key = hmac.digest(bytes(32), secret.encode(), hashlib.sha256)
    return hmac.digest(pseudo_random_key, label.encode() + b"\x01", hashlib.sha256)


class Pseudonyms:
    """Names for people where their ids have no business: the log, and the counts of their writes.

    `secret` is the main site's. Where it keeps that to itself, the names hold until the next start.
    """

    def __init__(self, secret: str) -> None:
        self._key = derived_key(secret or secrets.token_hex(32), "onboarding pseudonym 1")

    def of(self, user_id: str) -> str:
        """Give a person's name: 16 hex digits that nobody can turn back without the secret."""
        return hmac.new(self._key, user_id.encode(), hashlib.sha256).hexdigest()[:16]
