"""Where our verdict is meant to differ from Better-Auth's, and why; no other difference may occur.

`python -m tests.compat.differences` writes the table into docs/verdict.md. It needs no server: that
exactly these headers differ, and exactly so, is what `test_verdict` asks the real ones.
"""

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase

from devstack.main_site import DIRECTORY
from devstack.processes import ROOT
from tests.compat.corpus import an_example, headers
from tests.compat.people import STATES

DOCUMENT = ROOT / "docs" / "verdict.md"
BEGIN, END = "<!-- begin of the generated part -->\n", "<!-- end of the generated part -->\n"

IN, OUT, REFUSED = "signed in", "signed out", "refused"


@dataclass(frozen=True)
class Difference:
    """One reason to differ: the names it covers, both verdicts, and why it is right."""

    what: str
    patterns: tuple[str, ...]
    ours: str
    theirs: str
    why: str

    def covers(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.patterns)


DIFFERENCES = (
    Difference(
        "validly signed cookies of two sessions",
        (
            "repeated: good, other person*",
            "repeated: good, other session",
            "repeated: good, revoked",
            "repeated: good, dont_remember's",
            "repeated: good, forged, other person",
            "repeated: other person*, good*",
            "repeated: other person, forged, good",
            "repeated: other session, good",
            "separated: two headers, another person's *",
            "separated: two headers, both in the second",
            "separated: *another person's name*",
        ),
        REFUSED,
        IN,
        "Better-Auth takes the first. A sibling subdomain can plant one there, so neither is taken"
        " ([0008](decisions/0008-two-valid-session-cookies-are-refused.md)).",
    ),
    Difference(
        "a cookie that proves nothing before the good one",
        (
            "repeated: forged, good",
            "repeated: forged, good, empty",
            "repeated: forged, empty, good",
            "repeated: forged, forged, good",
            "repeated: empty, good*",
            "repeated: empty, forged, good",
            "repeated: many forged, then good",
            "separated: two headers, forged first",
            "separated: a no-break space before the name, then it",
        ),
        IN,
        OUT,
        "Better-Auth looks at the first alone. The good one is this person's live session, and"
        " nobody can make another without the secret"
        " ([0008](decisions/0008-two-valid-session-cookies-are-refused.md)).",
    ),
    Difference(
        "a signature respelled in its two unused bits",
        ("mangled: respelled*",),
        OUT,
        IN,
        "Better-Auth sends the canonical spelling only; one session has one cookie value"
        " ([0009](decisions/0009-strict-canonical-base64.md)).",
    ),
    Difference(
        "a no-break space before the cookie's name",
        ("separated: a no-break space before the name",),
        OUT,
        IN,
        "JavaScript trims it. Browsers keep the promise of `__Secure-` for the exact name only, so"
        " trimming would let a sibling subdomain set a session cookie.",
    ),
    Difference(
        "a header of more than 16 kB",
        ("long: 20 kB and it", "long: 30 kB after it"),
        IN,
        REFUSED,
        "Node.js, not Better-Auth, refuses it (431). The app reads 32 kB, for main sites that do;"
        " the session is live.",
    ),
    Difference(
        "a banned user",
        ("people: banned for good", "people: banned until 2099"),
        OUT,
        IN,
        "Better-Auth asks at sign-in only, and its admin endpoint deletes the sessions. A ban set"
        " in the database counts here, too, as long as it lasts"
        " ([0015](decisions/0015-who-is-out-here-though-signed-in-there.md)).",
    ),
    Difference(
        "an anonymous user",
        ("people: anonymous",),
        OUT,
        IN,
        "There is no person yet whose answers could be kept for good; the page says to create an"
        " account ([0015](decisions/0015-who-is-out-here-though-signed-in-there.md)).",
    ),
)


def generated() -> str:
    """Give the generated part of the document."""
    asked, people = list(headers(an_example())), [f"people: {state}" for state in STATES]
    counts = {one.what: sum(one.covers(name) for name in [*asked, *people]) for one in DIFFERENCES}
    lock = json.loads((DIRECTORY / "package-lock.json").read_text())
    version = lock["packages"]["node_modules/better-auth"]["version"]
    differ = sum(counts.values())
    asked_of = f"{len(asked)} Cookie headers and {len(people)} people in odd states"
    lines = [
        f"Asked with better-auth {version}: {asked_of}.",
        f"Both say the same about {len(asked) + len(people) - differ} of them. The other {differ}:",
        "",
        "| what | how many | here | Better-Auth | why |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {one.what} | {counts[one.what]} | {one.ours} | {one.theirs} | {one.why} |"
            for one in DIFFERENCES
        ),
    ]
    return "\n".join(lines) + "\n"


def written(document: str) -> str:
    """Give the generated part that stands in the document."""
    return document.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    document = DOCUMENT.read_text()
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    DOCUMENT.write_text(before + begin + generated() + end + after)


if __name__ == "__main__":
    main()
