"""A browser without a screen: keeps cookies and fills in forms as browsers do, on both sites."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx
from bs4 import BeautifulSoup


class Browser:
    """One window, and the cookies of one user."""

    def __init__(
        self, site: httpx.BaseTransport, app_origin: str, app: httpx.BaseTransport
    ) -> None:
        """`site` and `app` are how to reach them."""
        self.client = httpx.Client(transport=site, mounts={app_origin: app}, timeout=30)

    def session_token(self) -> str:
        """Return the token in the session cookie, unverified."""
        [value] = [c.value for c in self.client.cookies.jar if c.name.endswith("session_token")]
        return str(value).partition(".")[0]

    def send(
        self, method: str, url: str, *, json: object = None, data: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send one request as the page's own script or form does, without following redirects."""
        own = {"Origin": _origin(url), "Sec-Fetch-Site": "same-origin"} if method != "GET" else {}
        return self.client.request(method, url, json=json, data=data, headers=own)

    def visit(self, url: str, method: str = "GET", data: Mapping[str, str] | None = None) -> "Page":
        """Follow redirects on the page's own origin; return the page, or a redirect elsewhere."""
        response = self.send(method, url, data=data)
        for _ in range(5):
            following = response.next_request
            if following is None or _origin(str(following.url)) != _origin(url):
                return Page(self, response)
            response = self.client.send(following)
        raise AssertionError(f"too many redirects, the last to {response.url}")


@dataclass(frozen=True)
class Page:
    """A page, or a response that leads to another origin."""

    browser: Browser
    response: httpx.Response

    @property
    def url(self) -> str:
        return str(self.response.url)

    @property
    def path(self) -> str:
        return self.response.url.path

    @property
    def text(self) -> str:
        """The page as people read it."""
        return BeautifulSoup(self.response.text, "html.parser").get_text()

    def leads_away(self) -> str:
        """Return the address of a redirect, empty for a page."""
        return self.response.headers.get("location", "")

    def submit(self, url: str = "", **values: str) -> "Page":
        """Fill in the page's form and send it to its own address, or to another."""
        form = BeautifulSoup(self.response.text, "html.parser").find("form", method="post")
        hidden = {field["name"]: field.get("value", "") for field in form("input", type="hidden")}
        target = url or urljoin(self.url, form["action"])
        return self.browser.visit(target, "POST", {**hidden, **values})


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
