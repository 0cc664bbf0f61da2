"""Targets that look like ours to one reader or another and lead elsewhere, or nowhere."""

from onboarding.urls import LONGEST_TARGET

OURS = "https://www.example.com"

# Neither a path of ours nor an address on an allowed origin, whatever a browser would make of it.
HOSTILE = (
    "", "profile", "./profile", "?next=/", "#top", "//evil.example", "///evil.example",
    "/\\evil.example", "\\/evil.example", "/\\/evil.example", "/profile\\..\\evil",
    "/\t/evil.example", "/\n/evil.example", "/\r\nSet-Cookie: a=b", " /profile", "\x00/profile",
    "\xa0//evil.example", "/profile ", "/pro file", "/pro\x00file", "/\x1b[2J",
    "/\x85evil.example", "/\ud800", "/\udcff", "/café", "/\uff0fevil.example",
    "/\u2044evil.example", "/\u3002evil", "/\u202eelpmaxe", "/\u2028evil.example",
    "/" + "a" * LONGEST_TARGET, f"{OURS}/" + "a" * 10_000,
    "javascript:alert(document.domain)", "java\tscript:alert(1)",
    "javascript://www.example.com/%0aalert(1)", "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)", "file:///etc/passwd", "www.example.com", "://www.example.com/",
    "https://evil.example/", "http://www.example.com/", "https:/www.example.com/",
    "https:///www.example.com/", "https:\\\\www.example.com/", "https://www.example.com.evil.example/",
    "https://evilwww.example.com/", "https://evil.example/www.example.com",
    "https://evil.example#https://www.example.com", "https://example.com/",
    "https://a.www.example.com/", "https://www.example.com./",
    "https://www.example.com@evil.example/", "https://evil.example@www.example.com/",
    "https://www.example.com:443@evil.example/", "https://@www.example.com/",
    "https://www.example.com%40evil.example/", "https://www.example.com%2F.evil.example/",
    "https://www%2eexample.com/", "https://www.example.com\\@evil.example/",
    "https://evil.example\\.www.example.com/", "https://www.example.com;@evil.example/",
    "https://www.example.com:8443/", "https://docs.example.com/", "https://www.example.com:0/",
    "https://www.example.com:65536/", "https://www.example.com:https/",
    "https://www.example.com:\u0664\u0664\u0663/", " https://www.example.com/",
    "https://www.example.com/\n", "https://www.example.com\x00.evil.example/",
    "https://www.exаmple.com/", "https://www\uff0eexample.com/", "https://www\u3002example.com/",
    "https://www.example.com\u2100.evil.example/", "https://www.exam\u00adple.com/",
    "https://[www.example.com]/", "https://[::1/", "http://[::1]x:8000/",
    "http://[::1%25eth0]:8000/", "http://127.1:3000/", "http://2130706433:3000/",
    "http://localhost:3001/", f"{OURS},https://evil.example", "https://*.example.com/", "null",
)  # fmt: skip
