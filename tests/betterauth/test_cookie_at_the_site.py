"""Cookies beside the real main site: what it says to those that we take, and to those that we refuse."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

import httpx
import pytest

from onboarding.betterauth.cookie import AmbiguousSession, SessionCookie
from tests.betterauth.worked_cookie import COOKIE, NAME, SIGNATURE, TOKEN
from tests.conftest import Stage
from tests.visitor import Person


@dataclass(frozen=True)
class Sent:
    """A signed cookie, to be sent in odd ways."""

    name: str
    token: str
    signature: str

    @property
    def raw(self) -> str:
        return f"{self.token}.{self.signature}"

    @property
    def encoded(self) -> str:
        return quote(self.raw, safe="")

    @property
    def forged(self) -> str:
        return f"{self.token}.{'A' * 43}="

    @property
    def respelled(self) -> str:
        """The same signature, its last character changed in the two bits that carry nothing."""
        last = self.signature[-2]
        return f"{self.token}.{self.signature[:-2]}{chr(ord(last) + 1)}="


# The header, whether we take it, and whether the main site does. Where the two differ, it's on purpose.
EDGES: dict[str, tuple[Callable[[Sent], str], bool, bool]] = {
    "percent-encoded": (lambda c: f"{c.name}={c.encoded}", True, True),
    "lower-case hex": (
        lambda c: f"{c.name}={quote(c.raw, safe='+/').replace('%3D', '%3d')}",
        True,
        True,
    ),
    "raw + / =": (lambda c: f"{c.name}={c.raw}", True, True),
    "in double quotes": (lambda c: f'{c.name}="{c.raw}"', True, True),
    "encoded in double quotes": (lambda c: f'{c.name}="{c.encoded}"', True, True),
    "the dot encoded": (lambda c: f"{c.name}={c.encoded.replace('.', '%2E')}", True, True),
    "every byte encoded": (
        lambda c: f"{c.name}=" + "".join(f"%{ord(character):02x}" for character in c.raw),
        True,
        True,
    ),
    "spaces around =": (lambda c: f"{c.name} = {c.encoded}", True, True),
    "spaces around the value": (lambda c: f"{c.name}=  {c.encoded}  ; lang=en", True, True),
    "; without space": (lambda c: f"theme=dark;{c.name}={c.encoded};lang=en", True, True),
    "junk before": (lambda c: f"junk; =; ;;{c.name}={c.encoded}", True, True),
    "other cookies of Better-Auth around": (
        lambda c: (
            f"better-auth.session_data=eyJ9; {c.name}={c.encoded};"
            f" better-auth.dont_remember=true.{'A' * 43}%3D"
        ),
        True,
        True,
    ),
    "the same twice": (lambda c: f"{c.name}={c.encoded}; {c.name}={c.raw}", True, True),
    "a good one, then a bad one": (
        lambda c: f"{c.name}={c.encoded}; {c.name}={c.forged}",
        True,
        True,
    ),
    "a bad one, then a good one": (
        lambda c: f"{c.name}={c.forged}; {c.name}={c.encoded}",
        True,
        False,
    ),
    "an empty one, then a good one": (
        lambda c: f"{c.name}=; {c.name}={c.encoded}",
        True,
        False,
    ),
    "another spelling of the signature": (lambda c: f"{c.name}={c.respelled}", False, True),
    "only an opening quote": (lambda c: f'{c.name}="{c.raw}', False, False),
    "an opening quote and one more letter": (lambda c: f'{c.name}="{c.raw}x', True, True),
    "an opening quote and two more letters": (lambda c: f'{c.name}="{c.raw}xx', False, False),
    "a no-break space around the value": (lambda c: f"{c.name}=\xa0{c.raw}\xa0", True, True),
    "a no-break space after the name": (lambda c: f"{c.name}\xa0={c.raw}", True, True),
    "a no-break space before the name": (lambda c: f"\xa0{c.name}={c.raw}", False, True),
    "only a closing quote": (lambda c: f'{c.name}={c.raw}"', False, False),
    "a lone quote": (lambda c: f'{c.name}="', False, False),
    "two pairs of quotes": (lambda c: f'{c.name}=""{c.raw}""', False, False),
    "single quotes": (lambda c: f"{c.name}='{c.raw}'", False, False),
    "URL-safe signature": (
        lambda c: f"{c.name}={c.token}.{c.signature.replace('+', '-').replace('/', '_')}",
        False,
        False,
    ),
    "padding missing": (lambda c: f"{c.name}={c.raw.rstrip('=')}", False, False),
    "padding doubled": (lambda c: f"{c.name}={c.raw}=", False, False),
    "encoded twice": (lambda c: f"{c.name}={quote(c.encoded, safe='')}", False, False),
    "+ turned into a space": (lambda c: f"{c.name}={c.raw.replace('+', ' ')}", False, False),
    "stray %zz": (lambda c: f"{c.name}={c.encoded}%zz", False, False),
    "a lone %": (lambda c: f"{c.name}={c.encoded}%", False, False),
    "encoded bytes that are no UTF-8": (lambda c: f"{c.name}=%ff{c.encoded}", False, False),
    "trailing dot": (lambda c: f"{c.name}={c.encoded}.", False, False),
    "token only": (lambda c: f"{c.name}={c.token}", False, False),
    "token and dot": (lambda c: f"{c.name}={c.token}.", False, False),
    "signature only": (lambda c: f"{c.name}=.{c.signature}", False, False),
    "no value": (lambda c: f"{c.name}=", False, False),
    "no =": (lambda c: c.name, False, False),
    "the value alone": (lambda c: c.encoded, False, False),
    "wrong case of the token": (
        lambda c: f"{c.name}={c.token.swapcase()}.{c.signature}",
        False,
        False,
    ),
    "wrong case of the name": (lambda c: f"{c.name.title()}={c.encoded}", False, False),
    "encoded name": (lambda c: f"{c.name.replace('-', '%2D')}={c.encoded}", False, False),
    "quoted name": (lambda c: f'"{c.name}"={c.encoded}', False, False),
    "name with a prefix": (lambda c: f"x{c.name}={c.encoded}", False, False),
    "name with a suffix": (lambda c: f"{c.name}x={c.encoded}", False, False),
    "in pieces": (
        lambda c: f"{c.name}.0={c.encoded[:40]}; {c.name}.1={c.encoded[40:]}",
        False,
        False,
    ),
    "behind a comma": (lambda c: f"theme=dark, {c.name}={c.encoded}", False, False),
    "before a comma": (lambda c: f"{c.name}={c.encoded}, theme=dark", False, False),
    "__Secure- on a plain site": (lambda c: f"__Secure-{c.name}={c.encoded}", False, False),
    "__Host- on a plain site": (lambda c: f"__Host-{c.name}={c.encoded}", False, False),
    "the name of the cookie cache": (
        lambda c: f"better-auth.session_data={c.encoded}",
        False,
        False,
    ),
    "the multi-session name": (
        lambda c: f"{c.name}_multi-{c.token.lower()}={c.encoded}",
        False,
        False,
    ),
}


@pytest.fixture(scope="module")
def client(stage: Stage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stage.site.url) as client:
        yield client


@pytest.fixture(scope="module")
def real(stage: Stage, sign_up: Callable[..., Person]) -> Sent:
    """A live session on the real main site whose signature holds both "+" and "/"."""
    cookie = SessionCookie(NAME, stage.site.secret)
    token = sign_up().token
    while not {"+", "/"} <= set(cookie.sign(token)):
        [(token,)] = stage.sql(
            'INSERT INTO session (id, token, "expiresAt", "updatedAt", "userId")'
            ' SELECT %s, %s, "expiresAt", "updatedAt", "userId" FROM session WHERE token = %s'
            " RETURNING token",
            *(secrets.token_hex(16), secrets.token_hex(16), token),
        )
    return Sent(NAME, token, cookie.sign(token))


@pytest.mark.parametrize(("header", "ours", "theirs"), EDGES.values(), ids=EDGES)
def test_an_odd_header_is_taken_or_refused_as_the_table_says(
    header: Callable[[Sent], str], ours: bool, theirs: bool
) -> None:
    sent = Sent(NAME, TOKEN, SIGNATURE)
    assert COOKIE.token(header(sent)) == (TOKEN if ours else None)


@pytest.mark.parametrize(("header", "ours", "theirs"), EDGES.values(), ids=EDGES)
def test_the_main_site_itself_answers_to_the_same_header_as_the_table_says(
    stage: Stage,
    client: httpx.Client,
    real: Sent,
    header: Callable[[Sent], str],
    ours: bool,
    theirs: bool,
) -> None:
    cookie = SessionCookie(NAME, stage.site.secret)
    assert (cookie.token(header(real)) == real.token) is ours
    assert (_session_of_the_site(client, header(real)) == real.token) is theirs


def _session_of_the_site(client: httpx.Client, cookie_header: str) -> str | None:
    answer = client.get(
        "/api/auth/get-session?disableCookieCache=true&disableRefresh=true",
        headers={b"Cookie": cookie_header.encode("latin-1")},
    )
    assert answer.status_code == 200, answer.text
    return None if answer.json() is None else answer.json()["session"]["token"]


def test_a_new_cookie_of_the_main_site_gives_the_token_in_its_answer(
    stage: Stage, client: httpx.Client, real_ada: Person
) -> None:
    cookie = SessionCookie(NAME, stage.site.secret)
    assert cookie.token(real_ada.cookie) == real_ada.token
    assert _session_of_the_site(client, real_ada.cookie) == real_ada.token


def test_a_signed_value_without_a_session_verifies_and_the_main_site_signs_nobody_in(
    stage: Stage, client: httpx.Client
) -> None:
    cookie = SessionCookie(NAME, stage.site.secret)
    header = f"{NAME}={quote('true.' + cookie.sign('true'), safe='')}"
    assert cookie.token(header) == "true"
    assert _session_of_the_site(client, header) is None


@pytest.mark.parametrize(
    "odd",
    [
        f"\xa0{NAME}={{0.raw}}",
        f"{NAME}={{0.respelled}}",
        f"\xa0{NAME}={{0.respelled}}",
    ],
    ids=["a no-break space before the name", "respelled", "both"],
)
def test_what_only_better_auth_would_take_signs_nobody_in_yet_counts_as_a_second_session(
    odd: str,
) -> None:
    header = odd.format(Sent(NAME, "theirs", COOKIE.sign("theirs")))
    assert COOKIE.token(header) is None
    for both in (f"{header}; {NAME}={TOKEN}.{SIGNATURE}", f"{NAME}={TOKEN}.{SIGNATURE}; {header}"):
        with pytest.raises(AmbiguousSession):
            COOKIE.token(both)
    mine = odd.format(Sent(NAME, TOKEN, SIGNATURE))
    assert COOKIE.token(f"{mine}; {NAME}={TOKEN}.{SIGNATURE}") == TOKEN


def _mutants(value: str) -> Iterator[str]:
    """Change one thing about ``token.signature``, at every place."""
    token, _, signature = value.rpartition(".")
    for place, character in enumerate(value):
        yield value[:place] + value[place + 1 :]
        yield value[:place] + ("A" if character != "A" else "B") + value[place + 1 :]
    for place in range(len(value) - 1):
        if value[place] != value[place + 1]:
            swapped = value[place + 1] + value[place]
            yield value[:place] + swapped + value[place + 2 :]
    for cut in range(len(value)):
        yield value[:cut]
    for extra in "A= .\t+/%\x00\r\n":
        yield from (extra + value, value + extra, f"{token}{extra}.{signature}")
    yield from (f"{signature}.{token}", f".{value}", f"{token}..{signature}", value + value)
    yield from (f"{token}.{signature.lower()}", f"{token.upper()}.{signature}")


def test_none_of_the_mutants_of_a_real_cookie_passes(stage: Stage, real_ada: Person) -> None:
    cookie = SessionCookie(NAME, stage.site.secret)
    value = unquote(real_ada.cookie.partition("=")[2])
    # Spaces and tabs around a cookie's value are not part of it (RFC 6265 §5.4).
    mutants = {mutant for mutant in _mutants(value) if mutant.strip(" \t") != value}
    assert len(mutants) > 200
    spellings = [f"{NAME}={form(mutant)}" for mutant in mutants for form in (str, _quoted)]
    assert [header for header in spellings if cookie.token(header) is not None] == []


def _quoted(value: str) -> str:
    return quote(value, safe="")
