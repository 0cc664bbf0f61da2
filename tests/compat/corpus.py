"""Cookie headers to ask two servers about: real, forged, mangled, duplicated, re-encoded.

Every header has a short name and is the same in every run, but for the tokens and the signatures
that the main site makes. Nothing here says what is right; `differences` and the servers do.
"""

import base64
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations
from urllib.parse import quote

from onboarding.betterauth.cookie import SessionCookie

# What a Cookie header is, byte for byte; two lines make two headers.
Lines = tuple[bytes, ...]


@dataclass(frozen=True)
class Value:
    """What signs somebody in, or should not: a token and its signature."""

    token: str
    signature: str

    @property
    def raw(self) -> str:
        return f"{self.token}.{self.signature}"

    @property
    def encoded(self) -> str:
        """As Better-Auth sends it."""
        return quote(self.raw, safe="")

    def signed(self, signature: str) -> "Value":
        return Value(self.token, signature)


@dataclass(frozen=True)
class Cast:
    """Whose values the headers are made of.

    `ada` and `bob` are signed in, `ada_again` is her second session; Ada's signature holds both
    "+" and "/". `accented` is a session of hers whose token isn't ASCII. `revoked` has no session,
    `expired` one that is over, `gone` one whose user was deleted.
    """

    cookie: SessionCookie
    ada: Value
    ada_again: Value
    accented: Value
    bob: Value
    revoked: Value
    expired: Value
    gone: Value


def an_example() -> Cast:
    """Give a cast of nobody, to learn the names of the headers from."""
    cookie = SessionCookie("better-auth.session_token", "an example of a secret, long enough")
    token = next(
        t for t in map(str, range(10**31, 2 * 10**31)) if {"+", "/"} <= set(cookie.sign(t))
    )
    tokens = [token, *("abcdef"[n] * 32 for n in range(6)), "žluťoučký-🐎"]
    ada, again, bob, revoked, expired, gone, _, accented = (
        Value(token, cookie.sign(token)) for token in tokens
    )
    return Cast(cookie, ada, again, accented, bob, revoked, expired, gone)


def headers(cast: Cast) -> dict[str, Lines]:
    """Give all headers by name."""
    made: dict[str, Lines] = {}
    for family, make in FAMILIES.items():
        for label, header in make(cast):
            lines = (header,) if isinstance(header, str) else header
            name = f"{family}: {label}"
            assert name not in made, name
            made[name] = tuple(line.encode("latin-1") for line in lines)
    return made


Made = Iterator[tuple[str, str | tuple[str, ...]]]


def _real(cast: Cast) -> Made:
    name = cast.cookie.name
    pair = f"{name}={cast.ada.encoded}"
    data = _session_data(cast)
    remember = f"better-auth.dont_remember={_remember(cast)}"
    yield "alone", pair
    yield "of another person", f"{name}={cast.bob.encoded}"
    yield "the second session", f"{name}={cast.ada_again.encoded}"
    yield "a token outside ASCII", f"{name}={cast.accented.encoded}"
    yield "the site's cookies after it", f"{pair}; theme=dark; lang=en"
    yield "the site's cookies before it", f"theme=dark; lang=en; {pair}"
    yield "not remembered", f"{pair}; {remember}"
    yield "with the cookie cache", f"{pair}; better-auth.session_data={data}"
    yield (
        "with the cookie cache in pieces",
        f"better-auth.session_data.0={data[:100]}; better-auth.session_data.1={data[100:]}; {pair}",
    )
    yield (
        "with somebody else's cookie cache",
        f"{pair}; better-auth.session_data={_session_data(cast, cast.bob)}",
    )
    yield (
        "with several sessions",
        "; ".join(
            [pair]
            + [
                f"{name}_multi-{value.token.lower()}={value.encoded}"
                for value in (cast.ada, cast.bob)
            ]
        ),
    )
    others = "better-auth.account_data=e30; better-auth.two_factor=x; better-auth.oauth_state=y"
    admin = f"better-auth.admin_session={cast.bob.encoded}"
    yield "with every other cookie of Better-Auth", f"{others}; {admin}; {remember}; {pair}"
    yield "none at all", ""
    yield "only other cookies", f"theme=dark; {remember}"


def _forged(cast: Cast) -> Made:
    name, ada = cast.cookie.name, cast.ada
    foreign = SessionCookie(name, cast.cookie.secret + " ")
    digest = base64.b64decode(ada.signature)
    values = {
        "revoked": cast.revoked.encoded,
        "expired": cast.expired.encoded,
        "of a deleted user": cast.gone.encoded,
        "no such token": Value("x" * 32, cast.cookie.sign("x" * 32)).encoded,
        "signed with another secret": ada.signed(foreign.sign(ada.token)).encoded,
        "signed with no secret": ada.signed(SessionCookie(name, "").sign(ada.token)).encoded,
        "the signature of somebody else": ada.signed(cast.bob.signature).encoded,
        "the token of somebody else": cast.bob.signed(ada.signature).encoded,
        "a signature of As": ada.signed("A" * 43 + "=").encoded,
        "a signature of equals signs": ada.signed("=" * 44).encoded,
        "no signature": f"{ada.token}.",
        "no signature and no dot": ada.token,
        "only a signature": quote(f".{ada.signature}", safe=""),
        "an empty token, signed": quote(f".{cast.cookie.sign('')}", safe=""),
        "only a dot": ".",
        "nothing": "",
        "the signature first": quote(f"{ada.signature}.{ada.token}", safe=""),
        "signed twice": Value(ada.raw, cast.cookie.sign(ada.raw)).encoded,
        "what dont_remember carries": _remember(cast),
        "what the cookie cache carries": _session_data(cast),
        "a JSON web token": _jwt(cast),
        "the digest in hex": quote(f"{ada.token}.{digest.hex()}", safe=""),
        "the digest in upper-case hex": quote(f"{ada.token}.{digest.hex().upper()}", safe=""),
        "the digest in base32": quote(f"{ada.token}.{base64.b32encode(digest).decode()}", safe=""),
        "a longer digest": quote(
            f"{ada.token}.{base64.b64encode(digest + b'!').decode()}", safe=""
        ),
        "a shorter digest": quote(f"{ada.token}.{base64.b64encode(digest[:-1]).decode()}", safe=""),
        "a wildcard for the token": Value("%", cast.cookie.sign("%")).encoded,
        "SQL for the token": Value("' OR true --", cast.cookie.sign("' OR true --")).encoded,
        "a signed NUL": Value("\x00", cast.cookie.sign("\x00")).encoded,
        "a token and a NUL, signed": Value(
            f"{ada.token}\x00", cast.cookie.sign(f"{ada.token}\x00")
        ).encoded,
        "a token and a space, signed": Value(
            f"{ada.token} ", cast.cookie.sign(f"{ada.token} ")
        ).encoded,
        "another case, signed": Value(
            ada.token.swapcase(), cast.cookie.sign(ada.token.swapcase())
        ).encoded,
        "null": "null",
        "undefined": "undefined",
        "an object": quote('{"token":"' + ada.token + '"}', safe=""),
    }
    yield from ((label, f"{name}={value}") for label, value in values.items())


def _mangled(cast: Cast) -> Made:
    """One thing changed in ``token.signature``, at many places."""
    raw = cast.ada.raw
    dot, last = len(cast.ada.token), len(raw) - 1
    places = [0, 1, 7, 15, dot - 2, dot - 1, dot, dot + 1, dot + 2, dot + 20, last - 2, last]
    changes: dict[str, Callable[[int], str]] = {
        "bit 0 flipped": lambda at: raw[:at] + chr(ord(raw[at]) ^ 1) + raw[at + 1 :],
        "bit 5 flipped": lambda at: raw[:at] + chr(ord(raw[at]) ^ 32) + raw[at + 1 :],
        "bit 7 flipped": lambda at: raw[:at] + chr(ord(raw[at]) ^ 128) + raw[at + 1 :],
        "left out": lambda at: raw[:at] + raw[at + 1 :],
        "twice": lambda at: raw[:at] + raw[at] + raw[at:],
        "cut off": lambda at: raw[:at],
        "a space before": lambda at: raw[:at] + " " + raw[at:],
    }
    for change, changed in changes.items():
        for at in places:
            if change == "a space before" and at == 0:
                continue
            yield f"{change} at {at - dot:+}", f"{cast.cookie.name}={quote(changed(at), safe='')}"
    signature = cast.ada.signature
    for number, other in enumerate(_respelled(signature), 1):
        value = cast.ada.signed(other).encoded
        yield f"respelled, the signature's unused bits {number}", f"{cast.cookie.name}={value}"
    values = {
        "padding gone": raw[:-1],
        "padding doubled": raw + "=",
        "padding a dot": raw[:-1] + ".",
        "lower case": raw.lower(),
        "upper case": raw.upper(),
        "token in another case": f"{cast.ada.token.swapcase()}.{signature}",
        "signature in another case": f"{cast.ada.token}.{signature.swapcase()}",
        "reversed": raw[::-1],
        "two dots": raw.replace(".", ".."),
        "a comma for the dot": raw.replace(".", ","),
        "a colon for the dot": raw.replace(".", ":"),
        "a dot before": f".{raw}",
        "a dot after": f"{raw}.",
        "s: before, as other libraries sign": f"s:{raw}",
        "a fullwidth dot": raw.replace(".", "．"),
        "a Cyrillic letter": f"а{raw[1:]}",
        "twice in one": raw + raw,
        "two of them, a dot between": f"{raw}.{raw}",
        "a NUL after": f"{raw}\x00",
        "a line's end after": f"{raw}\r\n",
        "a line's end in the signature": f"{raw[:-10]}\n{raw[-10:]}",
        "a line's end for a character of the signature": f"{raw[:-10]}\n{raw[-9:]}",
        "a semicolon after": f"{raw};",
        "a zero-width space before": f"\u200b{raw}",
        "a byte-order mark before": f"\ufeff{raw}",
        "a no-break space after": f"{raw}\u00a0",
    }
    for label, value in values.items():
        yield label, f"{cast.cookie.name}={quote(value, safe='')}"


def _at_random(cast: Cast) -> Made:
    """Several things changed at once, by a die that always falls the same way."""
    die = random.Random(20261123)  # noqa: S311
    alphabet = '%.=;,"+/ -_aZ09&'
    for number in range(1, 61):
        # The signature's last character stays: its unused bits are a matter of their own.
        text, end = list(f"{cast.cookie.name}={cast.ada.encoded}"), 6
        for _ in range(die.randint(1, 3)):
            at = die.randrange(len(text) - end)
            kind = die.choice(("replace", "insert", "delete"))
            # Letters are changed for certain: a die may not throw what stood there.
            letter = die.choice(alphabet)
            if kind == "replace":
                text[at] = letter if text[at] != letter else "~"
            elif kind == "insert":
                text.insert(at, letter)
            else:
                del text[at]
        yield f"{number}", "".join(text)


def _encoded(cast: Cast) -> Made:
    name, raw, encoded = cast.cookie.name, cast.ada.raw, cast.ada.encoded
    token, signature = cast.ada.token, cast.ada.signature
    values = {
        "not at all": raw,
        "lower-case hex": _every(encoded, str.lower),
        "mixed-case hex": encoded.replace("%2B", "%2b").replace("%3D", "%3d"),
        "the dot, too": encoded.replace(".", "%2E"),
        "only the dot": raw.replace(".", "%2E"),
        "every character": "".join(f"%{ord(letter):02X}" for letter in raw),
        "every character in lower-case hex": "".join(f"%{ord(letter):02x}" for letter in raw),
        "only the first character": f"%{ord(raw[0]):02x}{raw[1:]}",
        "twice": quote(encoded, safe=""),
        "twice, the padding alone": raw[:-1] + "%253D",
        "three times": quote(quote(encoded, safe=""), safe=""),
        "the padding left raw": encoded.replace("%3D", "="),
        "as a form does, + for space": encoded.replace("%2B", "+").replace("%2F", "/"),
        "spaces for +": raw.replace("+", " "),
        "encoded spaces for +": encoded.replace("%2B", "%20"),
        "base64url": f"{token}.{signature.replace('+', '-').replace('/', '_')}",
        "base64url without padding": f"{token}.{signature.replace('+', '-').replace('/', '_')[:-1]}",
        "base64 of it all": quote(base64.b64encode(raw.encode()).decode(), safe=""),
        "a stray % after": encoded + "%",
        "a stray %z before": "%z" + encoded,
        "a stray %zz after": encoded + "%zz",
        "half an escape after": encoded + "%2",
        "%u002E for the dot": raw.replace(".", "%u002E"),
        "\\x2e for the dot": raw.replace(".", "\\x2e"),
        "&#46; for the dot": raw.replace(".", "&#46"),
        "overlong UTF-8 for the dot": raw.replace(".", "%C0%AE"),
        "a byte that is no UTF-8 before": "%ff" + encoded,
        "a lone surrogate before": "%ED%A0%80" + encoded,
        "an encoded NUL after": encoded + "%00",
        "an encoded space after": encoded + "%20",
        "an encoded quote around": f"%22{encoded}%22",
        "an encoded semicolon after": encoded + "%3B",
        "in quotes": f'"{encoded}"',
        "raw in quotes": f'"{raw}"',
        "in quotes with spaces inside": f'" {encoded} "',
        "in single quotes": f"'{encoded}'",
        "in two pairs of quotes": f'""{encoded}""',
        "in escaped quotes": f'\\"{encoded}\\"',
        "an opening quote": f'"{encoded}',
        "an opening quote before the raw one": f'"{raw}',
        "a closing quote": f'{encoded}"',
        "an opening quote and one more letter": f'"{encoded}x',
        "an opening quote and a single one": f"\"{encoded}'",
        "an opening quote and two more letters": f'"{encoded}xx',
        "a lone quote": '"',
        "two quotes": '""',
        "in brackets": f"[{encoded}]",
        "as an attribute": f"$Value={encoded}",
        "a JSON string, as some frameworks set": f'j:"{encoded}"',
    }
    yield from ((label, f"{name}={value}") for label, value in values.items())
    accented = cast.accented.raw
    yield "raw UTF-8", f"{name}={_utf_8(accented)}"
    yield (
        "raw UTF-8, the signature encoded",
        f"{name}={_utf_8(cast.accented.token)}.{quote(cast.accented.signature, safe='')}",
    )


def _named(cast: Cast) -> Made:
    name, value = cast.cookie.name, cast.ada.encoded
    prefix, _, suffix = name.partition(".")
    names = {
        "__Secure-": f"__Secure-{name}",
        "__secure-": f"__secure-{name}",
        "__Host-": f"__Host-{name}",
        "__Http-": f"__Http-{name}",
        "another prefix": f"acme.{suffix}",
        "no prefix": suffix,
        "a dash for the dot, as it once was": f"{prefix}-{suffix}",
        "upper case": name.upper(),
        "title case": name.title(),
        "encoded": name.replace(".", "%2E"),
        "quoted": f'"{name}"',
        "one letter more": f"{name}s",
        "one letter less": name[:-1],
        "one letter before": f"x{name}",
        "a dollar before": f"${name}",
        "a dot before": f".{name}",
        "a space inside": name.replace(".", ". "),
        "a bracket after": f"{name}[]",
        "a path after": f"{name}; $Path",
        "piece 0": f"{name}.0",
        "piece 1": f"{name}.1",
        "of the cookie cache": f"{prefix}.session_data",
        "of dont_remember": f"{prefix}.dont_remember",
        "of the admin's own session": f"{prefix}.admin_session",
        "of the multi-session plugin": f"{name}_multi-{cast.ada.token.lower()}",
        "empty": "",
        "a Cyrillic letter": _utf_8(name.replace("a", "а")),
        "the fullwidth dot": _utf_8(name.replace(".", "．")),
        "a byte outside ASCII after": f"{name}\xe9",
    }
    yield from ((label, f"{full}={value}") for label, full in names.items())
    yield "in pieces .0 and .1", f"{name}.0={value[:40]}; {name}.1={value[40:]}"
    yield "in pieces of the same name", f"{name}={value[:40]}; {name}={value[40:]}"
    yield "alone, no equals sign", name
    yield "two equals signs", f"{name}=={value}"
    yield "the value alone", value
    yield "name and value swapped", f"{value}={name}"
    yield "__Secure- before the plain one", f"__Secure-{name}={cast.bob.encoded}; {name}={value}"
    yield "__Secure- after the plain one", f"{name}={value}; __Secure-{name}={cast.bob.encoded}"
    yield "__Secure- and a forged plain one", f"__Secure-{name}={value}; {name}={_forgery(cast)}"
    yield "other cases beside it", f"{name.upper()}={cast.bob.encoded}; {name}={value}"


def _separated(cast: Cast) -> Made:
    name, value = cast.cookie.name, cast.ada.encoded
    pair = f"{name}={value}"
    yield "no space after the semicolon", f"theme=dark;{pair};lang=en"
    yield "many spaces", f"theme=dark;    {pair}    ;   lang=en"
    yield "spaces around =", f"{name} = {value}"
    yield "spaces around all", f"  {name}  =  {value}  "
    yield "tabs around =", f"{name}\t=\t{value}"
    yield "tabs around all", f"a=b;\t{pair}\t;\tc=d"
    yield "semicolons only between", f"a=b;;;;{pair};;;;"
    yield "a semicolon first", f";{pair}"
    yield "a semicolon and a space first", f"; {pair}"
    yield "junk without = before", f"junk; {pair}"
    yield "junk without = after", f"{pair}; junk"
    yield "= alone before", f"=; {pair}"
    yield "= and a value before", f"=x; {pair}"
    yield "== before", f"==; {pair}"
    yield "a quoted semicolon before", f'a="x; y"; {pair}'
    yield "it inside another's quotes", f'a="x; {pair}; y"'
    yield "an unclosed quote before", f'a="x; {pair}'
    yield "a comma after", f"{pair}, theme=dark"
    yield "a comma before", f"theme=dark, {pair}"
    yield "a comma and no space before", f"theme=dark,{pair}"
    yield "a comma alone after", f"{pair},"
    yield "an ampersand before", f"theme=dark&{pair}"
    yield "an ampersand after", f"{pair}&theme=dark"
    yield "a space before, no semicolon", f"theme=dark {pair}"
    yield "a space after, no semicolon", f"{pair} theme=dark"
    yield "in a value of another", f"theme={pair}"
    yield "attributes after, as in Set-Cookie", f"{pair}; Path=/; HttpOnly; SameSite=Lax"
    yield "$Version before, as in RFC 2109", f'$Version="1"; {pair}; $Path="/"'
    yield "a no-break space before the name", f"a=b;\xa0{pair}"
    yield "a no-break space after the name", f"{name}\xa0={value}"
    yield "a no-break space after the value", f"{pair}\xa0; a=b"
    yield "a no-break space before the value", f"{name}=\xa0{value}"
    yield "a no-break space before the name, then it", f"\xa0{name}=x; {pair}"
    yield (
        "a no-break space before another person's name, then it",
        f"\xa0{name}={cast.bob.encoded}; {pair}",
    )
    yield (
        "it, then a no-break space before another person's name",
        f"{pair}; \xa0{name}={cast.bob.encoded}",
    )
    yield "a no-break space in UTF-8 before the name", f"a=b;{_utf_8(chr(0xA0))}{pair}"
    yield "an ideographic space before the name", f"a=b;{_utf_8(chr(0x3000))}{pair}"
    yield "a next-line character before the name", f"a=b;\x85{pair}"
    yield "a soft hyphen before the name", f"a=b;\xad{pair}"
    for label, stray in {
        "a vertical tab": "\x0b",
        "a form feed": "\x0c",
        "an escape": "\x1b",
        "a bell": "\x07",
        "a unit separator": "\x1f",
        "DEL": "\x7f",
        "a NUL": "\x00",
        "a line feed": "\n",
        "a carriage return": "\r",
    }.items():
        yield f"{label} before the name", f"a=b;{stray}{pair}"
        yield f"{label} in another cookie", f"a={stray}; {pair}"
        yield f"{label} after the value", f"{pair}{stray}"
    yield "bytes outside ASCII in another", f"name=\xe9\xff\x80; {pair}"
    yield "UTF-8 in another", f"name={_utf_8('žluťoučký 🐎')}; {pair}"
    yield (
        "every byte outside ASCII in another",
        f"a={''.join(map(chr, range(0x80, 0x100)))}; {pair}",
    )
    yield "two headers, it in the first", (pair, "theme=dark")
    yield "two headers, it in the second", ("theme=dark", pair)
    yield "two headers, it in both", (pair, pair)
    yield "two headers, another person's second", (pair, f"{name}={cast.bob.encoded}")
    yield "two headers, another person's first", (f"{name}={cast.bob.encoded}", pair)
    yield "two headers, both in the second", ("theme=dark", f"{pair}; {name}={cast.bob.encoded}")
    yield "three headers, it in the third", ("theme=dark", "lang=en", pair)
    yield "two headers, forged first", (f"{name}={_forgery(cast)}", pair)
    yield "two headers, an empty second", (pair, "")
    yield "two headers, an empty first", ("", pair)


def _repeated(cast: Cast) -> Made:
    """The name several times, in every order."""
    name = cast.cookie.name
    values = {
        "good": cast.ada.encoded,
        "raw": cast.ada.raw,
        "forged": _forgery(cast),
        "empty": "",
        "other person": cast.bob.encoded,
        "other session": cast.ada_again.encoded,
        "revoked": cast.revoked.encoded,
        "dont_remember's": _remember(cast),
        "respelled": cast.ada.signed(next(_respelled(cast.ada.signature))).encoded,
        "quoted and one letter more": f'"{cast.ada.encoded}x',
        "other person quoted and one letter more": f'"{cast.bob.encoded}x',
        "other person respelled": cast.bob.signed(next(_respelled(cast.bob.signature))).encoded,
    }
    orders = [
        *(pair for pair in permutations(values, 2) if "good" in pair),
        ("good", "good"),
        ("forged", "empty"),
        ("empty", "empty"),
        ("forged", "forged"),
        ("good", "good", "good"),
        *permutations(("good", "forged", "empty")),
        *permutations(("good", "forged", "other person")),
        ("forged", "forged", "good"),
        ("good", "other person", "good"),
        ("revoked", "expired"),
    ]
    values["expired"] = cast.expired.encoded
    for order in orders:
        yield ", ".join(order), "; ".join(f"{name}={values[label]}" for label in order)
    pair = f"{name}={cast.ada.encoded}"
    yield "many good", "; ".join([pair] * 50)
    yield "many forged, then good", "; ".join([f"{name}={_forgery(cast)}"] * 50 + [pair])
    yield "good, then many forged", "; ".join([pair] + [f"{name}={_forgery(cast)}"] * 50)
    yield "no equals sign, then good", f"{name}; {pair}"
    yield "good, then no equals sign", f"{pair}; {name}"


def _long(cast: Cast) -> Made:
    name, value = cast.cookie.name, cast.ada.encoded
    pair = f"{name}={value}"
    yield "a token of 4,000", f"{name}={'A' * 4000}.{cast.ada.signature}"
    yield (
        "a signed token of 4,000",
        f"{name}={'A' * 4000}.{quote(cast.cookie.sign('A' * 4000), safe='')}",
    )
    yield "a signature of 4,000", f"{name}={cast.ada.token}.{'A' * 4000}"
    yield "8,000 dots", f"{name}={'.' * 8000}"
    yield "8,000 percent signs", f"{name}={'%' * 8000}"
    yield "8,000 equals signs", f"{name}{'=' * 8000}"
    yield "8,000 semicolons and it", f"{';' * 8000}{pair}"
    yield "8,000 spaces and it", f"{' ' * 8000}{pair}"
    yield "300 other cookies and it", "; ".join(f"c{n}={n}" for n in range(300)) + f"; {pair}"
    yield (
        "a cookie cache of 9 kB and it",
        f"better-auth.session_data.0={'x' * 4000}; better-auth.session_data.1={'x' * 4000}; better-auth.session_data.2={'x' * 1000}; {pair}",
    )
    yield "12 kB and it", f"x={'x' * 12_000}; {pair}"
    yield "20 kB and it", f"x={'x' * 20_000}; {pair}"
    yield "30 kB after it", f"{pair}; x={'x' * 30_000}"
    yield "40 kB after it", f"{pair}; x={'x' * 40_000}"


FAMILIES: dict[str, Callable[[Cast], Made]] = {
    "real": _real,
    "forged": _forged,
    "mangled": _mangled,
    "at random": _at_random,
    "encoded": _encoded,
    "named": _named,
    "separated": _separated,
    "repeated": _repeated,
    "long": _long,
}


def _forgery(cast: Cast) -> str:
    return cast.ada.signed("A" * 43 + "=").encoded


def _remember(cast: Cast) -> str:
    return Value("true", cast.cookie.sign("true")).encoded


def _respelled(signature: str) -> Iterator[str]:
    """Give the other three spellings of a signature: its last character holds two unused bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = alphabet.index(signature[-2])
    for other in range(at + 1, at + 4):
        yield f"{signature[:-2]}{alphabet[other]}="


def _session_data(cast: Cast, whose: Value | None = None) -> str:
    """Give a cookie cache as the compact strategy makes it, validly signed."""
    payload = {"session": {"token": (whose or cast.ada).token}, "user": {"email": "a@b.test"}}
    text = json.dumps({"session": payload, "expiresAt": 2**42}, separators=(",", ":"))
    signature = cast.cookie.sign(text)
    return base64.urlsafe_b64encode(f"{text}{signature}".encode()).decode().rstrip("=")


def _jwt(cast: Cast) -> str:
    parts = ({"alg": "HS256"}, {"session": {"token": cast.ada.token}})
    text = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    return f"{text}.{cast.cookie.sign(text).replace('+', '-').replace('/', '_').rstrip('=')}"


def _every(encoded: str, change: Callable[[str], str]) -> str:
    parts = encoded.split("%")
    return "%".join([parts[0], *(change(part[:2]) + part[2:] for part in parts[1:])])


def _utf_8(text: str) -> str:
    """Give the characters whose Latin-1 bytes are the text's UTF-8."""
    return text.encode().decode("latin-1")
