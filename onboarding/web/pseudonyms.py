"""Pseudonyms for users: the log and the write limit don't need their ids."""

import hashlib
import hmac


class Pseudonyms:
    """Names users by a key; without the key nobody can go back from a name to a user."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, user_id: str) -> str:
        """Return a user's pseudonym: 16 hex digits."""
        return hmac.new(self._key, user_id.encode(), hashlib.sha256).hexdigest()[:16]
