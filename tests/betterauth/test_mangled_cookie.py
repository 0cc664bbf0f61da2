"""Whatever is done to a real cookie, it proves its own session or none."""

import base64
from string import ascii_letters, digits
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onboarding.betterauth.cookie import AmbiguousSession
from tests.betterauth.example_cookie import COOKIE, NAME, SIGNATURE, TOKEN

# Another token of the same secret.
OTHER = "Jw5HeBzLPmTn4XqVr8Kd2YsGcFa7tUo9"
ENCODED = f"{NAME}={quote(f'{TOKEN}.{SIGNATURE}', safe='')}"
RAW = f'{NAME}="{TOKEN}.{SIGNATURE}"'
TWO = f"{ENCODED}; theme=dark; {NAME}={OTHER}.{COOKIE.sign(OTHER)}"

# What a parser may stumble on, beside any character of a header and a few that no server passes.
PIECES = st.one_of(
    st.sampled_from(
        [
            *('.=;,%"\\+/ \t\r\n\x00\x7f\x85\xa0\u2000\udcff'),
            *("%2B", "%2b", "%3D", "%25", "%00", "%ff", "%C0%AE"),
            *(NAME, f"; {NAME}=", "__Secure-", TOKEN, SIGNATURE),
        ]
    ),
    st.characters(max_codepoint=0xFF),
)


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """A real Cookie header to which one to four things were done."""
    text = draw(st.sampled_from([ENCODED, RAW, TWO]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 8)))
        part = text[start:end]
        text = text[:start] + draw(_instead_of(part)) + text[end:]
    return text


def _instead_of(part: str) -> st.SearchStrategy[str]:
    written = part.encode("utf-8", "surrogatepass")
    changes = [
        "",
        part * 2,
        part.swapcase(),
        part[::-1],
        quote(written, safe=""),
        "".join(f"%{byte:02x}" for byte in written),
        unquote_to_bytes(written).decode("latin-1"),
        part.translate(str.maketrans("+/ ", "-_+")),
    ]
    return st.one_of(st.sampled_from(changes), PIECES, PIECES.map(lambda piece: piece + part))


def _spellings(token: str) -> list[str]:
    """Return the four spellings of a signed token, the exact one first: two bits carry nothing."""
    signature = COOKIE.sign(token)
    digest = base64.b64decode(signature)
    spelled = (f"{signature[:-2]}{letter}=" for letter in ascii_letters + digits + "+/")
    others = [one for one in spelled if one != signature and base64.b64decode(one) == digest]
    return [f"{token}.{one}" for one in (signature, *others)]


SPELLINGS = {
    spelling.encode(): (token, number == 0)
    for token in (TOKEN, OTHER)
    for number, spelling in enumerate(_spellings(token))
}
SPELLED_ODDLY = _spellings(TOKEN)[1]


def _session_in(pair: str) -> tuple[str, bool] | None:
    """Return whose session a pair tells of, by a look into a list of all that may; and how exactly."""
    key, _, value = pair.partition("=")
    value = value.strip(" \t\xa0")
    value = value[1:-1] if value[:1] == '"' else value
    found = SPELLINGS.get(unquote_to_bytes(value.encode("utf-8", "surrogatepass")))
    if found is None or key.strip(" \t\xa0") != NAME:
        return None
    return found[0], found[1] and not key.strip(" \t").startswith("\xa0")


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(mangled())
@example(ENCODED)
@example(RAW)
@example(TWO)
@example(ENCODED.replace("%3D", ""))
@example(f"{NAME}={TOKEN}.{SIGNATURE.replace('+', '-')}")
@example(f"{NAME}={SPELLED_ODDLY}")
@example(f"{NAME}={SPELLED_ODDLY}; {NAME}={OTHER}.{COOKIE.sign(OTHER)}")
@example(f"\xa0{ENCODED}")
@example(f"\xa0{ENCODED}; {NAME}={OTHER}.{COOKIE.sign(OTHER)}")
@example(f'{NAME}="{TOKEN}.{SIGNATURE}x')
@example(f"{NAME}=x; {ENCODED}")
def test_a_mangled_cookie_proves_its_own_session_or_none_and_raises_nothing_else(header):
    found = [one for pair in header.split(";") if (one := _session_in(pair)) is not None]
    if len({token for token, _ in found}) > 1:
        with pytest.raises(AmbiguousSession):
            COOKIE.token(header)
    else:
        exact = [token for token, is_exact in found if is_exact]
        assert COOKIE.token(header) == (exact[0] if exact else None)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_every_token_comes_back_from_the_cookie_that_better_auth_would_send(token):
    value = quote(f"{token}.{COOKIE.sign(token)}", safe="!*'()")
    assert COOKIE.token(f"theme=dark; {NAME}={value}; lang=en") == token
