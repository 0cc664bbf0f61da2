"""A browser without a screen: keeps cookies and fills forms as browsers do, before both sites."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import httpx
from bs4 import BeautifulSoup, Tag


@dataclass(frozen=True)
class Cookie:
    """A kept cookie; its value is the text as it came."""

    name: str
    value: str
    domain: str
    host_only: bool
    secure: bool

    def goes_to(self, url: str) -> bool:
        host = urlsplit(url).hostname or ""
        matches = host == self.domain or (not self.host_only and host.endswith(f".{self.domain}"))
        return matches and (not self.secure or _is_trustworthy(url))


class Jar:
    """Cookies by RFC 6265bis, as far as Better-Auth's need it: all have the path "/"."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Cookie] = {}

    def take(self, url: str, lines: list[str]) -> None:
        """Take the Set-Cookie lines of an answer; what a browser would refuse is an error."""
        for line in lines:
            pair, *rest = (part.strip() for part in line.split(";"))
            name, _, value = pair.partition("=")
            attributes = {
                key.strip().lower(): given.strip()
                for key, _, given in (part.partition("=") for part in rest)
            }
            host = urlsplit(url).hostname or ""
            domain = attributes.get("domain", "").removeprefix(".")
            cookie = Cookie(name, value, domain or host, not domain, "secure" in attributes)
            assert cookie.goes_to(url), f"a browser refuses {name}: not for {url}"
            assert attributes["path"] == "/"
            if name.startswith(("__Secure-", "__Host-")):
                assert cookie.secure, f"a browser refuses {name}: not secure"
            if name.startswith("__Host-"):
                assert cookie.host_only, f"a browser refuses {name}: it has a domain"
            if _is_over(attributes):
                self._kept.pop((cookie.domain, name), None)
            else:
                self._kept[cookie.domain, name] = cookie

    def header(self, url: str) -> str:
        """Give the one Cookie header of a request."""
        return "; ".join(f"{c.name}={c.value}" for c in self._kept.values() if c.goes_to(url))

    def drop(self, name: str) -> None:
        self._kept = {key: cookie for key, cookie in self._kept.items() if cookie.name != name}

    def __iter__(self) -> Iterator[Cookie]:
        return iter(self._kept.values())


class Browser:
    """One window, and the cookies of one person."""

    def __init__(
        self, transports: Mapping[str, httpx.BaseTransport], jar: Jar | None = None
    ) -> None:
        """`transports`: how to reach each origin."""
        self.jar = jar or Jar()
        self.headers: dict[str, str] = {}
        """Sent with every request."""
        self._transports = transports

    def session_token(self) -> str:
        """Give the token in the session cookie, with nothing checked."""
        [value] = [c.value for c in self.jar if c.name.endswith(("session_token", "sid"))]
        return value.partition(".")[0]

    def send(
        self,
        method: str,
        url: str,
        *,
        json: object = None,
        data: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send one request, cookies and all; redirects aren't followed."""
        origin = "/".join(url.split("/")[:3])
        sent = {"Cookie": self.jar.header(url), **self.headers}
        if method != "GET":
            sent = {"Origin": origin, "Sec-Fetch-Site": "same-origin", **sent}
        request = httpx.Request(
            method,
            url,
            json=json,
            data=data,
            headers={name: value for name, value in sent.items() if value},
            extensions={"timeout": httpx.Timeout(10).as_dict()},
        )
        response = self._transports[origin].handle_request(request)
        response.request = request
        response.read()
        self.jar.take(url, response.headers.get_list("set-cookie"))
        return response

    def visit(self, url: str, method: str = "GET", data: Mapping[str, str] | None = None) -> "Page":
        """Go to a page and follow redirects on its own origin; gives the page, or the redirect
        that leads elsewhere."""
        origin = "/".join(url.split("/")[:3])
        for _ in range(5):
            response = self.send(method, url, data=data)
            location = response.headers.get("location", "")
            target = urljoin(url, location)
            if not response.has_redirect_location or not target.startswith(f"{origin}/"):
                return Page(self, url, response)
            method, url, data = "GET", target, None
        raise AssertionError(f"too many redirects, the last to {url}")


@dataclass(frozen=True)
class Page:
    """A page, or an answer that leads to another origin."""

    browser: Browser
    url: str
    response: httpx.Response

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def text(self) -> str:
        return self.response.text

    def leads_away(self) -> str:
        """Give where the answer leads on another origin, empty for a page."""
        return self.response.headers.get("location", "")

    def fields(self) -> dict[str, str]:
        """Give what the page's form holds without being filled in."""
        hidden = self._form()("input", type="hidden")
        return {element["name"]: element.get("value", "") for element in hidden}

    def submit(self, **values: str) -> "Page":
        """Fill the page's form in and send it."""
        target = urljoin(self.url, self._form()["action"])
        return self.browser.visit(target, "POST", {**self.fields(), **values})

    def _form(self) -> Tag:
        return BeautifulSoup(self.text, "html.parser").find("form", method="post")


def _is_trustworthy(url: str) -> bool:
    # Browsers take and send Secure cookies on http://localhost, too.
    return url.startswith("https:") or urlsplit(url).hostname == "localhost"


def _is_over(attributes: Mapping[str, str]) -> bool:
    if "max-age" in attributes:
        return int(attributes["max-age"]) <= 0
    if "expires" in attributes:
        return parsedate_to_datetime(attributes["expires"]) <= datetime.now(UTC)
    return False
