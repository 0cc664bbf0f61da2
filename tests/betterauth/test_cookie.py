"""The session cookie: what verifies and what doesn't, and what is passed on to the main site."""

import pytest

from onboarding.betterauth.cookie import AmbiguousSession, ForwardedCookie, SessionCookie
from tests.betterauth.example_cookie import COOKIE, NAME, SECRET, SIGNATURE, TOKEN

GOOD = f"{NAME}={TOKEN}.{SIGNATURE}"
FORGED = f"{NAME}=t.{'A' * 43}="
UNJUDGED, JUDGED = ForwardedCookie(NAME), ForwardedCookie(NAME, COOKIE)

# Real or independently computed for better-auth 1.7.25: secret, value as sent, token.
REAL = {
    "as sent": (SECRET, f"{TOKEN}.jGZfk9YnouyUoKDLvBfhP797R8SkAI6FXSKhvTKBN%2B4%3D", TOKEN),
    "a token with dots": (SECRET, "a.b.c.YGnr9cdZEHjNm6WdK3l48a7WOJluxSs2MAcPuIZoF4w%3D", "a.b.c"),
    "dont_remember, which is signed like a token": (
        *(SECRET, "true.8%2FdSr%2FkCbipgqaByfXpIYnO0TSv99KO1wSCCk%2FldPQQ%3D", "true"),
    ),
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


@pytest.mark.parametrize("token", ["", "with\x00nul", "lone\ud800surrogate"], ids=ascii)
def test_an_empty_token_and_one_that_no_database_can_hold_give_none(token):
    signature = COOKIE.sign(token) if token.isascii() else SIGNATURE
    assert COOKIE.token(f"{NAME}={token}.{signature}") is None
    assert COOKIE.token(f"{NAME}={token}.{signature}; {GOOD}") == TOKEN


def test_a_byte_outside_ascii_makes_a_forgery_and_no_error():
    # WSGI hands header bytes over as Latin-1 characters (PEP 3333).
    for stray in bytes(range(0x80, 0x100)).decode("latin-1"):
        for value in (f"{stray}{TOKEN}.{SIGNATURE}", f"{TOKEN}.{stray}{SIGNATURE[1:]}"):
            assert COOKIE.token(f"{NAME}=x{value}") is None
            # A no-break space around a value is trimmed, as Better-Auth does.
            trimmed = stray == "\xa0" and value.startswith(stray)
            assert COOKIE.token(f"{NAME}={value}") == (TOKEN if trimmed else None)
        assert COOKIE.token(f"{stray}={stray}; {GOOD}; x={stray}") == TOKEN


LONG = 32 * 1024
LONG_HEADERS = {
    "one long value": f"{NAME}=" + "A" * LONG,
    "a long token": f"{NAME}={'A' * LONG}.{SIGNATURE}",
    "percent signs": f"{NAME}=" + "%" * LONG,
    "encoded bytes": f"{NAME}=" + "%41" * (LONG // 3),
    "semicolons": ";" * LONG,
    "many forgeries": f"{FORGED}; " * (LONG // 110),
}


@pytest.mark.parametrize("header", LONG_HEADERS.values(), ids=LONG_HEADERS)
def test_a_long_header_proves_nothing_and_hides_nothing(header):
    assert COOKIE.token(header) is None
    assert COOKIE.token(f"{header}; {GOOD}") == TOKEN


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
        # Of two the one that is ours, whatever a sibling subdomain has planted.
        assert cookie.token(f"{FORGED}; {GOOD}") == token


def test_a_cookie_that_is_only_nearly_of_the_name_signs_nobody_in_yet_counts():
    planted = f"\xa0{NAME}=planted.{COOKIE.sign('planted')}"
    for cookie in (COOKIE, UNJUDGED, JUDGED):
        assert cookie.token(planted) is None
        for both in (f"{planted}; {GOOD}", f"{GOOD}; {planted}"):
            with pytest.raises(AmbiguousSession) as refusal:
                cookie.token(both)
            assert refusal.value.tokens == ()


def test_no_text_about_a_cookie_holds_the_secret():
    for cookie in (COOKIE, JUDGED):
        assert NAME in repr(cookie)
        assert SECRET not in f"{cookie!r} {cookie}"
