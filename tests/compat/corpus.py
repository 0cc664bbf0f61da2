"""Cookie headers to send to the app and to Better-Auth: real, forged, mangled, repeated, re-encoded.

A header is named after the template that makes it, so it is the same in every run apart from tokens
and signatures. Nothing here says what is right; `differences` and the servers do.
"""

import base64
import json
import secrets
from collections.abc import Iterator
from itertools import count, permutations
from types import SimpleNamespace
from typing import NamedTuple
from urllib.parse import quote

from onboarding.betterauth.cookie import SessionCookie

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def spell(token: str, signature: str) -> SimpleNamespace:
    """Return a token with its signature, the value of a session cookie, in many spellings."""
    raw = f"{token}.{signature}"
    encoded = _encode(raw)
    # The last character before the padding holds two unused bits.
    other_end = _ALPHABET[_ALPHABET.index(signature[-2]) + 1]
    return SimpleNamespace(
        token=token,
        signature=signature,
        raw=raw,
        # As Better-Auth sends it.
        encoded=encoded,
        lower_hex=quote(raw, safe="+/").replace("%3D", "%3d"),
        every_byte="".join(f"%{ord(letter):02x}" for letter in raw),
        twice=_encode(encoded),
        unpadded=raw.removesuffix("="),
        web_safe=raw.replace("+", "-").replace("/", "_"),
        spaced=raw.replace("+", " "),
        utf_8=_utf_8(raw),
        respelled=_encode(f"{raw[:-2]}{other_end}="),
        forged=_encode(f"{token}.{'A' * 43}="),
        start=encoded[:40],
        end=encoded[40:],
    )


class Tokens(NamedTuple):
    """The session tokens that the headers are made of.

    The signature of `user` holds both "+" and "/". `again` and `accented` are further sessions of the
    same user, the latter outside ASCII. `revoked` and `deleted` have no row.
    """

    user: str
    other: str
    again: str
    accented: str
    revoked: str
    expired: str
    deleted: str


def find_token(cookie: SessionCookie) -> str:
    """Return a token whose signature holds both "+" and "/"."""
    tokens = (secrets.token_hex(16) for _ in count())
    return next(token for token in tokens if {"+", "/"} <= set(cookie.sign(token)))


def header_names() -> list[str]:
    """Return the names of all headers."""
    cookie = SessionCookie("better-auth.session_token", "an example of a secret, long enough")
    return list(headers(cookie, Tokens(find_token(cookie), *(letter * 32 for letter in "abcdef"))))


def headers(cookie: SessionCookie, tokens: Tokens) -> dict[str, tuple[bytes, ...]]:
    """Return the lines of all headers by name."""
    signed = {name: spell(token, cookie.sign(token)) for name, token in tokens._asdict().items()}
    user, other = signed["user"], signed["other"]
    pair = f"{cookie.name}={user.encoded}"
    fields = {
        **signed,
        "name": cookie.name,
        "title": cookie.name.title(),
        "pair": pair,
        "remember": _encode(f"true.{cookie.sign('true')}"),
        "cache": _session_data(cookie, user.token),
        "other_cache": _session_data(cookie, other.token),
        "many": "x" * 4000,
        "high": "".join(map(chr, range(0x80, 0x100))),
    }
    values = {**_signed(cookie, user, other), **_mangled(user)}
    made = {
        **{template: template.format(**fields) for template in (*_TEMPLATES, *_repeated())},
        **{name: f"{cookie.name}={value}" for name, value in values.items()},
    }
    return {
        name: tuple(line.encode("latin-1") for line in text.split("|"))
        for name, text in made.items()
    }


def _signed(cookie: SessionCookie, user: SimpleNamespace, other: SimpleNamespace) -> dict[str, str]:
    """Return values with a signature that proves something else, or in another form."""
    digest = base64.b64decode(user.signature)
    tokens = ("x" * 32, user.raw, user.token.swapcase(), f"{user.token}\x00", f"{user.token} ")
    signatures = {
        "with another secret": SessionCookie(cookie.name, f"{cookie.secret} ").sign(user.token),
        "with no secret": SessionCookie(cookie.name, "").sign(user.token),
        "by another user's signature": other.signature,
        "in hex": digest.hex(),
        "in base32": base64.b32encode(digest).decode(),
        "by a longer digest": base64.b64encode(digest + b"!").decode(),
        "by a shorter digest": base64.b64encode(digest[:-1]).decode(),
    }
    return {
        f"signed {how}": _encode(f"{user.token}.{signature}")
        for how, signature in signatures.items()
    } | {
        f"signed token {number}": _encode(f"{token}.{cookie.sign(token)}")
        for number, token in enumerate((*tokens, "", "%", "\x00", "A" * 4000))
    }


def _mangled(user: SimpleNamespace) -> dict[str, str]:
    """Return values with one thing changed in ``token.signature``, at many places."""
    raw, dot = user.raw, len(user.token)
    changed = {}
    for at in (1, dot - 1, dot, dot + 1, len(raw) - 3, len(raw) - 1):
        flipped = {f"bit {bit} flipped": chr(ord(raw[at]) ^ 1 << bit) for bit in (0, 5, 7)}
        others = {"left out": "", "twice": raw[at] * 2, "a space before": f" {raw[at]}"}
        changed |= {
            f"{change} at {at}": raw[:at] + letters + raw[at + 1 :]
            for change, letters in {**flipped, **others}.items()
        }
    for change in (
        "{0}．{1}", "а{0}.{1}", "{0}..{1}", "{0},{1}", "s:{0}.{1}", ".{0}.{1}", "{0}.{1}.", "{0}.{1}=",
        "{0}.{1}\x00", "{0}.{1}\r\n", "{0}.{1};", "\u200b{0}.{1}", "\ufeff{0}.{1}", "{0}.{1}\xa0",
        "{1}.{0}", "{0}.{1}{0}.{1}",
    ):  # fmt: skip
        changed[f"mangled: {change!a}"] = change.format(user.token, user.signature)
    return {name: _encode(value) for name, value in changed.items()}


def _repeated() -> Iterator[str]:
    """Yield templates with the name several times, in every order."""
    good, forged, empty, other = "{user.encoded}", "{user.forged}", "", "{other.encoded}"
    values = (
        good, "{user.raw}", forged, empty, other, "{again.encoded}", "{revoked.encoded}", "{remember}",
        "{user.respelled}", '"{user.encoded}x', '"{other.encoded}x', "{other.respelled}",
    )  # fmt: skip
    orders = (
        *(pair for pair in permutations(values, 2) if good in pair),
        *permutations((good, forged, empty)),
        *permutations((good, forged, other)),
        (forged, forged),
        (good, other, good),
        (good,) * 50,
        (forged,) * 50 + (good,),
        (good,) + (forged,) * 50,
    )
    return ("; ".join(f"{{name}}={value}" for value in order) for order in orders)


def _session_data(cookie: SessionCookie, token: str) -> str:
    """Return a cookie cache as the compact strategy makes it, validly signed."""
    payload = {"session": {"token": token}, "user": {"email": "a@b.test"}}
    text = json.dumps({"session": payload, "expiresAt": 2**42}, separators=(",", ":"))
    return base64.urlsafe_b64encode(f"{text}{cookie.sign(text)}".encode()).decode().rstrip("=")


def _encode(text: str) -> str:
    return quote(text, safe="")


def _utf_8(text: str) -> str:
    """Return the characters whose ISO 8859-1 bytes are the text's UTF-8."""
    return text.encode().decode("latin-1")


_STRAYS = "\x0b\x0c\x1b\x1f\x7f\x00\n\r"
# Characters are bytes (ISO 8859-1); "|" begins a second header.
_TEMPLATES = (
    # As they are, beside other cookies.
    "{pair}", "{name}={other.encoded}", "{name}={again.encoded}", "{name}={accented.encoded}",
    "{name}={accented.utf_8}", "{pair}; theme=dark; lang=en", "theme=dark; lang=en; {pair}", "", "a=b",
    "{pair}; better-auth.dont_remember={remember}", "{pair}; better-auth.session_data={cache}",
    "better-auth.session_data.0={cache}; better-auth.session_data.1={cache}; {pair}",
    "{pair}; better-auth.session_data={other_cache}", "better-auth.session_data={cache}",
    "better-auth.admin_session={other.encoded}; {pair}; {name}_multi-b={other.encoded}",
    # Forged, or of no session.
    "{name}={revoked.encoded}", "{name}={expired.encoded}", "{name}={deleted.encoded}",
    "{name}={user.forged}", "{name}={user.token}.", "{name}={user.token}", "{name}=.{user.signature}",
    "{name}=.", "{name}=", "{name}={remember}", "{name}={cache}", "{name}=null",
    # In other encodings and quotes.
    *(f"{{name}}={value}" for value in (
        "{user.raw}", "{user.lower_hex}", "{user.every_byte}", "{user.twice}", "{user.unpadded}",
        "{user.unpadded}%253D", "{user.spaced}", "{user.web_safe}", "{user.respelled}",
        *(f"{{user.token}}{dot}{{user.signature}}" for dot in ("%2E", "%u002E", "%C0%AE", "\\x2e")),
        *(f"{{user.encoded}}{end}" for end in ("%", "%zz", "%2", "%00", "%20", "%3B", '"')),
        *(f"{start}{{user.encoded}}" for start in ("%z", "%ff", "%ED%A0%80", '"', "$Value=")),
        '"{user.encoded}"', '"{user.raw}"', '" {user.encoded} "', "'{user.encoded}'", '""{user.encoded}""',
        '\\"{user.encoded}\\"', '"{user.raw}', '"{user.encoded}x', "\"{user.encoded}'",
        '"{user.encoded}xx', '"', '""', "[{user.encoded}]", "%22{user.encoded}%22", 'j:"{user.encoded}"',
    )),
    # Under other names.
    *(f"{name}={{user.encoded}}" for name in (
        "__Secure-{name}", "__secure-{name}", "__Host-{name}", "acme.session_token", "session_token",
        "better-auth-session_token", "{title}", "better-auth%2Esession_token", '"{name}"', "{name}s",
        "x{name}", "${name}", ".{name}", "better-auth. session_token", "{name}[]", "{name}; $Path",
        "{name}.0", "better-auth.session_data", "better-auth.admin_session", "", "{name}\xe9",
        _utf_8("better-аuth.session_token"), _utf_8("better-auth．session_token"),
    )),
    "{name}.0={user.start}; {name}.1={user.end}", "{name}={user.start}; {name}={user.end}", "{name}",
    "{name}=={user.encoded}", "{user.encoded}", "{user.encoded}={name}",
    "__Secure-{name}={other.encoded}; {pair}", "{pair}; __Secure-{name}={other.encoded}",
    "__Secure-{pair}; {name}={user.forged}", "{title}={other.encoded}; {pair}",
    # Separated in other ways, and in several headers.
    "a=b;{pair};c=d", "a=b;    {pair}    ;   c=d", "{name} = {user.encoded}", "  {name}  =  {user.encoded}  ",
    "{name}\t=\t{user.encoded}", "a=b;\t{pair}\t;\tc=d", "a=b;;;;{pair};;;", "; {pair}", "junk; {pair}",
    "{pair}; junk", "=; {pair}", "=x; {pair}", "==; {pair}", 'a="x; y"; {pair}', 'a="x; {pair}; y"',
    'a="x; {pair}', "{pair}, a=b", "a=b, {pair}", "{pair},", "a=b&{pair}", "{pair}&a=b", "a=b {pair}",
    "{pair} a=b", "a={pair}", "{pair}; Path=/; HttpOnly", '$Version="1"; {pair}; $Path="/"',
    "a=b;\xa0{pair}", "{name}\xa0={user.encoded}", "{pair}\xa0; a=b", "{name}=\xa0{user.encoded}",
    "\xa0{name}=x; {pair}", "\xa0{name}={other.encoded}; {pair}", "{pair}; \xa0{name}={other.encoded}",
    "a=b;\x85{pair}", "a=b;\xad{pair}", "a={high}; {pair}", f"a={_utf_8('žluťoučký 🐎')}; {{pair}}",
    f"a=b;{_utf_8(chr(0xA0))}{{pair}}", f"a=b;{_utf_8(chr(0x3000))}{{pair}}", "{name}; {pair}",
    *(f"a=b;{stray}{{pair}}" for stray in _STRAYS), *(f"a={stray}; {{pair}}" for stray in _STRAYS),
    *(f"{{pair}}{stray}" for stray in _STRAYS),
    "{pair}|a=b", "a=b|{pair}", "{pair}|{pair}", "{pair}|{name}={other.encoded}", "|{pair}",
    "{name}={other.encoded}|{pair}", "a=b|{pair}; {name}={other.encoded}", "{name}={user.forged}|{pair}",
    # Long.
    "{name}={many}.{user.signature}", "{name}={user.token}.{many}", "a={many}{many}{many}; {pair}",
    "a={many}{many}{many}{many}{many}; {pair}", "{pair}; a={many}{many}{many}{many}{many}{many}{many}",
    "{pair}; a={many}{many}{many}{many}{many}{many}{many}{many}{many}{many}",
    f"{{name}}={'.' * 8000}", f"{{name}}={'%' * 8000}", f"{';' * 8000}{{pair}}",
    "".join(f"c{number}=1; " for number in range(300)) + "{pair}",
)  # fmt: skip
