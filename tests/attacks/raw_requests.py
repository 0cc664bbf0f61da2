"""The requests of `test_wire`: what two servers could cut in two ways, and bytes that no browser sends.

Each carries a real session cookie, and most a whole second request that would confirm the user's
answers for good, if anybody took it for one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.attacks.wire import request
from tests.questionnaires import DEFAULT, some_answers
from tests.users import User

REVIEW = "/onboarding/review"
URLENCODED = "application/x-www-form-urlencoded"
# What the form confirms; its last value is what some attacks spoil.
ANSWERS = some_answers()
VALUE = urlencode({DEFAULT.questions[-1].name: ANSWERS[DEFAULT.questions[-1].name]}).encode()


@dataclass(frozen=True)
class RequestBuilder:
    """What the requests of one user are made of."""

    host: str
    user: User
    csrf_token: str

    def headers(self, *more: str) -> list[str]:
        """Return a signed-in browser's headers, and further lines."""
        return [f"Host: {self.host}", f"Cookie: {self.user.cookie}", *more]

    @property
    def form(self) -> bytes:
        """The form that confirms, with a valid token."""
        return urlencode({"csrf_token": self.csrf_token, **ANSWERS}).encode()

    def get(self, target: str = "/profile", *more: str) -> bytes:
        return request("GET", target, self.headers(*more))

    def post(self, *more: str, body: bytes | None = None, length: object = None) -> bytes:
        """Return the confirmation; `length` is what its Content-Length says, "" for none."""
        body = self.form if body is None else body
        length = len(body) if length is None else length
        lengths = () if length == "" else (f"Content-Length: {length}",)
        lines = (f"Content-Type: {URLENCODED}", f"Origin: http://{self.host}", *lengths, *more)
        return request("POST", REVIEW, self.headers(*lines), body)

    def around(self, before: str, *framing: str) -> bytes:
        """Return a harmless request of this framing with the confirmation as, or behind, its body."""
        post = self.post()
        lines = (line.replace("WHOLE", str(len(post))) for line in framing)
        return request("POST", "/healthz", self.headers(*lines), before.encode() + post)


Attack = Callable[[RequestBuilder], bytes]
HUGE = "a" * 40_000
CHUNKED, END = "Transfer-Encoding: chunked", "0\r\n\r\n"

# What stands before the hidden request in the body, and the header lines that frame it.
FRAMINGS: dict[str, tuple[str, ...]] = {
    "length and chunks, length first": (END, "Content-Length: 5", CHUNKED),
    "length of nothing and chunks": (END, "Content-Length: 0", CHUNKED),
    "two lengths": ("", "Content-Length: 0", "Content-Length: WHOLE"),
    "two lengths in one line": ("", "Content-Length: 0, WHOLE"),
    "a negative length": ("", "Content-Length: -1"),
    "a length with an underscore": ("", "Content-Length: 1_0"),
    "an empty length": ("", "Content-Length: "),
    "a length beyond 64 bits": ("", f"Content-Length: {2**80}"),
    "a length with a blank before its colon": ("", "Content-Length : 0"),
    "two codings": (END, "Transfer-Encoding: gzip, chunked"),
    "a coding spelled oddly": (END, "Transfer-Encoding: xchunked"),
    "chunked in two lines": (END, CHUNKED, "Transfer-Encoding: identity"),
    "a coding behind a tab": (END, "Content-Length: 5", "Transfer-Encoding:\tchunked"),
    "a coding with an underscore": (END, "Transfer_Encoding: chunked"),
    "a folded coding": (END, "Transfer-Encoding:\r\n chunked"),
    "a chunk of no digits": ("zz\r\n", CHUNKED),
    "a chunk beyond 64 bits": ("fffffffffffffffff\r\n", CHUNKED),
    "a chunk without its end": ("1\r\na", CHUNKED),
    "a chunk with an extension": ('0;a="\n"\r\n\r\n', CHUNKED),
    "chunks with a trailer": ("0\r\nHost: evil.example\r\n\r\n", CHUNKED),
    "an upgrade": ("", "Upgrade: websocket", "Connection: Upgrade", "Content-Length: WHOLE"),
    "an upgrade to HTTP/2": (
        *("", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings"),
        *("HTTP2-Settings: AAMAAABk", "Content-Length: WHOLE"),
    ),
    "Expect with a body": ("", "Expect: 100-continue", "Content-Length: WHOLE"),
}

TARGETS = (
    *("http://evil.example/profile", "http://HOST/profile", "http://HOST@evil.example/profile"),
    *("evil.example:443", "*", "//evil.example/profile", "/\\evil.example/profile"),
    *("/static/../../../../etc/passwd", "/static/%2e%2e/%2e%2e/wsgi.py", "/static//etc/passwd"),
    *("/static/%252e%252e/wsgi.py", "/static/..%5c..%5cwsgi.py", "/profile%00.css"),
    *("/themes/%00.css", "/profile%0d%0aSet-Cookie:%20a=b", "/?a=%0d%0aSet-Cookie:%20a=b"),
    *("/profile\xff\xfe", "/profile?next=\xff\xfe&lang=\xc0\xaf", "/%ff%fe?next=%ff&a=%ff"),
    *("/?next=%ed%a0%80&return_to=%ed%a0%80", "/?next=/%00&lang=%00&theme=%00", "/\0"),
    *("/pro file", "/\tprofile", "/profile#a", "/%zz?%=%&%zz=%", "/profile;a=b"),
    *("/?next=//[&return_to=http://[::1", "/?" + "&".join("a" * 4000), f"/profile?a={HUGE}"),
)

# Lines of headers that steer some server or framework, or are none.
HEADERS = (
    *("SCRIPT_NAME: /healthz", "Script-Name: /healthz", "PATH_INFO: /healthz"),
    *("Path-Info: /healthz", "REMOTE_USER: root", "HTTP_HOST: evil.example", "Content_Length: 5"),
    *("X_FORWARDED_HOST: evil.example", "X_Forwarded_Proto: https", "X-Host: evil.example"),
    *("X-Forwarded-Host: evil.example", "X-Forwarded-Prefix: //evil.example"),
    *("X-Forwarded-Proto: javascript", "X-Forwarded-Port: 1", "X-Forwarded-For: 127.0.0.1"),
    *("X-Forwarded-Ssl: on", "X-Original-URL: /healthz", "X-Rewrite-URL: /healthz"),
    *("Forwarded: host=evil.example;proto=https", "X-HTTP-Method-Override: POST"),
    *("wsgi.url_scheme: javascript", "X-A: b\nX-Forwarded-Host: evil.example", "X-A: b\rX-B: c"),
    *("X-A: b\0c", "Cookie: a=\0", "X-A: b\r\n c", "X-A : b", "none", ": b", "X-é: é"),
    *(f"X-A: {HUGE}", f"Cookie: a={HUGE}", "Host: evil.example"),
    *("Accept-Language: " + "x-" * 9000, "Accept: " + ",;q=" * 5000),
    "\r\n".join(f"X-{number}: a" for number in range(1000)),
)

# Bodies in the place of the form; FORM stands for it.
BODIES = {
    "bytes that are no UTF-8": b"csrf_token=\xff&answer=\xfe",
    "a raw NUL": b"FORM\0",
    "a thousand fields": b"&".join([b"a=b"] * 3000),
}


def chunked(*chunks: bytes) -> bytes:
    """Return a body in these chunks (RFC 9112, section 7.1)."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


OTHERS: dict[str, Attack] = {
    "a form in chunks without the last": lambda b: b.post(
        CHUNKED, body=chunked(b.form).removesuffix(b"0\r\n\r\n"), length=""
    ),
    "HTTP/1.0 with chunks": lambda b: b.around(END, CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "a form longer than it says": lambda b: b.post(length=len(b.form) - 5),
    "a form shorter than it says": lambda b: b.post(length=len(b.form) + 50),
    "a form of no length": lambda b: b.post(length=""),
    "a large form that is announced only": lambda b: b.post(body=b"", length=10**9),
    "a compressed form": lambda b: b.post("Content-Encoding: gzip", body=b"\x1f\x8b\x08\0"),
    "a form of another charset": lambda b: b.post(
        body=b.form.replace(VALUE, VALUE.replace(b"=", b"=+AEE-"))
    ).replace(b"urlencoded\r\n", b"urlencoded; charset=utf-7\r\n"),
    "a body behind a GET": lambda b: (
        b.get("/healthz", f"Content-Length: {len(b.post())}") + b.post()
    ),
    "bare line feeds": lambda b: b.get().replace(b"\r\n", b"\n"),
    "bare carriage returns": lambda b: b.get().replace(b"\r\n", b"\r"),
    "a first header that is folded": lambda b: b.get().replace(b"\r\nHost", b"\r\n Host", 1),
    "no host": lambda b: b.get().replace(f"Host: {b.host}\r\n".encode(), b""),
    "no headers at all": lambda b: b"GET /profile HTTP/1.1\r\n\r\n",
    "an empty host": lambda b: b.get().replace(b.host.encode(), b"", 1),
    "a host with userinfo": lambda b: b.get().replace(b"Host: ", b"Host: evil@", 1),
    "another host": lambda b: b.get().replace(b.host.encode(), b"evil.example", 1),
    "CONNECT": lambda b: request("CONNECT", "evil.example:443", b.headers()),
    "an asterisk": lambda b: request("OPTIONS", "*", b.headers()),
    "HTTP/2 in words": lambda b: b.get().replace(b"HTTP/1.1", b"HTTP/2.0", 1),
    "HTTP/1.10": lambda b: b.get().replace(b"HTTP/1.1", b"HTTP/1.10", 1),
    "the preface of HTTP/2": lambda b: (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0" + b.post()
    ),
    "a proxy's greeting": lambda b: b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + b.get(),
    "half the headers": lambda b: b.get()[:-2],
    "half a form": lambda b: b.post()[:-20],
}

# Sent as they are.
BYTES = {
    "no version": b"GET /profile\r\n\r\n",
    "HTTP/0.9": b"GET /profile HTTP/0.9\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + b"\0" * 160,
    "only line breaks": b"\r\n" * 50,
    "nothing but NULs": b"\0" * 2000,
    "nothing": b"",
    "half a first line": b"GET /prof",
}

METHODS = ("GETT", "get", "G@T", "TRACE", "DELETE", "PROPFIND")

ATTACKS: dict[str, Attack] = {
    **{name: lambda b, parts=parts: b.around(*parts) for name, parts in FRAMINGS.items()},
    **{
        f"target {target[:40]!r}": lambda b, target=target: b.get(target.replace("HOST", b.host))
        for target in TARGETS
    },
    **{f"header {line[:40]!r}": lambda b, line=line: b.get("/profile", line) for line in HEADERS},
    **{
        f"form with {name}": lambda b, body=body: b.post(body=body.replace(b"FORM", b.form))
        for name, body in BODIES.items()
    },
    **{
        f"method {name}": lambda b, name=name: request(name, "/api/profile", b.headers())
        for name in METHODS
    },
    **{name: lambda b, data=data: data for name, data in BYTES.items()},
    **OTHERS,
}
