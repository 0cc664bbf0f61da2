"""The session cookie: what verifies, and what doesn't."""

import pytest

from onboarding.betterauth.cookie import AmbiguousSession, SessionCookie
from tests.betterauth.example_cookie import COOKIE, NAME, SECRET, SIGNATURE, TOKEN

# Real or independently computed for better-auth 1.7.25: secret, value as sent, token.
REAL = {
    "as sent": (SECRET, f"{TOKEN}.jGZfk9YnouyUoKDLvBfhP797R8SkAI6FXSKhvTKBN%2B4%3D", TOKEN),
    "a token with dots": (
        SECRET,
        "a.b.c.YGnr9cdZEHjNm6WdK3l48a7WOJluxSs2MAcPuIZoF4w%3D",
        "a.b.c",
    ),
    "dont_remember, which is signed like a token": (
        SECRET,
        "true.8%2FdSr%2FkCbipgqaByfXpIYnO0TSv99KO1wSCCk%2FldPQQ%3D",
        "true",
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
def test_a_real_cookie_gives_its_token(secret: str, value: str, token: str) -> None:
    assert SessionCookie(NAME, secret).token(f"{NAME}={value}") == token


def test_two_different_valid_cookies_are_ambiguous_wherever_they_stand() -> None:
    one, other = (f"{NAME}={token}.{COOKIE.sign(token)}" for token in ("mine", "theirs"))
    for header in (f"{one}; {other}", f"{other}; a=b; {one}", f"{one}; {one}; {other}"):
        with pytest.raises(AmbiguousSession) as refusal:
            COOKIE.token(header)
        assert not {"mine", "theirs"} & set(str(refusal.value).split())


def test_one_valid_cookie_among_many_bad_ones_is_taken() -> None:
    bad = [f"{NAME}={value}" for value in ("", "x", "x.y", f"{TOKEN}.", f"x.{SIGNATURE}", "%")]
    for place in range(len(bad) + 1):
        pairs = [*bad[:place], f"{NAME}={TOKEN}.{SIGNATURE}", *bad[place:]]
        assert COOKIE.token("; ".join(pairs)) == TOKEN


@pytest.mark.parametrize("name", ["__Secure-better-auth.session_token", "__Host-acme_sid", "acme"])
def test_only_the_configured_name_counts(name: str) -> None:
    cookie = SessionCookie(name, SECRET)
    value = f"{TOKEN}.{SIGNATURE}"
    assert cookie.token(f"{name}={value}") == TOKEN
    for other in (
        NAME,
        name.lower() if name != name.lower() else name.upper(),
        name[2:],
        f"{name} x",
        f"\xa0{name}",
        f"\x85{name}",
        f"\u2000{name}",
    ):
        assert cookie.token(f"{other}={value}") is None


@pytest.mark.parametrize("header", [None, "", ";", "=", ";;;=;", NAME, f"{NAME}=", f"={NAME}"])
def test_a_header_without_the_cookie_gives_none(header: str | None) -> None:
    assert COOKIE.token(header) is None


@pytest.mark.parametrize("token", ["", "with\x00nul", "lone\ud800surrogate"], ids=ascii)
def test_an_empty_token_and_one_that_no_database_can_hold_give_none(token: str) -> None:
    signature = COOKIE.sign(token) if token.isascii() else SIGNATURE
    assert COOKIE.token(f"{NAME}={token}.{signature}") is None
    assert COOKIE.token(f"{NAME}={token}.{signature}; {NAME}={TOKEN}.{SIGNATURE}") == TOKEN


def test_a_byte_outside_ascii_makes_a_forgery_and_no_error() -> None:
    # WSGI hands header bytes over as Latin-1 characters (PEP 3333).
    for stray in bytes(range(0x80, 0x100)).decode("latin-1"):
        for value in (f"{stray}{TOKEN}.{SIGNATURE}", f"{TOKEN}.{stray}{SIGNATURE[1:]}"):
            assert COOKIE.token(f"{NAME}=x{value}") is None
            # A no-break space around a value is trimmed, as Better-Auth does.
            trimmed = stray == "\xa0" and value.startswith(stray)
            assert COOKIE.token(f"{NAME}={value}") == (TOKEN if trimmed else None)
        assert COOKIE.token(f"{stray}={stray}; {NAME}={TOKEN}.{SIGNATURE}; x={stray}") == TOKEN


LONG = 32 * 1024
LONG_HEADERS = {
    "one long value": f"{NAME}=" + "A" * LONG,
    "a long token": f"{NAME}={'A' * LONG}.{SIGNATURE}",
    "percent signs": f"{NAME}=" + "%" * LONG,
    "encoded bytes": f"{NAME}=" + "%41" * (LONG // 3),
    "semicolons": ";" * LONG,
    "many forgeries": f"{NAME}={'A' * 32}.{'A' * 43}=; " * (LONG // 110),
}


@pytest.mark.parametrize("header", LONG_HEADERS.values(), ids=LONG_HEADERS)
def test_a_long_header_proves_nothing_and_hides_nothing(header: str) -> None:
    assert COOKIE.token(header) is None
    assert COOKIE.token(f"{header}; {NAME}={TOKEN}.{SIGNATURE}") == TOKEN


def test_the_secret_is_in_no_text_about_the_cookie() -> None:
    assert NAME in repr(COOKIE)
    assert SECRET not in f"{COOKIE!r} {COOKIE}"
