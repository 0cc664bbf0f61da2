"""Cookies beside the real main site: what it says to those that we take, and to those we refuse."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import pytest

from onboarding.betterauth.cookie import AmbiguousSession, SessionCookie
from tests.betterauth.example_cookie import COOKIE, NAME, SIGNATURE, TOKEN
from tests.conftest import Environment
from tests.users import User


@dataclass(frozen=True)
class Sent:
    """A signed cookie, to be sent in odd ways."""

    token: str
    signature: str

    def header(self, template: str) -> str:
        """Fill a Cookie header in: with the cookie's `name`, and its value in various spellings."""
        raw = f"{self.token}.{self.signature}"
        encoded = quote(raw, safe="")
        # The last character changed in the two bits that carry nothing.
        respelled = f"{self.signature[:-2]}{chr(ord(self.signature[-2]) + 1)}="
        return template.format(
            name=NAME,
            token=self.token,
            signature=self.signature,
            raw=raw,
            encoded=encoded,
            lower_hex=quote(raw, safe="+/").replace("%3D", "%3d"),
            dot_encoded=encoded.replace(".", "%2E"),
            all_encoded="".join(f"%{ord(character):02x}" for character in raw),
            twice_encoded=quote(encoded, safe=""),
            url_safe=raw.replace("+", "-").replace("/", "_"),
            spaced=raw.replace("+", " "),
            unpadded=raw.rstrip("="),
            swapped=f"{self.token.swapcase()}.{self.signature}",
            forged=f"{self.token}.{'A' * 43}=",
            respelled=f"{self.token}.{respelled}",
            first=encoded[:40],
            second=encoded[40:],
        )


TAKEN_BY_BOTH = {
    "percent-encoded": "{name}={encoded}",
    "lower-case hex": "{name}={lower_hex}",
    "raw + / =": "{name}={raw}",
    "in double quotes": '{name}="{raw}"',
    "encoded in double quotes": '{name}="{encoded}"',
    "the dot encoded": "{name}={dot_encoded}",
    "every byte encoded": "{name}={all_encoded}",
    "spaces around =": "{name} = {encoded}",
    "spaces around the value": "{name}=  {encoded}  ; lang=en",
    "; without space": "theme=dark;{name}={encoded};lang=en",
    "junk before": "junk; =; ;;{name}={encoded}",
    "other cookies of Better-Auth": "better-auth.session_data=eyJ9; {name}={encoded}",
    "the same twice": "{name}={encoded}; {name}={raw}",
    "a good one, then a bad one": "{name}={encoded}; {name}={forged}",
    "an opening quote and one more letter": '{name}="{raw}x',
    "a no-break space around the value": "{name}=\xa0{raw}\xa0",
    "a no-break space after the name": "{name}\xa0={raw}",
}
REFUSED_BY_BOTH = {
    "only an opening quote": '{name}="{raw}',
    "an opening quote and two more letters": '{name}="{raw}xx',
    "only a closing quote": '{name}={raw}"',
    "two pairs of quotes": '{name}=""{raw}""',
    "single quotes": "{name}='{raw}'",
    "URL-safe signature": "{name}={url_safe}",
    "padding missing": "{name}={unpadded}",
    "padding doubled": "{name}={raw}=",
    "encoded twice": "{name}={twice_encoded}",
    "+ turned into a space": "{name}={spaced}",
    "a lone %": "{name}={encoded}%",
    "encoded bytes that are no UTF-8": "{name}=%ff{encoded}",
    "a trailing dot": "{name}={encoded}.",
    "token only": "{name}={token}",
    "signature only": "{name}=.{signature}",
    "no value": "{name}=",
    "no name": "{encoded}",
    "wrong case of the token": "{name}={swapped}",
    "quoted name": '"{name}"={encoded}',
    "a name with a prefix": "x{name}={encoded}",
    "in pieces": "{name}.0={first}; {name}.1={second}",
    "behind a comma": "theme=dark, {name}={encoded}",
    "before a comma": "{name}={encoded}, theme=dark",
    "__Secure- on a plain site": "__Secure-{name}={encoded}",
    "__Host- on a plain site": "__Host-{name}={encoded}",
    "the name of the cookie cache": "better-auth.session_data={encoded}",
    "the multi-session name": "{name}_multi-{token}={encoded}",
}
# The two differ on purpose: only the first of several cookies is the main site's, and what is
# respelled or only nearly of the name isn't ours.
TAKEN_BY_US_ONLY = {
    "a bad one, then a good one": "{name}={forged}; {name}={encoded}",
    "an empty one, then a good one": "{name}=; {name}={encoded}",
}
TAKEN_BY_THE_SITE_ONLY = {
    "another spelling of the signature": "{name}={respelled}",
    "a no-break space before the name": "\xa0{name}={raw}",
}
HEADERS = [
    pytest.param(template, ours, theirs, id=label)
    for group, ours, theirs in (
        (TAKEN_BY_BOTH, True, True),
        (REFUSED_BY_BOTH, False, False),
        (TAKEN_BY_US_ONLY, True, False),
        (TAKEN_BY_THE_SITE_ONLY, False, True),
    )
    for label, template in group.items()
]


@pytest.fixture(scope="module")
def client(environment: Environment) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=environment.main_site.url) as client:
        yield client


@pytest.fixture(scope="module")
def real(environment: Environment, sign_up: Callable[..., User]) -> Sent:
    """A live session on the real main site whose signature holds both "+" and "/"."""
    cookie = SessionCookie(NAME, environment.main_site.secret)
    token = sign_up().token
    while not {"+", "/"} <= set(cookie.sign(token)):
        [(token,)] = environment.sql(
            'INSERT INTO session (id, token, "expiresAt", "updatedAt", "userId")'
            ' SELECT %s, %s, "expiresAt", "updatedAt", "userId" FROM session WHERE token = %s'
            " RETURNING token",
            *(secrets.token_hex(16), secrets.token_hex(16), token),
        )
    return Sent(token, cookie.sign(token))


@pytest.mark.parametrize(("template", "ours", "theirs"), HEADERS)
def test_an_odd_header_is_taken_or_refused_as_the_table_says(
    environment: Environment,
    client: httpx.Client,
    real: Sent,
    template: str,
    ours: bool,
    theirs: bool,
) -> None:
    header = real.header(template)
    cookie = SessionCookie(NAME, environment.main_site.secret)
    assert (cookie.token(header) == real.token) is ours
    assert (session_of_the_site(client, header) == real.token) is theirs


def session_of_the_site(client: httpx.Client, cookie_header: str) -> str | None:
    answer = client.get(
        "/api/auth/get-session?disableCookieCache=true&disableRefresh=true",
        headers={b"Cookie": cookie_header.encode("latin-1")},
    )
    assert answer.status_code == 200, answer.text
    return None if answer.json() is None else answer.json()["session"]["token"]


def test_a_new_cookie_of_the_main_site_gives_the_token_in_its_answer(
    environment: Environment, client: httpx.Client, signed_up_user: User
) -> None:
    cookie = SessionCookie(NAME, environment.main_site.secret)
    assert cookie.token(signed_up_user.cookie) == signed_up_user.token
    assert session_of_the_site(client, signed_up_user.cookie) == signed_up_user.token


@pytest.mark.parametrize(
    "odd", ["\xa0{name}={raw}", "{name}={respelled}", "\xa0{name}={respelled}"], ids=ascii
)
def test_what_only_better_auth_would_take_signs_nobody_in_yet_counts_as_a_second_session(
    odd: str,
) -> None:
    header = Sent("theirs", COOKIE.sign("theirs")).header(odd)
    assert COOKIE.token(header) is None
    mine = f"{NAME}={TOKEN}.{SIGNATURE}"
    for both in (f"{header}; {mine}", f"{mine}; {header}"):
        with pytest.raises(AmbiguousSession):
            COOKIE.token(both)
    assert COOKIE.token(f"{Sent(TOKEN, SIGNATURE).header(odd)}; {mine}") == TOKEN
