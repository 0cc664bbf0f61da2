"""Cookies beside the real main site: what it says to those that we take, and to those we refuse."""

import secrets
from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpx
import pytest

from onboarding.betterauth.cookie import SessionCookie

NAME = "better-auth.session_token"


def cookie_header(template: str, token: str, signature: str) -> str:
    """Fill in a Cookie header: the cookie's `name`, and its value in various spellings."""
    raw = f"{token}.{signature}"
    encoded = quote(raw, safe="")
    return template.format(
        name=NAME,
        token=token,
        signature=signature,
        raw=raw,
        encoded=encoded,
        lower_hex=quote(raw, safe="+/").replace("%3D", "%3d"),
        dot_encoded=encoded.replace(".", "%2E"),
        all_encoded="".join(f"%{ord(character):02x}" for character in raw),
        twice_encoded=quote(encoded, safe=""),
        url_safe=raw.replace("+", "-").replace("/", "_"),
        spaced=raw.replace("+", " "),
        unpadded=raw.rstrip("="),
        swapped=f"{token.swapcase()}.{signature}",
        forged=f"{token}.{'A' * 43}=",
        # The last character changed in the two bits that carry nothing.
        respelled=f"{raw[:-2]}{chr(ord(raw[-2]) + 1)}=",
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
# respelled or only nearly of the name isn't read.
TAKEN_BY_US_ONLY = {
    "a bad one, then a good one": "{name}={forged}; {name}={encoded}",
    "an empty one, then a good one": "{name}=; {name}={encoded}",
}
TAKEN_BY_THE_SITE_ONLY = {
    "another spelling of the signature": "{name}={respelled}",
    "a no-break space before the name": "\xa0{name}={raw}",
}
HEADERS = [
    pytest.param(template, app_answer, site_answer, id=label)
    for group, app_answer, site_answer in (
        (TAKEN_BY_BOTH, True, True),
        (REFUSED_BY_BOTH, False, False),
        (TAKEN_BY_US_ONLY, True, False),
        (TAKEN_BY_THE_SITE_ONLY, False, True),
    )
    for label, template in group.items()
]


@pytest.fixture(scope="module")
def site_session(environment) -> Iterator[Callable[[str], str | None]]:
    """Ask the main site whose session a Cookie header has; return the session's token."""
    with httpx.Client(base_url=environment.main_site.url, timeout=30) as client:

        def site_session(header: str) -> str | None:
            response = client.get(
                "/api/auth/get-session?disableCookieCache=true&disableRefresh=true",
                headers={b"Cookie": header.encode("latin-1")},
            )
            assert response.status_code == 200, response.text
            body = response.json()
            return body and body["session"]["token"]

        yield site_session


@pytest.fixture(scope="module")
def cookie(environment) -> SessionCookie:
    return SessionCookie(NAME, environment.main_site.secret)


@pytest.fixture(scope="module")
def token(environment, cookie, sign_up) -> str:
    """The token of a live session on the real main site whose signature holds both "+" and "/"."""
    token = sign_up().token
    while not {"+", "/"} <= set(cookie.sign(token)):
        [(token,)] = environment.sql(
            'INSERT INTO session (id, token, "expiresAt", "updatedAt", "userId")'
            ' SELECT %s, %s, "expiresAt", "updatedAt", "userId" FROM session WHERE token = %s'
            " RETURNING token",
            *(secrets.token_hex(16), secrets.token_hex(16), token),
        )
    return token


@pytest.mark.parametrize(("template", "app_answer", "site_answer"), HEADERS)
def test_an_odd_header_is_taken_or_refused_as_the_table_says(
    cookie, token, site_session, template, app_answer, site_answer
):
    header = cookie_header(template, token, cookie.sign(token))
    assert (cookie.token(header) == token) is app_answer
    assert (site_session(header) == token) is site_answer
