"""Where the app's verdict on a Cookie header is meant to differ from Better-Auth's, and why."""

from fnmatch import fnmatchcase
from typing import NamedTuple

IN, OUT, REFUSED = "signed in", "signed out", "refused"

_GOOD, _OTHER = (f"{{name}}={{{who}.encoded}}" for who in ("user", "other"))
_FORGED, _EMPTY = "{name}={user.forged}", "{name}="
# Other signed values: of no session, and of a session but spelled as only Better-Auth accepts it.
_OF_NONE = ("{name}={revoked.encoded}", "{name}={remember}")
_ODD = ('{name}="{other.encoded}x', "{name}={other.respelled}")


class Difference(NamedTuple):
    """One reason to differ: the names of headers that it covers, both verdicts, and why it is right."""

    what: str
    patterns: tuple[str, ...]
    here: str
    there: str
    why: str

    def covers(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.patterns)


DIFFERENCES = (
    Difference(
        "validly signed cookies of two users",
        (
            f"{_GOOD}; {_OTHER}*",
            f"{_GOOD}; {_FORGED}; {_OTHER}",
            f"{_OTHER}; {_GOOD}*",
            f"{_OTHER}; {_FORGED}; {_GOOD}",
            *(f"{_GOOD}; {other}" for other in _ODD),
            *(f"{other}; {_GOOD}" for other in _ODD),
            f"{{pair}}|{_OTHER}",
            f"{_OTHER}|{{pair}}",
            f"a=b|{{pair}}; {_OTHER}",
            f"\xa0{_OTHER}; {{pair}}",
            f"{{pair}}; \xa0{_OTHER}",
        ),
        REFUSED,
        IN,
        "Better-Auth takes the first. A sibling subdomain can plant one there, so neither is taken"
        " ([0008](decisions/0008-two-valid-session-cookies-are-refused.md),"
        " [0049](decisions/0049-sessions-of-one-user-are-no-conflict.md)).",
    ),
    Difference(
        "a cookie that proves nothing before the good one",
        (
            f"{_FORGED}; {_GOOD}",
            f"{_FORGED}; {_GOOD}; {_EMPTY}",
            f"{_FORGED}; {_EMPTY}; {_GOOD}",
            f"{_FORGED}; {_FORGED}; *; {_GOOD}",
            f"{_EMPTY}; {_GOOD}*",
            f"{_EMPTY}; {_FORGED}; {_GOOD}",
            *(f"{other}; {_GOOD}" for other in _OF_NONE),
            f"{_FORGED}|{{pair}}",
            "\xa0{name}=x; {pair}",
        ),
        IN,
        OUT,
        "Better-Auth looks at the first alone. The good one is this user's live session, and"
        " nobody can make another without the secret"
        " ([0008](decisions/0008-two-valid-session-cookies-are-refused.md)).",
    ),
    Difference(
        "a signature respelled in its two unused bits",
        ("{name}={user.respelled}",),
        OUT,
        IN,
        "Better-Auth sends the canonical spelling only; one session has one cookie value"
        " ([0009](decisions/0009-strict-canonical-base64.md)).",
    ),
    Difference(
        "a no-break space before the cookie's name",
        ("a=b;\xa0{pair}",),
        OUT,
        IN,
        "JavaScript trims it. Browsers keep the promise of `__Secure-` for the exact name only, so"
        " trimming would let a sibling subdomain set a session cookie.",
    ),
    Difference(
        "a header of more than 16 kB",
        ("a=" + "{many}" * 5 + "; {pair}", "{pair}; a=" + "{many}" * 7),
        IN,
        REFUSED,
        "Node.js, not Better-Auth, refuses it (431). The app reads 32 kB, for main sites that do;"
        " the session is live.",
    ),
)
