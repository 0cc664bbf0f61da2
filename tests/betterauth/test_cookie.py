"""The session cookie: what verifies, whatever is done to it, and what is passed on to the main site.

What Better-Auth itself says to such headers is in `tests/compat/test_verdict.py`.
"""

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.betterauth.cookie import AmbiguousSession, ForwardedCookie, SessionCookie

# A real cookie of better-auth 1.7.25.
NAME = "better-auth.session_token"
SECRET = "harness-secret-0123456789-abcdefghijkl-XYZ"
TOKEN = "FgBjnAm9zWvc3QWKpepwsZCwqPNZf6rB"
SIGNATURE = "jGZfk9YnouyUoKDLvBfhP797R8SkAI6FXSKhvTKBN+4="
COOKIE = SessionCookie(NAME, SECRET)
GOOD = f"{NAME}={TOKEN}.{SIGNATURE}"
FORGED = f"{NAME}=t.{'A' * 43}="
UNJUDGED, JUDGED = ForwardedCookie(NAME), ForwardedCookie(NAME, COOKIE)

# Real or independently computed for better-auth 1.7.25: secret, value as sent, token.
REAL = {
    "as sent": (SECRET, f"{TOKEN}.jGZfk9YnouyUoKDLvBfhP797R8SkAI6FXSKhvTKBN%2B4%3D", TOKEN),
    "a token with dots": (SECRET, "a.b.c.YGnr9cdZEHjNm6WdK3l48a7WOJluxSs2MAcPuIZoF4w%3D", "a.b.c"),
    "another secret": (
        "harness-retired-secret-9876543210-zyxwvutsrq",
        f"{TOKEN}.p6cueH/kWl+GYxuy0Q6H08fsFoLqH6vtcNupbM4W898=",
        TOKEN,
    ),
    "a secret outside ASCII": (
        "sécret-ключ-🔑-0123456789-0123456789",
        f"{TOKEN}.q73B5f0QH7DjXEAqQ3S36dZB+KU3S6W1oyi9c0UXGLk=",
        TOKEN,
    ),
}


@pytest.mark.parametrize(("secret", "value", "token"), REAL.values(), ids=REAL)
def test_a_real_cookie_gives_its_token(secret, value, token):
    assert SessionCookie(NAME, secret).token(f"{NAME}={value}") == token


def test_two_different_valid_cookies_are_ambiguous_wherever_they_stand():
    one, other = (f"{NAME}={token}.{COOKIE.sign(token)}" for token in ("mine", "theirs"))
    for header in (f"{one}; {other}", f"{other}; a=b; {one}", f"{one}; {one}; {other}"):
        with pytest.raises(AmbiguousSession) as refusal:
            COOKIE.token(header)
        assert set(refusal.value.tokens) == {"mine", "theirs"}
        assert not {"mine", "theirs"} & set(str(refusal.value).split())


@pytest.mark.parametrize("name", ["__Secure-better-auth.session_token", "__Host-acme_sid", "acme"])
def test_only_the_configured_name_counts(name):
    cookie, value = SessionCookie(name, SECRET), f"{TOKEN}.{SIGNATURE}"
    assert cookie.token(f"{name}={value}") == TOKEN
    prefixed = (f"{space}{name}" for space in "\xa0\x85\u2000")
    for other in (NAME, name.swapcase(), name[2:], f"{name} x", *prefixed):
        assert cookie.token(f"{other}={value}") is None


@pytest.mark.parametrize("header", [None, "", ";", "=", ";;;=;", NAME, f"{NAME}=", f"={NAME}"])
def test_a_header_without_the_cookie_gives_none(header):
    for cookie in (COOKIE, UNJUDGED, JUDGED):
        assert cookie.token(header) is None
        assert not cookie.has_unverified(header)


def test_without_a_secret_the_form_alone_decides_what_is_passed_on():
    assert UNJUDGED.token(GOOD) == f"{TOKEN}.{SIGNATURE}"
    assert UNJUDGED.token(FORGED) == FORGED.partition("=")[2]
    for value in ("", "t", "t.", f".{'A' * 43}=", f"t.{'A' * 43}", f"t%00.{'A' * 43}="):
        assert UNJUDGED.token(f"{NAME}={value}") is None
    assert not UNJUDGED.has_unverified(FORGED)
    # Of two that nobody here can judge, none is.
    assert UNJUDGED.token(f"{GOOD}; {GOOD}") == f"{TOKEN}.{SIGNATURE}"
    with pytest.raises(AmbiguousSession):
        UNJUDGED.token(f"{GOOD}; {FORGED}")


def test_with_a_secret_a_forged_cookie_is_not_passed_on():
    for cookie, token in ((JUDGED, f"{TOKEN}.{SIGNATURE}"), (COOKIE, TOKEN)):
        assert cookie.token(FORGED) is None
        assert cookie.has_unverified(FORGED)
        # Of two the one with our signature, whatever a sibling subdomain has planted.
        assert cookie.token(f"{FORGED}; {GOOD}") == token


def test_a_cookie_that_is_only_nearly_of_the_name_signs_nobody_in_yet_counts():
    planted = f"\xa0{NAME}=planted.{COOKIE.sign('planted')}"
    for cookie in (COOKIE, UNJUDGED, JUDGED):
        assert cookie.token(planted) is None
        for both in (f"{planted}; {GOOD}", f"{GOOD}; {planted}"):
            with pytest.raises(AmbiguousSession) as refusal:
                cookie.token(both)
            assert refusal.value.tokens == ()


# Another token of the same secret, and a cookie as it is sent.
OTHER = "Jw5HeBzLPmTn4XqVr8Kd2YsGcFa7tUo9"
ENCODED = f"{NAME}={quote(f'{TOKEN}.{SIGNATURE}', safe='')}"
# The last letter before the padding has two bits that carry nothing.
RESPELLED = f"{NAME}={TOKEN}.{SIGNATURE[:-2]}5="
ALTERED = {
    "as it was": (ENCODED, TOKEN),
    "in quotes": (f'{NAME}="{TOKEN}.{SIGNATURE}"', TOKEN),
    "behind an empty one": (f"{NAME}=x; {ENCODED}", TOKEN),
    "half in quotes": (f'{NAME}="{TOKEN}.{SIGNATURE}x', TOKEN),
    "without its padding": (ENCODED.replace("%3D", ""), None),
    "in the alphabet of URLs": (f"{NAME}={TOKEN}.{SIGNATURE.replace('+', '-')}", None),
    "respelled": (RESPELLED, None),
    "of a name behind a no-break space": (f"\xa0{ENCODED}", None),
    **{
        f"with {junk!a} in it": (ENCODED.replace(SIGNATURE[5], junk), None)
        for junk in ("\x00", "\udcff", "%ff", "%C0%AE", "%", ";", "\u2000", "\xe9")
    },
}


@pytest.mark.parametrize(("header", "token"), ALTERED.values(), ids=ALTERED)
def test_an_altered_cookie_proves_its_own_session_or_none(header, token):
    assert COOKIE.token(header) == token


@pytest.mark.parametrize("header", [RESPELLED, f"\xa0{ENCODED}"])
def test_an_altered_cookie_beside_another_users_is_ambiguous(header):
    with pytest.raises(AmbiguousSession):
        COOKIE.token(f"{header}; {NAME}={OTHER}.{COOKIE.sign(OTHER)}")


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_every_token_comes_back_from_the_cookie_that_better_auth_would_send(token):
    value = quote(f"{token}.{COOKIE.sign(token)}", safe="!*'()")
    assert COOKIE.token(f"theme=dark; {NAME}={value}; lang=en") == token
