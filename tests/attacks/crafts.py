"""The requests of `test_wire`: what two servers could cut in two ways, and bytes that no browser sends.

Each carries a real session cookie, and most a whole second request that would confirm the person's
answers for good, if anybody took it for one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.attacks.wire import request
from tests.visitor import Person

REVIEW = "/onboarding/review"


@dataclass(frozen=True)
class Craft:
    """What the requests of one person are made of."""

    host: str
    person: Person
    csrf_token: str

    def headers(self, *more: str) -> list[str]:
        """A signed-in browser's headers, and further lines."""
        return [f"Host: {self.host}", f"Cookie: {self.person.cookie}", *more]

    @property
    def form(self) -> bytes:
        """The form that confirms, with a valid token."""
        answers = {"python_proficiency": "Advanced", "developer_role": "None"}
        return urlencode({"csrf_token": self.csrf_token, **answers}).encode()

    def get(self, target: str = "/profile", *more: str) -> bytes:
        return request("GET", target, self.headers(*more))

    def post(self, *more: str, body: bytes | None = None, length: object = None) -> bytes:
        """The confirmation; `length` is what its Content-Length says, "" for none."""
        body = self.form if body is None else body
        said = len(body) if length is None else length
        lengths = () if said == "" else (f"Content-Length: {said}",)
        kind = "Content-Type: application/x-www-form-urlencoded"
        own = f"Origin: http://{self.host}"
        return request("POST", REVIEW, self.headers(kind, own, *lengths, *more), body)

    def around(self, *framing: str, before: bytes = b"") -> bytes:
        """A harmless request of this framing with the whole confirmation as, or behind, its body."""
        return request("POST", "/healthz", self.headers(*framing), before + self.post())


Attack = Callable[[Craft], bytes]
HUGE = "a" * 40_000


def chunk(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


FRAMING: dict[str, Attack] = {
    "length and chunks, length first": lambda c: c.around(
        "Content-Length: 5", "Transfer-Encoding: chunked", before=b"0\r\n\r\n"
    ),
    "length and chunks, chunks first": lambda c: c.around(
        "Transfer-Encoding: chunked", "Content-Length: 5", before=b"0\r\n\r\n"
    ),
    "length of nothing and chunks": lambda c: c.around(
        "Content-Length: 0", "Transfer-Encoding: chunked", before=b"0\r\n\r\n"
    ),
    "two lengths": lambda c: c.around("Content-Length: 0", f"Content-Length: {len(c.post())}"),
    "two lengths, the other way": lambda c: c.around(
        f"Content-Length: {len(c.post())}", "Content-Length: 0"
    ),
    "two lengths in one line": lambda c: c.around(f"Content-Length: 0, {len(c.post())}"),
    "a negative length": lambda c: c.around("Content-Length: -1"),
    "a length with a plus": lambda c: c.around("Content-Length: +0"),
    "a hexadecimal length": lambda c: c.around("Content-Length: 0x0"),
    "a length with an underscore": lambda c: c.around("Content-Length: 1_0"),
    "a length in Arabic digits": lambda c: c.around("Content-Length: ٠".encode().decode("latin-1")),
    "a length of another unit": lambda c: c.around("Content-Length: 0 bytes"),
    "an empty length": lambda c: c.around("Content-Length: "),
    "a length beyond 64 bits": lambda c: c.around(f"Content-Length: {2**80}"),
    "a length with a blank before its colon": lambda c: c.around("Content-Length : 0"),
    "an unknown coding": lambda c: c.around("Transfer-Encoding: gzip"),
    "two codings": lambda c: c.around("Transfer-Encoding: gzip, chunked", before=b"0\r\n\r\n"),
    "chunked twice": lambda c: c.around("Transfer-Encoding: chunked, chunked", before=b"0\r\n\r\n"),
    "chunked in two lines": lambda c: c.around(
        "Transfer-Encoding: chunked", "Transfer-Encoding: identity", before=b"0\r\n\r\n"
    ),
    "a coding spelled oddly": lambda c: c.around(
        "Transfer-Encoding: xchunked", before=b"0\r\n\r\n"
    ),
    "a coding behind a tab": lambda c: c.around(
        "Content-Length: 5", "Transfer-Encoding:\tchunked", before=b"0\r\n\r\n"
    ),
    "a coding with a vertical tab": lambda c: c.around(
        "Transfer-Encoding: \x0bchunked", before=b"0\r\n\r\n"
    ),
    "a coding with a blank before its colon": lambda c: c.around(
        "Transfer-Encoding : chunked", before=b"0\r\n\r\n"
    ),
    "a coding with an underscore": lambda c: c.around(
        "Transfer_Encoding: chunked", before=b"0\r\n\r\n"
    ),
    "a folded coding": lambda c: c.around("Transfer-Encoding:\r\n chunked", before=b"0\r\n\r\n"),
    "a chunk of no digits": lambda c: c.around("Transfer-Encoding: chunked", before=b"zz\r\n"),
    "a negative chunk": lambda c: c.around("Transfer-Encoding: chunked", before=b"-1\r\n"),
    "a chunk beyond 64 bits": lambda c: c.around(
        "Transfer-Encoding: chunked", before=b"fffffffffffffffff\r\n"
    ),
    "a chunk that ends by a bare line feed": lambda c: c.around(
        "Transfer-Encoding: chunked", before=b"0\n\n"
    ),
    "a chunk without its end": lambda c: c.around("Transfer-Encoding: chunked", before=b"1\r\na"),
    "a chunk with an extension": lambda c: c.around(
        "Transfer-Encoding: chunked", before=b'0;a="\n"\r\n\r\n'
    ),
    "chunks with a trailer": lambda c: c.around(
        "Transfer-Encoding: chunked", before=b"0\r\nHost: evil.example\r\n\r\n"
    ),
    "a whole form in chunks": lambda c: c.post(
        "Transfer-Encoding: chunked", body=chunk(c.form) + b"0\r\n\r\n", length=""
    ),
    "HTTP/1.0 with chunks": lambda c: c.around(
        "Transfer-Encoding: chunked", before=b"0\r\n\r\n"
    ).replace(b" HTTP/1.1", b" HTTP/1.0", 1),
    "a form longer than it says": lambda c: c.post(length=len(c.form) - 5),
    "a form shorter than it says": lambda c: c.post(length=len(c.form) + 50),
    "a form of no length": lambda c: c.post(length=""),
    "a body behind a GET": lambda c: (
        c.get("/healthz", f"Content-Length: {len(c.post())}") + c.post()
    ),
    "an upgrade": lambda c: c.around(
        "Upgrade: websocket", "Connection: Upgrade", f"Content-Length: {len(c.post())}"
    ),
    "an upgrade to HTTP/2": lambda c: c.around(
        "Upgrade: h2c",
        "Connection: Upgrade, HTTP2-Settings",
        "HTTP2-Settings: AAMAAABk",
        f"Content-Length: {len(c.post())}",
    ),
    "Expect with a body": lambda c: c.around(
        "Expect: 100-continue", f"Content-Length: {len(c.post())}"
    ),
    "an unknown Expect": lambda c: c.around("Expect: 200-ok", f"Content-Length: {len(c.post())}"),
}

LINES: dict[str, Attack] = {
    "bare line feeds": lambda c: c.get().replace(b"\r\n", b"\n"),
    "bare carriage returns": lambda c: c.get().replace(b"\r\n", b"\r"),
    "a line feed in a header": lambda c: c.get(
        "/profile", "X-A: b\nX-Forwarded-Host: evil.example"
    ),
    "a carriage return in a header": lambda c: c.get("/profile", "X-A: b\rX-B: c"),
    "a NUL in a header": lambda c: c.get("/profile", "X-A: b\0c"),
    "a NUL in the cookie": lambda c: c.get("/profile", "Cookie: a=\0"),
    "a folded header": lambda c: c.get("/profile", "X-A: b\r\n c"),
    "a first header that is folded": lambda c: c.get().replace(b"\r\nHost", b"\r\n Host", 1),
    "a blank before a colon": lambda c: c.get("/profile", "X-A : b"),
    "a header without a colon": lambda c: c.get("/profile").replace(
        b"\r\n\r\n", b"\r\nnone\r\n\r\n"
    ),
    "a header without a name": lambda c: c.get("/profile").replace(b"\r\n\r\n", b"\r\n: b\r\n\r\n"),
    "a header of 8-bit letters": lambda c: c.get("/profile", "X-é: é"),
    "a huge header": lambda c: c.get("/profile", f"X-A: {HUGE}"),
    "a huge cookie": lambda c: c.get("/profile", f"Cookie: a={HUGE}"),
    "a thousand headers": lambda c: c.get("/profile", *(f"X-{n}: a" for n in range(1000))),
    "a huge first line": lambda c: c.get(f"/profile?a={HUGE}"),
    "two hosts": lambda c: c.get("/profile", "Host: evil.example"),
    "no host": lambda c: c.get().replace(f"Host: {c.host}\r\n".encode(), b""),
    "no headers at all": lambda c: b"GET /profile HTTP/1.1\r\n\r\n",
    "an empty host": lambda c: c.get().replace(c.host.encode(), b"", 1),
    "a host with userinfo": lambda c: c.get().replace(b"Host: ", b"Host: evil@", 1),
    "a host that isn't ours": lambda c: c.get().replace(c.host.encode(), b"evil.example", 1),
}

TARGETS: dict[str, Attack] = {
    "an absolute target": lambda c: c.get("http://evil.example/profile"),
    "an absolute target of ours": lambda c: c.get(f"http://{c.host}/profile"),
    "an absolute target with userinfo": lambda c: c.get(f"http://{c.host}@evil.example/profile"),
    "the authority as a target": lambda c: c.get("evil.example:443"),
    "CONNECT": lambda c: request("CONNECT", "evil.example:443", c.headers()),
    "an asterisk": lambda c: request("OPTIONS", "*", c.headers()),
    "an asterisk for GET": lambda c: c.get("*"),
    "two slashes": lambda c: c.get("//evil.example/profile"),
    "a backslash": lambda c: c.get("/\\evil.example/profile"),
    "dots": lambda c: c.get("/static/../../../../etc/passwd"),
    "escaped dots": lambda c: c.get("/static/%2e%2e/%2e%2e/wsgi.py"),
    "dots escaped twice": lambda c: c.get("/static/%252e%252e/wsgi.py"),
    "an escaped backslash": lambda c: c.get("/static/..%5c..%5cwsgi.py"),
    "an absolute file": lambda c: c.get("/static//etc/passwd"),
    "an escaped NUL in the path": lambda c: c.get("/profile%00.css"),
    "an escaped NUL in a theme": lambda c: c.get("/themes/%00.css"),
    "an escaped line break": lambda c: c.get("/profile%0d%0aSet-Cookie:%20a=b"),
    "an escaped line break in the query": lambda c: c.get("/?a=%0d%0aSet-Cookie:%20a=b"),
    "bytes that are no UTF-8 in the path": lambda c: c.get("/profile\xff\xfe"),
    "bytes that are no UTF-8 in the query": lambda c: c.get("/profile?next=\xff\xfe&lang=\xc0\xaf"),
    "escapes that are no UTF-8": lambda c: c.get("/%ff%fe?next=%ff&python_proficiency=%ff"),
    "a surrogate in the query": lambda c: c.get("/?next=%ed%a0%80&return_to=%ed%a0%80"),
    "a NUL in the query": lambda c: c.get("/?next=/%00&lang=%00&theme=%00"),
    "a raw NUL in the target": lambda c: c.get("/\0"),
    "a blank in the target": lambda c: c.get("/pro file"),
    "a tab in the target": lambda c: c.get("/\tprofile"),
    "a fragment": lambda c: c.get("/profile#a"),
    "an escape of no digits": lambda c: c.get("/%zz?%=%&%zz=%"),
    "a semicolon": lambda c: c.get("/profile;a=b"),
    "ten thousand parameters": lambda c: c.get("/?" + "&".join("a" for _ in range(4000))),
    "brackets in the target": lambda c: c.get("/?next=//[&return_to=http://[::1"),
    "a language of nonsense": lambda c: c.get("/signed-out", "Accept-Language: " + "x-" * 9000),
    "an Accept of nonsense": lambda c: c.get("/signed-out", "Accept: " + ",;q=" * 5000),
}

METHODS: dict[str, Attack] = {
    "a method of nonsense": lambda c: request("GETT", "/profile", c.headers()),
    "a method in small letters": lambda c: request("get", "/profile", c.headers()),
    "a method of signs": lambda c: request("G@T", "/profile", c.headers()),
    "TRACE": lambda c: request("TRACE", "/profile", c.headers()),
    "DELETE": lambda c: request("DELETE", "/api/profile", c.headers()),
    "PROPFIND": lambda c: request("PROPFIND", "/profile", c.headers()),
    "no version": lambda c: b"GET /profile\r\n\r\n",
    "HTTP/0.9": lambda c: b"GET /profile HTTP/0.9\r\n\r\n",
    "HTTP/2 in words": lambda c: c.get().replace(b"HTTP/1.1", b"HTTP/2.0", 1),
    "HTTP/1.10": lambda c: c.get().replace(b"HTTP/1.1", b"HTTP/1.10", 1),
    "the preface of HTTP/2": lambda c: (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0" + c.post()
    ),
    "TLS": lambda c: bytes.fromhex("16030100a5010000a10303") + b"\0" * 160,
    "a proxy's greeting": lambda c: b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + c.get(),
    "only line breaks": lambda c: b"\r\n" * 50,
    "nothing but NULs": lambda c: b"\0" * 2000,
    "nothing": lambda c: b"",
    "half a first line": lambda c: b"GET /prof",
    "half the headers": lambda c: c.get()[:-2],
    "half a form": lambda c: c.post()[:-20],
}

STEERING: dict[str, Attack] = {
    line: lambda c, line=line: c.get("/profile", line)
    for line in (
        "SCRIPT_NAME: /healthz",
        "Script-Name: /healthz",
        "PATH_INFO: /healthz",
        "Path-Info: /healthz",
        "REMOTE_USER: root",
        "X_FORWARDED_HOST: evil.example",
        "X_Forwarded_Proto: https",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Prefix: //evil.example",
        "X-Forwarded-Proto: javascript",
        "X-Forwarded-Port: 1",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Ssl: on",
        "X-Original-URL: /healthz",
        "X-Rewrite-URL: /healthz",
        "X-Host: evil.example",
        "Forwarded: host=evil.example;proto=https",
        "X-HTTP-Method-Override: POST",
        "wsgi.url_scheme: javascript",
        "HTTP_HOST: evil.example",
        "Content_Length: 5",
    )
}

FORMS: dict[str, Attack] = {
    "bytes that are no UTF-8 in the form": lambda c: c.post(
        body=b"csrf_token=\xff&developer_role=\xfe"
    ),
    "a NUL in the form": lambda c: c.post(body=c.form.replace(b"None", b"None%00")),
    "a raw NUL in the form": lambda c: c.post(body=c.form.replace(b"None", b"None\0")),
    "a surrogate in the form": lambda c: c.post(body=c.form.replace(b"None", b"%ed%a0%80")),
    "a thousand fields": lambda c: c.post(body=b"&".join([b"a=b"] * 3000)),
    "a body that is too large": lambda c: c.post(body=b"a" * 20_000),
    "a large form that is announced only": lambda c: c.post(body=b"", length=10**9),
    "a multipart form": lambda c: c.post().replace(
        b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=" + b"-" * 4000
    ),
    "a multipart form without a boundary": lambda c: c.post().replace(
        b"application/x-www-form-urlencoded", b"multipart/form-data"
    ),
    "a form of another charset": lambda c: (
        c.post()
        .replace(b"urlencoded\r\n", b"urlencoded; charset=utf-7\r\n")
        .replace(b"Advanced", b"+AEE-dvanced")
    ),
    "a compressed form": lambda c: c.post("Content-Encoding: gzip", body=b"\x1f\x8b\x08\0"),
    "JSON of a hundred thousand brackets": lambda c: request(
        "PUT",
        "/api/profile",
        c.headers(
            f"Origin: http://{c.host}", "Content-Type: application/json", "Content-Length: 16000"
        ),
        b"[" * 16_000,
    ),
    "a form of somebody signed out": lambda c: c.post().replace(
        c.person.token.encode(), b"x" * 32, 1
    ),
}

ATTACKS = {**FRAMING, **LINES, **TARGETS, **METHODS, **STEERING, **FORMS}
